"""Market data files as Databento writes them, from rows that a test makes up: DBN, and what its client makes of DBN."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import databento
import databento_dbn as dbn
import numpy as np
import numpy.typing as npt
import zstandard

from market.engine.bars import Bars
from market.engine.trades import Trades

UNDEFINED_PRICE = 2**63 - 1
MESSAGES = {
    "ohlcv-1s": (dbn.OHLCVMsg, 32),
    "ohlcv-1m": (dbn.OHLCVMsg, 33),
    "trades": (dbn.TradeMsg, 0),
    "mbp-10": (dbn.MBP10Msg, 10),
    "mbp-1": (dbn.MBP1Msg, 1),
    "status": (dbn.StatusMsg, 18),
    "mbo": (dbn.MBOMsg, 160),
    "definition": (dbn.InstrumentDefMsg, 19),
}
PUBLISHERS = {"GLBX.MDP3": 1, "XNAS.ITCH": 2, "EQUS.MINI": 95}

Rows = npt.NDArray[Any]


def blank(schema: str, count: int, instrument_id: int = 1, dataset: str = "GLBX.MDP3") -> Rows:
    """Records of a schema with their heads, all else zero."""
    message, rtype = MESSAGES[schema]
    rows = np.zeros(count, np.dtype(message._dtypes))
    rows["length"], rows["rtype"] = rows.itemsize // 4, rtype
    rows["publisher_id"], rows["instrument_id"] = PUBLISHERS[dataset], instrument_id
    return rows


def bar_rows(bars: Bars, schema: str = "ohlcv-1s", **head: Any) -> Rows:
    rows = blank(schema, len(bars), **head)
    rows["ts_event"] = bars.ts
    for name in ("open", "high", "low", "close", "volume"):
        rows[name] = getattr(bars, name)
    return rows


def trade_rows(trades: Trades, **head: Any) -> Rows:
    rows = blank("trades", len(trades), **head)
    rows["ts_recv"], rows["action"] = trades.ts, b"T"
    for name in ("ts_event", "price", "size", "sequence"):
        rows[name] = getattr(trades, name)
    rows["side"] = trades.side.view("S1")
    return rows


def some_trades(
    start_ns: int, count: int, *, price: int, tick: int, seed: int = 1, step_ns: int = 700_000_000
) -> Trades:
    """Prints on the tick grid, ascending in time."""
    rng = np.random.default_rng(seed)
    ts = start_ns + np.cumsum(rng.integers(1, 2 * step_ns, count))
    prices = price + tick * np.cumsum(rng.integers(-2, 3, count))
    sizes = rng.integers(1, 9, count).astype(np.uint32)
    sides = rng.choice(np.frombuffer(b"BAN", np.uint8), count)
    return Trades(ts, ts - 90_000, prices, sizes, sides, np.arange(1, count + 1, dtype=np.uint32))


def book_rows(trades: Trades, tick: int, **head: Any) -> Rows:
    """A book of ten levels around each print: one row as it trades, and one as the book stands afterwards."""
    rows = blank("mbp-10", 2 * len(trades), **head)
    for name in ("ts_event", "price", "size", "sequence"):
        rows[name] = np.repeat(getattr(trades, name), 2)
    rows["ts_recv"] = np.repeat(trades.ts, 2)
    rows["action"], rows["side"] = np.tile([b"T", b"M"], len(trades)), np.repeat(trades.side.view("S1"), 2)
    rows["flags"] = np.tile([0, 130], len(trades))
    for level in range(10):
        rows[f"bid_px_{level:02}"] = rows["price"] - (level + 1) * tick
        rows[f"ask_px_{level:02}"] = rows["price"] + (level + 1) * tick
        for side in ("bid", "ask"):
            rows[f"{side}_sz_{level:02}"], rows[f"{side}_ct_{level:02}"] = 10 + level + rows["sequence"] % 7, 2
    return rows


def future_definition(symbol: str, root: str, year: int, month: int, ts_ns: int, **changes: Any) -> Rows:
    """The definition of a future, like ES's: a tick of 0.25, 50 dollars a point."""
    rows = blank("definition", 1, changes.pop("instrument_id", 1))
    values = {
        "ts_event": ts_ns, "ts_recv": ts_ns, "raw_symbol": symbol.encode(), "asset": root.encode(),
        "instrument_class": b"F", "exchange": b"XCME", "cfi": b"FFIXSX", "match_algorithm": b"F",
        "min_price_increment": 250_000_000, "min_price_increment_amount": 125_000_000, "display_factor": 10_000_000,
        "unit_of_measure_qty": 50 * 10**9, "maturity_year": year, "maturity_month": month,
        "activation": ts_ns - 400 * 86_400 * 10**9, "expiration": ts_ns + 60 * 86_400 * 10**9,
    } | changes  # fmt: skip
    for name, value in values.items():
        rows[name] = value
    return rows


def day_of(ns: int) -> Any:
    return datetime.fromtimestamp(int(ns) // 10**9, UTC).date()


def write_dbn(
    path: Path,
    schema: str | None,
    rows: Rows | bytes,
    symbols: Mapping[str, int],
    *,
    dataset: str = "GLBX.MDP3",
    version: int = 3,
    ts_out: bool = False,
    days: Sequence[Any] | None = None,
) -> Path:
    """A DBN file; zstd where its name says so. symbols: instrument ids. days: [first, end) of the mappings."""
    if days is None:
        assert not isinstance(rows, bytes)
        times = rows["ts_event"] if len(rows) else np.zeros(1, np.uint64)
        days = [day_of(times.min()), day_of(times.max()) + timedelta(days=1)]
    intervals = {
        symbol: [SimpleNamespace(start_date=days[0], end_date=days[1], symbol=str(number))]
        for symbol, number in symbols.items()
    }
    mappings = [SimpleNamespace(raw_symbol=symbol, intervals=parts) for symbol, parts in intervals.items()]
    metadata = dbn.Metadata(
        dataset=dataset,
        start=0,
        stype_in=dbn.SType.RAW_SYMBOL if schema else None,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.from_str(schema) if schema else None,
        symbols=list(symbols),
        mappings=mappings if schema else [],
        version=version,
        ts_out=ts_out,
    )
    body = bytes(metadata) + (rows if isinstance(rows, bytes) else rows.tobytes())
    path.write_bytes(zstandard.compress(body) if path.name.endswith(".zst") else body)
    return path


def as_parquet(source: Path, path: Path, **options: Any) -> Path:
    """The parquet file that Databento's client makes of a DBN file. options: price_type, pretty_ts, map_symbols."""
    store = databento.DBNStore.from_file(source)
    store.to_parquet(path, **options)
    store.reader.close()
    return path


def as_csv(source: Path, path: Path, **options: Any) -> Path:
    """The CSV file that Databento's client makes of a DBN file."""
    store = databento.DBNStore.from_file(source)
    store.to_csv(path, **options)
    store.reader.close()
    return path
