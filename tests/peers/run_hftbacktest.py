"""hftbacktest on our events; run by the peers' own Python: EVENTS.npz ORDERS.json RESULT.json.

One backtest for each order, so that nothing but the order and the market decides. No latency.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    MARKET,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from numba import njit

SCALE = 1e9
SECOND = 1_000_000_000


def as_events(file):
    """Our events as hftbacktest's: (N,) of its dtype."""
    events = np.zeros(len(file["ts"]), event_dtype)
    kind = np.where(file["is_trade"], TRADE_EVENT, DEPTH_EVENT)
    events["ev"] = EXCH_EVENT | LOCAL_EVENT | kind | np.where(file["is_buy"], BUY_EVENT, SELL_EVENT)
    events["exch_ts"] = events["local_ts"] = file["ts"]
    events["px"], events["qty"] = file["price"] / SCALE, file["size"]
    return events


def backtest(events, queue, tick):
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(tick)
        .lot_size(1.0)
        .last_trades_capacity(0)
    )
    asset = asset.risk_adverse_queue_model() if queue == "risk_adverse" else asset.power_prob_queue_model(1.0)
    return HashMapMarketDepthBacktest([asset])


@njit
def play(hbt, at, until, is_buy, price, quantity, is_market):
    """(lots left, price of the last execution, time of the last) of one order that lives from `at` to `until`.

    Not the position: in 2.4.4 that counts an order's last execution only.
    """
    hbt.elapse(1)
    hbt.elapse(at - hbt.current_timestamp)
    kind = MARKET if is_market else LIMIT
    if is_buy:
        hbt.submit_buy_order(0, 1, price, quantity, GTC, kind, False)
    else:
        hbt.submit_sell_order(0, 1, price, quantity, GTC, kind, False)
    left, changed, last = quantity, 0, 0.0
    while hbt.current_timestamp < until and left > 0:
        if hbt.wait_next_feed(True, until - hbt.current_timestamp) == 1:
            break
        order = hbt.orders(0).get(1)
        if order is not None and order.leaves_qty != left:
            left, changed, last = order.leaves_qty, hbt.current_timestamp, order.exec_price
    return left, last, changed


@njit
def rest(hbt, count, away, tick, step, after):
    """Steps to the end with `count` orders far from the market, and what ended them: 1 is the end of the data."""
    hbt.elapse(after)
    depth = hbt.depth(0)
    bid, ask = depth.best_bid, depth.best_ask
    for number in range(count):
        distance = (away + number) * tick
        if number % 2:
            hbt.submit_buy_order(0, number + 1, bid - distance, 1.0, GTC, LIMIT, False)
        else:
            hbt.submit_sell_order(0, number + 1, ask + distance, 1.0, GTC, LIMIT, False)
    steps, ended = 0, 0
    while ended == 0:
        ended = hbt.elapse(step)
        steps += 1
    return steps, ended


def compare(events, wanted):
    found = []
    for order in wanted["orders"]:
        hbt = backtest(events, wanted["queue"], wanted["tick"] / SCALE)
        price = (order["limit"] or 0) / SCALE
        left, last, changed = play(
            hbt, order["at"], order["until"], order["is_buy"], price, float(order["quantity"]), order["limit"] is None
        )
        hbt.close()
        filled = order["quantity"] - round(left)
        found.append({"filled": filled, "last": round(last * SCALE), "changed": int(changed)})
    return found


def measure(events, wanted):
    found = {}
    for count in wanted["working"]:
        for number in range(wanted["repetitions"] + 1):
            hbt = backtest(events, "risk_adverse", wanted["tick"] / SCALE)
            begun = time.process_time()
            steps, ended = rest(hbt, count, wanted["away"], wanted["tick"] / SCALE, wanted["step"], 60 * SECOND)
            taken = time.process_time() - begun
            expected = (int(events["exch_ts"][-1]) - int(events["exch_ts"][0])) // wanted["step"] - 60
            if ended != 1 or abs(steps - expected) > 2:
                raise SystemExit(f"it ended with {ended} after {steps:,} of {expected:,} steps with {count} orders")
            if number:
                found.setdefault(str(count), []).append(taken)
            hbt.close()
    return found


def main():
    events_path, orders_path, result_path = sys.argv[1:]
    with np.load(events_path) as file:
        events = as_events(file)
    wanted = json.loads(Path(orders_path).read_text())
    result = measure(events, wanted) if "working" in wanted else compare(events, wanted)
    Path(result_path).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
