"""A year of all assets, summarised from cold parquet by two processes: `--only nineteen`, for it takes minutes to make.

As a program, `python -m tests.bench.nineteen NUMBER COUNT`, it is one of those processes.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Result

SESSIONS, WORKERS = 252, 2


def run(_market: object) -> Iterator[Result]:
    from market.models import Asset
    from tests.bench import year

    assets = list(Asset.objects.all())
    bars = sum(year.make(asset, SESSIONS) for asset in assets)
    workers = [_start(number) for number in range(WORKERS)]
    try:
        for worker in workers:
            _say(worker, "ready")
        year.forget_pages("ohlcv-1s")
        start = time.perf_counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        found = [json.loads(_say(worker)) for worker in workers]
        seconds = time.perf_counter() - start
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    sessions = sum(each["sessions"] for each in found)
    assert sessions == len(assets) * SESSIONS
    yield Result(
        "nineteen",
        f"summaries of {len(assets)} × {SESSIONS} sessions, {bars:,} bars, from cold parquet, {WORKERS} processes",
        "s",
        [seconds],
        note=f"{year.bytes_of('ohlcv-1s') / 1e6:,.0f} MB of seconds became {year.bytes_of('ranks') / 1e6:,.0f} MB of "
        f"summaries, each file synced to disk; {seconds * 1e3 / sessions:.1f} ms a session; processor time "
        f"{sum(each['cpu'] for each in found):,.0f} s",
    )
    yield Result(
        "nineteen",
        "memory of such a process at its highest",
        "MB",
        [each["resident"] / 1e3 for each in found],
        note=f"resident, {found[0]['before'] / 1e3:,.0f} MB of it before the first session",
    )


def _start(number: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.bench.nineteen", str(number), str(WORKERS)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _say(worker: "subprocess.Popen[str]", expected: str | None = None) -> str:
    """What a worker says next. Raises RuntimeError when it says something else than expected, or nothing."""
    assert worker.stdout is not None
    line = worker.stdout.readline().strip()
    if not line or expected not in (None, line):
        raise RuntimeError(f"A worker of the benchmark said {line!r}.")
    return line


def main(number: int, count: int) -> None:
    import django

    django.setup()
    from ranks import summaries

    months = sorted(summaries.new_months(), key=lambda month: (month.contract.pk, month.day))[number::count]
    before = _resident()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sessions = sum(summaries.build(month) for month in months)
    said = {"sessions": sessions, "resident": _resident(), "before": before, "cpu": time.process_time()}
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def _resident() -> int:
    """The most memory that this process has held, kB. What getrusage says is its parent's at first."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
