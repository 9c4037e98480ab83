"""What the server tells the browser: the shapes of docs/protocol.md."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from django.conf import settings

from market.engine.bars import Bars
from market.engine.tape import FlawMark, RollMark, Tape
from market.sessions import SECOND_NS
from ranks.engine.metrics import Forming, Metrics
from replay.engine.clock import ReplayClock
from replay.models import ReplaySession
from replay.ranking import Finals

_encoder = msgspec.json.Encoder()


def encode(message: dict[str, Any]) -> str:
    """JSON text of a message."""
    return _encoder.encode(message).decode()


def price_unit(bars: Bars, tick: int) -> int:
    """The tick where all prices lie on it, else 1 (1e-9)."""
    return tick if fits(bars, tick) else 1


def fits(bars: Bars, unit: int) -> bool:
    """Whether all prices are whole multiples of the unit."""
    return not any((column % unit).any() for column in (bars.open, bars.high, bars.low, bars.close))


def bar_columns(bars: Bars, unit: int) -> dict[str, list[int]]:
    """Bars as the browser gets them: UTC seconds, prices in units."""
    return {
        "t": (bars.ts // SECOND_NS).tolist(),
        "o": (bars.open // unit).tolist(),
        "h": (bars.high // unit).tolist(),
        "l": (bars.low // unit).tolist(),
        "c": (bars.close // unit).tolist(),
        "v": bars.volume.tolist(),
    }


def plain_price(nanos: int, decimals: int) -> str:
    """A price in 1e-9 units as text, "175.75": for sentences."""
    return f"{Decimal(nanos).scaleb(-9):,.{decimals}f}"


def mark_body(roll: RollMark, playhead_ns: int) -> dict[str, Any]:
    """A roll; its volumes only once they are over at the playhead."""
    known = playhead_ns >= roll.known_ns
    return {
        "t": roll.at_ns // SECOND_NS,
        "at_ns": str(roll.at_ns),
        "from": roll.from_contract,
        "to": roll.to_contract,
        "kind": roll.kind,
        "complete": roll.complete,
        "spread": roll.spread if roll.complete else None,
        "from_volume": roll.from_volume if known else None,
        "to_volume": roll.to_volume if known else None,
    }


def metrics_body(bar: Forming, metrics: Metrics) -> dict[str, Any]:
    """The metrics of the bar in progress."""
    return {
        "t": bar.begin_ns // SECOND_NS,
        "length": bar.bucket.length,  # not its end: no time after the playhead leaves the server
        "vr": _rank(metrics.vol_rank),
        "vp": _rank(metrics.vol_pending),
        "rr": _rank(metrics.range_rank),
        "rp": _rank(metrics.range_pending),
        "n": metrics.n,
    }


def _rank(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def rank_columns(finals: Iterable[Finals]) -> dict[str, list[Any]]:
    """Final ranks as the browser gets them: UTC seconds, a rank null where there was nothing to compare with."""
    columns: dict[str, list[Any]] = {"t": [], "vr": [], "rr": [], "n": []}
    for each in finals:
        columns["t"] += (each.start // SECOND_NS).tolist()
        columns["vr"] += [None if math.isnan(value) else value for value in each.volume.round(1).tolist()]
        columns["rr"] += [None if math.isnan(value) else value for value in each.range.round(1).tolist()]
        columns["n"] += each.n.tolist()
    return columns


def source() -> str:
    """Who it was that said something of the data."""
    return "The stand-in" if settings.SYNTHETIC_MARKET else str(settings.MARKET_SOURCE)


def flaw_body(flaw: FlawMark) -> dict[str, Any]:
    """A session whose data the vendor calls less than good."""
    return {
        "t": flaw.at_ns // SECOND_NS,
        "at_ns": str(flaw.at_ns),
        "kind": "degraded",
        "days": {day.isoformat(): condition for day, condition in flaw.days},
    }


def clock_body(clock: ReplayClock, tape: Tape | None, *, at_end: bool, loading: bool) -> dict[str, Any]:
    """Where the replay stands."""
    part = tape.part_at(clock.playhead_ns) if tape else None
    piece = part.piece if part else None
    return {
        "playhead": str(clock.playhead_ns),
        "playing": clock.playing,
        "speed": "max" if clock.speed is None else clock.speed,
        "contract": piece.contract if piece else None,
        "trade_date": piece.session.trade_date.isoformat() if piece else None,
        "grade": part.grade if part else None,
        "at_end": at_end,
        "loading": loading,
    }


def session_body(replay: ReplaySession, tape: Tape | None) -> dict[str, Any]:
    """What stays the same while the replay runs, and its state."""
    asset = replay.asset
    is_loading = tape is None and replay.state != ReplaySession.State.FAILED
    return {
        "id": str(replay.pk),
        "root": asset.root,
        "name": asset.name,
        "exchange": asset.exchange,
        "tick": asset.tick_size,
        "decimals": asset.decimals,
        "price_display": asset.price_display,
        "entry_ns": str(replay.entry_ns),
        "entry_contract": tape.entry_contract if tape else None,
        "lookback_days": replay.lookback_days,
        "state": ReplaySession.State.LOADING if is_loading else replay.state,
        "synthetic": settings.SYNTHETIC_MARKET and not asset.from_files,
        "problem": replay.problem or None,
    }
