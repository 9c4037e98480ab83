"""How lifelike the stand-in's trades and book are: figures of one of its hours beside those of a real one.

    python -m tests.bench.lifelike [FOLDER]

FOLDER holds the real ESH4 hour of 2023-12-25 18:00 ET as DBN (see docs/standin.md); without it only the stand-in's
figures are shown.
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.facts import BY_ROOT
from standin.market.bars import day_ns
from standin.market.volume import plan
from standin.micro.tape import event_rows
from standin.micro.words import as_records

HOUR_NS = 3_600_000_000_000
REAL_FILE = "esh4-20231225.mbp-10.derived.dbn.zst"
REAL_OPEN_NS = 1_703_545_200_000_000_000
ES_TICK = 250_000_000
HOURS = (("NQ", 22), ("NQ", 15), ("CL", 15), ("ZN", 15), ("6N", 3))
"""(root, UTC hour) of the stand-in's front months that are shown."""
DAY, SEED = date(2026, 3, 11), 1
LEVELS = range(10)

Rows = NDArray[Any]


def quantiles(values: Rows, at: tuple[float, ...], scale: float = 1.0, digits: int = 0) -> str:
    return " / ".join(f"{value / scale:,.{digits}f}" for value in np.quantile(values, at))


def shares(values: Rows, of: tuple[Any, ...]) -> str:
    return " / ".join(f"{np.mean(values == each):.1%}" for each in of)


def autocorrelation(values: Rows, lags: tuple[int, ...]) -> str:
    centred = values - values.mean()
    return " / ".join(f"{np.mean(centred[:-lag] * centred[lag:]) / values.var():.2f}" for lag in lags)


def figures(rows: Rows, tick: int) -> dict[str, str]:
    """What describes an hour of mbp-10 rows of one instrument, name → text."""
    trades = rows[rows["action"] == b"T"]
    sign = np.where(trades["side"] == b"B", 1.0, -1.0)[trades["side"] != b"N"]
    recv = rows["ts_recv"].astype(np.int64)
    lasted = np.diff(recv, append=recv[-1])
    spread = (rows["ask_px_00"] - rows["bid_px_00"]) // tick
    step = np.diff(trades["price"]) // tick
    book = rows[rows["action"] != b"T"]
    sizes = [
        f"{sum(np.average(rows[f'{side}_sz_{level:02}'], weights=lasted) for side in ('bid', 'ask')) / 2:,.1f}"
        for level in LEVELS
    ]
    orders = [np.average(rows[f"{side}_ct_{level:02}"], weights=lasted) for side in ("bid", "ask") for level in LEVELS]
    lots = [np.average(rows[f"{side}_sz_{level:02}"], weights=lasted) for side in ("bid", "ask") for level in LEVELS]
    return {
        "trades a minute": f"{len(trades) / 60:,.1f}",
        "lots of a trade, mean": f"{trades['size'].mean():.2f}",
        "lots of a trade, 50 / 75 / 90 / 95 / 99 %": quantiles(trades["size"], (0.5, 0.75, 0.9, 0.95, 0.99)),
        "trades of one lot": shares(trades["size"], (1,)),
        "trades without change of price": shares(step, (0,)),
        "same side as the trade 1 / 2 / 5 / 10 before, autocorrelation": autocorrelation(sign, (1, 2, 5, 10)),
        "ms between trades, 25 / 50 / 75 / 90 %": quantiles(
            np.diff(trades["ts_recv"].astype(np.int64)), (0.25, 0.5, 0.75, 0.9), 1e6, 1
        ),
        "rows a second": f"{len(rows) / 3600:,.1f}",
        "rows for each trade": f"{len(rows) / len(trades):.1f}",
        "rows A / C / M / T": shares(rows["action"], (b"A", b"C", b"M", b"T")),
        "book rows at level 1 / 2 / 3": shares(book["depth"], (0, 1, 2)),
        "ms between rows, 25 / 50 / 75 / 90 %": quantiles(lasted, (0.25, 0.5, 0.75, 0.9), 1e6, 2),
        "time at a spread of 1 / 2 / 3 / 4 ticks": " / ".join(
            f"{lasted[spread == width].sum() / lasted.sum():.1%}" for width in (1, 2, 3, 4)
        ),
        "lots at levels 1 to 10": " ".join(sizes),
        "lots of an order": f"{sum(lots) / sum(orders):.2f}",
    }


def standin_hour(root: str, hour: int) -> Rows:
    front = plan(SEED, root, DAY).ranked()[0]
    start = day_ns(DAY) + hour * HOUR_NS
    return as_records(event_rows(SEED, "mbp-10", (front,), start, start + HOUR_NS), "mbp-10")


def real_hour(folder: Path) -> Rows:
    import databento

    rows = databento.DBNStore.from_file(folder / REAL_FILE).to_ndarray()
    rows = rows[rows["ts_recv"] >= REAL_OPEN_NS]
    # the first rows still show the auction
    return rows[rows["ask_px_00"] > rows["bid_px_00"]]


def main() -> None:
    columns = {
        f"{root} {hour:02}:00": figures(standin_hour(root, hour), BY_ROOT[root].tick_size) for root, hour in HOURS
    }
    if len(sys.argv) > 1:
        columns = {"real ESH4": figures(real_hour(Path(sys.argv[1])), ES_TICK), **columns}
    names = list(next(iter(columns.values())))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[name, *(column[name] for column in columns.values())] for name in names]
    for line in lines:
        sys.stdout.write(f"| {' | '.join(line)} |\n")


if __name__ == "__main__":
    main()
