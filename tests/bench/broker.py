"""The broker headless: a book at full speed with orders that rest, beside hftbacktest and nautilus_trader.

The real ESH4 hour twenty times in a row where it is there, and a day of the stand-in's books. The peers run on the same
events in the same run, in their own environment (`make peers`); without it only our own figures are told.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databento
import numpy as np
import numpy.typing as npt

from market.engine import book as engine_book
from market.engine.book import BookTape
from market.schemas import BOOK
from tests.bench.data import Market
from tests.bench.measure import Peer, Result, percentile, scaled
from tests.conftest import REAL_DATA
from tests.peers import bridge
from trading.engine.broker import Broker
from trading.engine.commands import OrderSpec, Submit
from trading.engine.feed import Span, Spans
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import OrderType, Side, TimeInForce

SECOND = 10**9
HOURS, REPETITIONS, WORKING = 20, 3, (0, 1, 5, 20)
FRAME_NS, FRAMES = SECOND // 20, 20_000
FRAME_TARGET_US = 30.0
PEER_ROWS = {"hftbacktest": 1_000_000, "nautilus_trader": 200_000}
"""The peers get the first rows of a tape: their speed does not depend on its length."""
DAY_ROWS = 10_000_000
FAR = 4_000
"""Ticks that NQ does not reach: hftbacktest ends with an error where some orders are filled."""
SYMBOL, DATASET = "NQM6", "GLBX.MDP3"
Columns = dict[str, npt.NDArray[Any]]


def run(market: Market) -> Iterator[Result]:
    if (REAL_DATA / bridge.HOUR_FILE).exists():
        columns = repeated(bridge.esh4_rows(REAL_DATA), HOURS)
        yield from _measured("ESH4 hour × 20", columns, bridge.HOUR_OPENS, bridge.TICK, 40)
    yield from _measured("10 M rows", _standin_day(market), None, market.asset.tick_size, FAR)


def repeated(columns: Columns, times: int) -> Columns:
    """The same rows several times in a row, each later than the one before."""
    length = int(columns["ts_recv"][-1] - columns["ts_recv"][0]) + SECOND
    tiled = {name: np.tile(values, times) for name, values in columns.items()}
    shift = np.repeat(np.arange(times) * length, len(columns["ts_recv"]))
    for name in ("ts_recv", "ts_event"):
        tiled[name] = tiled[name] + shift
    return tiled


def _standin_day(market: Market) -> Columns:
    """A main session's rows from the stand-in, repeated up to ten million."""
    days = market.window.sessions[-1:]
    with tempfile.TemporaryDirectory(prefix="futsim-bench-") as folder:
        path = Path(folder) / "book.dbn.zst"
        session = days[0]
        market.client().timeseries.get_range(
            DATASET, session.open_ns, session.close_ns, [SYMBOL], BOOK.name, path=path
        ).reader.close()
        store = databento.DBNStore.from_file(path)
        columns = dict(BOOK.columns_of(store.to_ndarray()))
        store.reader.close()
    times = -(-DAY_ROWS // len(columns["ts_recv"]))
    return {name: values[:DAY_ROWS] for name, values in repeated(columns, times).items()}


def _measured(name: str, columns: Columns, opens: int | None, tick: int, away: int) -> Iterator[Result]:
    tape = engine_book.build(_parts(columns))
    opens = int(tape.ts[0]) if opens is None else opens
    answers = _peers(tape, opens, tick, away)
    for count in WORKING:
        samples = [_processor_seconds(resting(tape, opens, tick, count, away), tape) for _ in range(REPETITIONS + 1)][
            1:
        ]
        rates = scaled([len(tape) / taken for taken in samples], 1e-6)
        text = f"{name}, {count} orders, steps of 1 s, processor time"
        for peer, times in (("hftbacktest", 1), ("nautilus_trader", 10)):
            theirs = _peer(answers, peer, count, len(tape))
            target = times * float(np.median(theirs.samples)) if theirs else None
            yield Result("broker", text, "M rows/s", rates, target, more_is_better=True, peer=theirs)
            if theirs is None:
                break
    yield from _frames(name, tape, opens, tick, away)


def _parts(columns: Columns) -> Iterator[Columns]:
    step = 1 << 20
    for start in range(0, len(columns["ts_recv"]), step):
        yield {name: values[start : start + step] for name, values in columns.items()}


def resting(tape: BookTape, opens: int, tick: int, count: int, away: int) -> Broker:
    """A broker a minute after the opening, with so many orders `away` ticks and more from the market."""
    ends = int(tape.ts[-1]) + SECOND
    instrument = Instrument("X", tick, tick * 50)
    broker = Broker(Spans({"X": (Span(tape, ((opens, ends),)),)}), (instrument,), FillSettings(0), start_ns=opens)
    book = tape.at(opens + 60 * SECOND)
    for number in range(count):
        distance = (away + number) * tick
        side = Side.BUY if number % 2 else Side.SELL
        limit = book.bids[0].price - distance if number % 2 else book.asks[0].price + distance
        spec = OrderSpec("X", side, 1, OrderType.LIMIT, limit=limit, tif=TimeInForce.GTC)
        broker.apply(Submit(f"o{number}", spec), opens + 60 * SECOND)
    broker.advance(opens + 60 * SECOND)
    return broker


def _processor_seconds(broker: Broker, tape: BookTape) -> float:
    """Of steps of a second to the end. Not the clock's: the peers are not measured in the same moment."""
    end, advance = int(tape.ts[-1]), broker.advance
    begun = time.process_time()
    for ns in range(broker.now + SECOND, end, SECOND):
        advance(ns)
    return time.process_time() - begun


def _frames(name: str, tape: BookTape, opens: int, tick: int, away: int) -> Iterator[Result]:
    """What one frame of an interactive replay costs, with twenty orders working; then with all queues shown in each."""
    broker = resting(tape, opens, tick, WORKING[-1], away)
    for what in ("a frame of 50 ms", "a frame that shows all queues"):
        start, taken = broker.now, []
        for number in range(1, FRAMES + 1):
            begun = time.perf_counter_ns()
            broker.advance(start + number * FRAME_NS)
            if "queues" in what:
                broker.queues()
            taken.append((time.perf_counter_ns() - begun) / 1_000)
        yield Result("broker", f"{name}, 20 orders, {what}", "µs", taken, FRAME_TARGET_US)
        slowest = [percentile(taken, 99)]
        yield Result("broker", f"{name}, 20 orders, {what}, 99 %", "µs", slowest, FRAME_TARGET_US)


# --- the peers ---


def _peers(tape: BookTape, opens: int, tick: int, away: int) -> dict[str, dict[str, list[float]]] | None:
    """Seconds of hftbacktest and nautilus_trader by number of orders; None without their environment."""
    if not (bridge.PEERS / "bin" / "python").exists():
        return None
    start = int(tape.ts.searchsorted(opens))
    events = bridge.events_of(tape, start)
    book = tape.at(opens + 60 * SECOND)
    wanted = {
        "tick": tick,
        "step": SECOND,
        "away": away,
        "working": WORKING,
        "repetitions": REPETITIONS,
        "far": [book.asks[0].price + away * tick, book.bids[0].price - away * tick],
    }
    hft = _ask("run_hftbacktest.py", _first(events, tape, "hftbacktest"), wanted)
    return {
        "hftbacktest": hft,
        "nautilus_trader": _ask(
            "run_nautilus.py", _first(events, tape, "nautilus_trader"), wanted | {"repetitions": 1}
        ),
    }


def _first(events: Columns, tape: BookTape, peer: str) -> Columns:
    """The events of a peer's share of the rows."""
    count = int(min(PEER_ROWS[peer], len(tape)) * len(events["ts"]) / len(tape))
    return {name: values[:count] for name, values in events.items()}


def _ask(script: str, events: Columns, wanted: dict[str, Any]) -> Any:
    with tempfile.TemporaryDirectory(prefix="futsim-bench-") as folder:
        return bridge.ask(script, events, wanted, Path(folder))


def _peer(answers: dict[str, dict[str, list[float]]] | None, name: str, count: int, rows: int) -> Peer | None:
    if answers is None:
        return None
    rows = min(PEER_ROWS[name], rows)
    return Peer(name, scaled([rows / taken for taken in answers[name][str(count)]], 1e-6))
