"""Puts the running product under the load of many traders: `make load`, or `python -m tests.load --replays 10`.

Everything is on this machine: `manage.py up` in a folder of its own, and the traders' side of the sockets in this
process, which shares the processors with it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import report
from tests.bench.measure import Result, percentile, scaled
from tests.load.replays import SPEED, Load, measure
from tests.product import Up, clean_environment, finish, remove

FRAMES_TARGET = 10.0


def main() -> int:
    options = _arguments()
    begun = report.circumstances()
    state = Path(tempfile.mkdtemp(prefix="futsim-load-"))
    up = Up(clean_environment(state))
    try:
        up.ready()
        load = asyncio.run(measure(up, options.replays, options.seconds, options.every))
    finally:
        finish(up)
        remove(state)
    results = list(_results(load, options.replays))
    report.write_json(options.json, report.as_json(results, begun))
    sys.stdout.write(f"{report.machine(begun)}\n\n{report.table(results)}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Many replays at the same time.")
    parser.add_argument("--replays", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long they are watched")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two orders of one replay")
    parser.add_argument("--json", type=Path, default=report.JSON_FILE.with_name("load.json"), metavar="PATH")
    return parser.parse_args()


def _results(load: Load, replays: int) -> Iterator[Result]:
    who = f"{replays} replays at {SPEED}×"
    yield Result("load", f"frames, {who}", "/s each", load.rates, FRAMES_TARGET, more_is_better=True)
    yield Result("load", "the slowest of them", "/s", [min(load.rates)], FRAMES_TARGET, more_is_better=True)
    yield Result("load", f"order to acknowledgement, {who}", "ms", scaled(load.waits, 1e3))
    yield Result("load", "99 % of them within", "ms", [percentile(load.waits, 99) * 1e3])
    speeds = [moved / 1e9 for moved in load.moved_ns]
    yield Result("load", "market seconds that passed", "s", speeds, more_is_better=True)
    yield Result("load", "the web process's share of a processor", "%", [100 * load.cpu])
    yield Result("load", "its memory, less what it shares with files", "MB", [load.own_bytes / 1e6])
    yield Result("load", "orders without an answer", "", [float(len(load.unanswered))])


if __name__ == "__main__":
    sys.exit(main())
