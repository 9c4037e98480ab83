"""How the bars of a session grew, at the cuts at which the forecasts of `tests.bench.pending` are judged."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.engine.bars import Bars
from market.sessions import Session
from ranks.engine.summary import Curves, summarise

CUTS = (0.01, 0.02, 0.05, 0.10, 0.25, 0.50, 0.75)
HUNDREDTHS = np.array([round(cut * 100) - 1 for cut in CUTS])
"""The columns of curves of a hundred knots that belong to them: a summary's own sixty knots hit neither 1 nor 2 %."""

Ints = NDArray[Any]


@dataclass(frozen=True)
class Grown:
    """Bars of a session as a summary has them, and their values at the cuts, then the final ones."""

    curves: Curves
    volume_cut: Ints
    range_cut: Ints


def grown(session: Session, seconds: Bars, tick: int) -> dict[str, Grown]:
    """All timeframes of a session."""
    stored, close = summarise(session, seconds, tick), summarise(session, seconds, tick, knots=100)
    columns = np.append(HUNDREDTHS, 99)
    return {
        name: Grown(curves, close[name].volume[:, columns], close[name].range[:, columns])
        for name, curves in stored.items()
    }
