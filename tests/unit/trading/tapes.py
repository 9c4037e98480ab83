"""Small tapes for hand-worked tests: prices are ticks of 0.25 written as whole numbers, times are seconds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from market.engine import book as engine_book
from market.engine.bars import Bars
from market.engine.book import BookTape
from market.engine.trades import Trades
from market.schemas import BOOK
from trading.engine.broker import Broker
from trading.engine.commands import Cancel, Command, Exits, OrderSpec, Submit
from trading.engine.feed import Span, Spans
from trading.engine.records import Event, Fill
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import OrderType, Preset, Side, TimeInForce

S = 1_000_000_000
TICK = 250_000_000
START = 1_710_000_000 * S
CLOSE = 600
"""The session of every tape: from second 0 to second 600."""
DOLLAR = 1_000_000_000
ES = Instrument("ESH4", TICK, tick_value=12_500_000_000, fee=2_130_000_000, protection=4)

LIMIT, STOP = OrderType.LIMIT, OrderType.STOP
BUY, SELL = Side.BUY, Side.SELL
Levels = Mapping[int, int]
BookRow = tuple[Any, ...]


def at(seconds: float) -> int:
    return START + round(seconds * 1_000) * 1_000_000


def px(ticks: int) -> int:
    return ticks * TICK


def bars(*rows: tuple[float, int, int, int, int, int]) -> Bars:
    """(second, open, high, low, close, volume)."""
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    ts = np.array([at(row[0]) for row in rows], np.int64)
    return Bars(ts, *(column * TICK for column in columns[1:5]), columns[5])


def trades(*rows: tuple[float, int, int, str]) -> Trades:
    """(second, price, size, aggressor B, A or N)."""
    ts = np.array([at(row[0]) for row in rows], np.int64)
    return Trades(
        ts,
        ts - 1_000,
        np.array([px(row[1]) for row in rows], np.int64),
        np.array([row[2] for row in rows], np.uint32),
        np.array([ord(row[3]) for row in rows], np.uint8),
        np.arange(1, len(rows) + 1, dtype=np.uint32),
    )


def book(*rows: tuple[float, Levels, Levels] | tuple[float, Levels, Levels, tuple[int, int, str]]) -> BookTape:
    """(second, bids, asks) or (second, bids, asks, (price, size, aggressor)) for a print, whose book is that before."""
    columns: dict[str, Any] = {name: np.zeros(len(rows), dtype) for name, dtype in BOOK.columns.items()}
    for name in columns:
        if "_px_" in name:
            columns[name][:] = engine_book.UNDEFINED_PRICE
    for number, row in enumerate(rows):
        columns["ts_recv"][number] = columns["ts_event"][number] = at(row[0])
        columns["sequence"][number] = number + 1
        columns["action"][number] = ord("T" if len(row) == 4 else "A")
        if len(row) == 4:
            price, size, aggressor = row[3]
            columns["price"][number], columns["size"][number] = px(price), size
            columns["side"][number] = ord(aggressor)
        for letter, levels, down in (("bid", row[1], True), ("ask", row[2], False)):
            for level, price in enumerate(sorted(levels, reverse=down)[:10]):
                columns[f"{letter}_px_{level:02}"][number] = px(price)
                columns[f"{letter}_sz_{level:02}"][number] = levels[price]
                columns[f"{letter}_ct_{level:02}"][number] = 1
    return engine_book.build(iter([columns]))


def span(tape: Bars | Trades | BookTape, close: float = CLOSE, halts: Sequence[tuple[float, float]] = ()) -> Span:
    return Span(tape, ((at(0), at(close)),), tuple((at(start), at(end)) for start, end in halts))


def broker(
    tape: Bars | Trades | BookTape | Sequence[Span],
    *,
    latency: float = 0,
    preset: Preset = Preset.CONSERVATIVE,
    others: Mapping[str, Sequence[Span]] | None = None,
    instruments: Sequence[Instrument] = (ES,),
    halts: Sequence[tuple[float, float]] = (),
    rules: Any = None,
    cash: int = 0,
    **settings: Any,
) -> Broker:
    """A broker at second 0 of the tape, without latency where nothing is said."""
    spans = (span(tape, halts=halts),) if isinstance(tape, Bars | Trades | BookTape) else tuple(tape)
    feed = Spans({ES.name: spans, **{name: tuple(those) for name, those in (others or {}).items()}})
    chosen = FillSettings(latency_ns=round(latency * S), preset=preset, **settings)
    extra = {} if rules is None else {"rules": rules}
    return Broker(feed, instruments, chosen, cash=cash, start_ns=at(0), **extra)


def order(side: Side, quantity: int, **fields: Any) -> OrderSpec:
    """An order in ESH4; limit and stop in ticks. A limit or a stop alone says the type."""
    prices = {name: px(fields.pop(name)) for name in ("limit", "stop") if name in fields}
    if "type" not in fields:
        names = {("limit",): LIMIT, ("stop",): STOP, ("limit", "stop"): OrderType.STOP_LIMIT, (): OrderType.MARKET}
        fields["type"] = OrderType.TRAILING_STOP if "offset" in fields else names[tuple(sorted(prices))]
    contract = fields.pop("contract", ES.name)
    return OrderSpec(contract, side, quantity, **prices, **fields)


def submit(to: Broker, seconds: float, name: str, side: Side, quantity: int, **fields: Any) -> list[Event]:
    return to.apply(Submit(name, order(side, quantity, **fields)), at(seconds))


def cancel(to: Broker, seconds: float, name: str) -> list[Event]:
    return to.apply(Cancel(f"cancel {name} {seconds}", name), at(seconds))


def told(fills: Sequence[Fill]) -> list[tuple[str, int, int, float]]:
    """(order, lots, price in ticks, second) of each fill; sells have negative lots."""
    return [(each.client_id, each.side * each.quantity, each.price // TICK, (each.ns - START) / S) for each in fills]


def changes(events: Sequence[Event], name: str) -> list[str]:
    """What happened to an order: "working", "cancelled: flat", …; the reason where it is not the user's."""
    own = [event for event in events if event.client_id == name]
    return [f"{event.change}" if event.reason == "user" else f"{event.change}: {event.reason}" for event in own]


__all__ = [
    "BUY",
    "CLOSE",
    "DOLLAR",
    "ES",
    "LIMIT",
    "SELL",
    "START",
    "STOP",
    "TICK",
    "Cancel",
    "Command",
    "Exits",
    "OrderSpec",
    "OrderType",
    "Preset",
    "S",
    "Side",
    "Span",
    "Spans",
    "Submit",
    "TimeInForce",
    "at",
    "bars",
    "book",
    "broker",
    "cancel",
    "changes",
    "order",
    "px",
    "span",
    "submit",
    "told",
    "trades",
]  # fmt: skip
