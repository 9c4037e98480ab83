"""nautilus_trader on our events; run by the peers' own Python: EVENTS.npz WANTED.json RESULT.json.

All orders in one run: its simulated exchange takes nothing from the book for good, so they do not meet. No latency.
"""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    AssetClass,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import FuturesContract
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

SCALE = 1_000_000_000
VENUE = Venue("XCME")
ID = InstrumentId(Symbol("ESH4"), VENUE)
SECOND = 1_000_000_000


def instrument(tick):
    return FuturesContract(
        instrument_id=ID,
        raw_symbol=Symbol("ESH4"),
        asset_class=AssetClass.INDEX,
        currency=USD,
        price_precision=2,
        price_increment=Price(tick / SCALE, 2),
        multiplier=Quantity.from_int(50),
        lot_size=Quantity.from_int(1),
        underlying="ES",
        activation_ns=0,
        expiration_ns=2**62,
        ts_event=0,
        ts_init=0,
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
    )


def as_data(file):
    """Our events as its objects: one `OrderBookDeltas` for the changes between two prints of one instant."""
    columns = [file[name].tolist() for name in ("ts", "is_trade", "is_buy", "price", "size")]
    found, deltas = [], []
    for number, (ts, is_trade, is_buy, price, size) in enumerate(zip(*columns, strict=True)):
        if deltas and (is_trade or deltas[-1].ts_init != ts):
            found.append(_together(deltas))
            deltas = []
        if is_trade:
            aggressor = AggressorSide.BUYER if is_buy else AggressorSide.SELLER
            made = TradeTick(
                ID, Price(price / SCALE, 2), Quantity.from_int(size), aggressor, TradeId(str(number)), ts, ts
            )
            found.append(made)
            continue
        side = OrderSide.BUY if is_buy else OrderSide.SELL
        order = BookOrder(side, Price(price / SCALE, 2), Quantity.from_int(size), 0)
        action = BookAction.UPDATE if size else BookAction.DELETE
        deltas.append(OrderBookDelta(ID, action, order, 0, number, ts, ts))
    return found + ([_together(deltas)] if deltas else [])


def _together(deltas):
    last = deltas[-1]
    deltas[-1] = OrderBookDelta(
        ID, last.action, last.order, RecordFlag.F_LAST, last.sequence, last.ts_event, last.ts_init
    )
    return OrderBookDeltas(ID, deltas)


class Sender(Strategy):
    """Sends each order at its time, cancels it at its end, and keeps the fills."""

    def __init__(self, orders):
        super().__init__(StrategyConfig())
        self.wanted = orders
        self.sent = {}
        self.fills = [[] for _ in orders]

    def on_start(self):
        self.instrument = self.cache.instrument(ID)
        self.subscribe_order_book_deltas(ID, BookType.L2_MBP)
        for number, order in enumerate(self.wanted):
            self.clock.set_time_alert_ns(f"send-{number}", order["at"], self.send)
            self.clock.set_time_alert_ns(f"end-{number}", order["until"], self.finish)

    def send(self, event):
        number = int(event.name.split("-")[1])
        wanted = self.wanted[number]
        side = OrderSide.BUY if wanted["is_buy"] else OrderSide.SELL
        quantity = Quantity.from_int(wanted["quantity"])
        if wanted["limit"] is None:
            order = self.order_factory.market(ID, side, quantity)
        else:
            order = self.order_factory.limit(ID, side, quantity, Price(wanted["limit"] / SCALE, 2))
        self.sent[order.client_order_id] = number
        wanted["order"] = order
        self.submit_order(order)

    def finish(self, event):
        order = self.wanted[int(event.name.split("-")[1])].get("order")
        if order is not None and order.is_open:
            self.cancel_order(order)

    def on_order_filled(self, event):
        price = round(float(event.last_px) * SCALE)
        self.fills[self.sent[event.client_order_id]].append([int(event.last_qty), price, event.ts_event])


def engine_with(data, tick):
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        starting_balances=[Money(10**9, USD)],
        book_type=BookType.L2_MBP,
        trade_execution=True,
        default_leverage=Decimal(1),
    )
    engine.add_instrument(instrument(tick))
    engine.add_data(data, sort=False, validate=False)
    return engine


def compare(data, wanted):
    engine = engine_with(data, wanted["tick"])
    sender = Sender(wanted["orders"])
    engine.add_strategy(sender)
    engine.run()
    return sender.fills


def measure(data, wanted, start):
    """Processor seconds of each run with so many resting orders far from the market."""
    found = {}
    for count in wanted["working"]:
        for _ in range(wanted["repetitions"]):
            orders = [
                {
                    "at": start + 60 * SECOND,
                    "until": 2**62,
                    "is_buy": bool(number % 2),
                    "quantity": 1,
                    "limit": wanted["far"][number % 2] + (-1 if number % 2 else 1) * number * wanted["tick"],
                }
                for number in range(count)
            ]
            engine = engine_with(data, wanted["tick"])
            engine.add_strategy(Sender(orders))
            begun = time.process_time()
            engine.run()
            found.setdefault(str(count), []).append(time.process_time() - begun)
            engine.dispose()
    return found


def main():
    events_path, wanted_path, result_path = sys.argv[1:]
    with np.load(events_path) as file:
        data = as_data(file)
        start = int(file["ts"][0])
    wanted = json.loads(Path(wanted_path).read_text())
    result = measure(data, wanted, start) if "working" in wanted else compare(data, wanted)
    Path(result_path).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
