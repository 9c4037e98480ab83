"""Measures futsim: `make bench`, or `python -m futsim.stack.testing -- python -m tests.bench --only splicing`.

Needs a throw-away PostgreSQL, Valkey and store, which `futsim.stack.testing` provides: the tables are created here.
"""

import argparse
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from standin.background import running
from standin.gateway import Gateway
from tests.bench import report
from tests.bench.measure import Result

BENCHES = (
    *("opening", "splicing", "schedule", "storing", "memory", "frames"),
    *("events", "broker", "keypress", "feed", "pages", "starting", "ranks", "alerts", "firings"),
)
ON_REQUEST = ("nineteen",)
"""Takes minutes to make its data."""
NEEDED = ("DATABASE_URL", "REDIS_URL", "FUTSIM_DATA_ROOT")


_CHOICE = f"of {', '.join(BENCHES)}, and on request only {', '.join(ON_REQUEST)}"


def main() -> int:
    options = _arguments()
    if any(name not in os.environ for name in NEEDED):
        sys.stderr.write("The benchmarks want servers of their own: run `make bench`.\n")
        return 2
    results, begun = beside_a_gateway(lambda: _measure(options.only or BENCHES))
    report.write_json(options.json, report.as_json(results, begun))
    sys.stdout.write(f"\n{report.table(results)}\n")
    if options.write_docs:
        report.write_docs(results, begun)
    return 0


def beside_a_gateway(measure: Callable[[], Iterator[Result]]) -> tuple[list[Result], dict[str, Any]]:
    """What is measured with a stand-in as the vendor, and the circumstances. Django is not set up before."""
    gateway = Gateway(seed=1, key=f"db-{secrets.token_hex(14)}")
    with running(gateway) as url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "futsim.settings",
            "DATABENTO_API_KEY": gateway.key,
            "FUTSIM_GATEWAY": url,
            "FUTSIM_LOG_LEVEL": "WARNING",
        }
        begun = report.circumstances()
        return list(measure()), begun


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures futsim's engines and fan-out.")
    parser.add_argument("--only", nargs="+", choices=(*BENCHES, *ON_REQUEST), metavar="BENCH", help=_CHOICE)
    parser.add_argument("--json", type=Path, default=report.JSON_FILE, metavar="PATH", help="where the figures go")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def _measure(names: tuple[str, ...] | list[str]) -> Iterator[Result]:
    """Runs the benchmarks, telling each result as soon as it is there."""
    import django

    django.setup()
    logging.getLogger("databento").setLevel(logging.ERROR)
    # These need Django to be set up.
    from tests.bench import (
        alerts,
        broker,
        events,
        feed,
        firings,
        frames,
        keypress,
        memory,
        nineteen,
        opening,
        pages,
        ranks,
        schedule,
        splicing,
        starting,
        storing,
    )  # fmt: skip
    from tests.bench.data import Market

    runs: dict[str, Callable[[Market], Iterator[Result]]] = {
        module.__name__.rpartition(".")[2]: module.run
        for module in (
            opening,
            splicing,
            schedule,
            storing,
            memory,
            frames,
            events,
            broker,
            feed,
            pages,
            keypress,
            starting,
            ranks,
            alerts,
            firings,
            nineteen,
        )
    }
    start = time.perf_counter()
    market = Market()
    _say(f"sixteen sessions fetched and stored in {time.perf_counter() - start:.1f} s")
    for name in names:
        yield from told(runs[name](market))


def told(results: Iterator[Result]) -> Iterator[Result]:
    """The results, each written as soon as it is there."""
    for result in results:
        _say(" · ".join(cell for cell in report.row(result) if cell))
        yield result


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
