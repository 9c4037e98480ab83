"""Many pages at live beside one that never reads: `make load`, or

`python -m futsim.stack.testing -- python -m tests.load.live_pages --pages 500`.

Gateway, feed, web process and the pages' side of the sockets are a process each, on this machine.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import __main__ as bench
from tests.bench import report
from tests.bench.measure import Result

WARM_UP = 30.0
"""500 pages that come at once take some seconds to be shown their charts."""


def main() -> int:
    options = _arguments()
    results, begun = bench.beside_a_gateway(lambda: _measure(options.pages))
    report.write_json(options.json, report.as_json(results, begun))
    sys.stdout.write(f"{report.machine(begun)}\n\n{report.table(results)}\n")
    return 0


def _measure(count: int) -> Iterator[Result]:
    import django

    django.setup()
    # These need Django to be set up.
    from tests.bench import pages
    from tests.bench.data import Market

    Market()
    yield from bench.told(pages.of(count, WARM_UP))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load.live_pages", description="Many pages at live.")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--json", type=Path, default=report.JSON_FILE.with_name("load-live.json"), metavar="PATH")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
