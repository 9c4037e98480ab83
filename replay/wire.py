"""What a replay's page is told beyond its charts: the shapes of docs/protocol.md."""

from typing import Any

import numpy as np

from market.engine.bars import Int64s
from market.engine.book import Book, Level
from market.engine.tape import Tape
from replay.depth import Shown
from replay.engine.clock import ReplayClock
from replay.models import ReplaySession
from trading.engine.settings import Instrument
from workspace.wire import asset_body


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
    return asset_body(asset, instrument) | {
        "id": str(replay.pk),
        "entry_ns": str(replay.entry_ns),
        "entry_contract": tape.entry_contract if tape else None,
        "lookback_days": replay.lookback_days,
        "state": ReplaySession.State.LOADING if is_loading else replay.state,
        "problem": replay.problem or None,
    }
