"""A live session's trades, where the installation keeps them: held in Valkey as DBN has them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from live import history
from live.feed import PRINT
from live.history import SessionKey
from market.schemas import TRADES


def cut(key: SessionKey, whole_ns: int) -> None:
    """Drop what is held from an instant on (UTC ns), which a replay brings again. Raises RedisError."""
    rows = np.frombuffer(history.read_prints(key), PRINT)
    kept = rows[rows["ts_recv"] < whole_ns]
    if len(kept) < len(rows):
        history.replace_prints(key, kept.tobytes())


def columns(key: SessionKey) -> Mapping[str, npt.NDArray[Any]]:
    """A session's trades as they are stored, ordered by ts_recv and then by arrival. Raises RedisError."""
    rows = np.frombuffer(history.read_prints(key), PRINT)
    return TRADES.columns_of(rows[np.argsort(rows["ts_recv"], kind="stable")])
