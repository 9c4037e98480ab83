"""What the server tells the browser: the shapes of docs/protocol.md."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from django.conf import settings

from market.engine.bars import Bars, Int64s
from market.engine.book import Book, Level
from market.engine.tape import FlawMark, RollMark, Tape
from market.sessions import SECOND_NS
from ranks.engine.metrics import Forming, Metrics
from replay.depth import Shown
from replay.engine.clock import ReplayClock
from replay.models import ReplaySession
from replay.ranking import Finals
from trading.engine.records import price_text
from trading.engine.settings import Instrument
from trading.engine.sizing import dollar_risk
from trading.engine.terms import Side

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


def book_body(shown: Shown, book: Book) -> dict[str, Any]:
    """The book at the contract's own prices, the best levels first."""
    prices = np.array([level.price for level in (*book.bids, *book.asks)], np.int64)
    unit = _unit(prices, shown.tick)
    return _about(shown, unit) | {"bids": _levels(book.bids, unit), "asks": _levels(book.asks, unit)}


def prints_body(shown: Shown, first: int, end: int, left_out: int) -> dict[str, Any]:
    """Prints `first` to `end` of a session, the newest last. left_out: how many came before them untold."""
    rows = shown.events.trades[first:end]
    unit = _unit(rows.price, shown.tick)
    return _about(shown, unit) | {
        "left_out": left_out,
        "t": [str(ns) for ns in rows.ts.tolist()],
        "p": (rows.price // unit).tolist(),
        "s": rows.size.tolist(),
        "side": bytes(rows.side).decode(),
    }


def volumes_body(shown: Shown, first: int, end: int) -> dict[str, Any]:
    """The lots that prints `first` to `end` traded at each tick. last: the newest price, None before the first."""
    trades = shown.events.trades
    ticks, lots = trades.volumes(first, end, shown.tick)
    last = int(trades.price[end - 1]) // shown.tick if end else None
    return _about(shown, shown.tick) | {"p": ticks.tolist(), "v": lots.tolist(), "last": last}


def _about(shown: Shown, unit: int) -> dict[str, Any]:
    return {"contract": shown.contract, "shift": shown.shift, "unit": unit}


def _unit(prices: Int64s, tick: int) -> int:
    return 1 if (prices % tick).any() else tick


def _levels(levels: tuple[Level, ...], unit: int) -> dict[str, list[int]]:
    return {
        "p": [level.price // unit for level in levels],
        "s": [level.size for level in levels],
        "n": [level.count for level in levels],
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
        "vpe": _rank(metrics.vol_error),
        "rpe": _rank(metrics.range_error),
        "n": metrics.n,
    }


def risk_body(instrument: Instrument, bar: Bars) -> dict[str, str] | None:
    """Dollars that one contract risks, long and short, by the bar in progress in its own prices; None without one."""
    if not len(bar):
        return None
    close, low, high = int(bar.close[-1]), int(bar.low[-1]), int(bar.high[-1])
    sides = {"buy": Side.BUY, "sell": Side.SELL}
    return {name: price_text(dollar_risk(instrument, side, close, low, high)) for name, side in sides.items()}


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


def clock_body(clock: ReplayClock, tape: Tape | None, *, keeps: str, at_end: bool, loading: bool) -> dict[str, Any]:
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
        "shift": part.shift if part else 0,
        "keeps": keeps,
        "at_end": at_end,
        "loading": loading,
    }


def session_body(replay: ReplaySession, tape: Tape | None, instrument: Instrument) -> dict[str, Any]:
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
        "tick_value": price_text(instrument.tick_value),
        "entry_ns": str(replay.entry_ns),
        "entry_contract": tape.entry_contract if tape else None,
        "lookback_days": replay.lookback_days,
        "state": ReplaySession.State.LOADING if is_loading else replay.state,
        "synthetic": settings.SYNTHETIC_MARKET and not asset.from_files,
        "problem": replay.problem or None,
    }
