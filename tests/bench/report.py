"""The figures as a table, as JSON, and in docs/performance.md."""

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.measure import Result

CLONE = Path(__file__).resolve().parents[2]
JSON_FILE = CLONE / "test-results" / "bench.json"
DOCS_FILE = CLONE / "docs" / "performance.md"
LOOPS = 15
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
LIBRARIES = ("numpy", "pandas", "pyarrow", "databento", "django", "daphne")
HEADINGS = ("what", "median", "range", "n", "target", "", "peer", "times better")


def row(result: Result) -> tuple[str, ...]:
    """A result as the cells of the table."""
    target = f"{'≥' if result.more_is_better else '≤'} {result.target:g}" if result.target is not None else ""
    peer = f"{result.peer.name}: {number(statistics.median(result.peer.samples))}" if result.peer else ""
    low, high = number(min(result.samples)), number(max(result.samples))
    return (
        result.name,
        f"{number(result.median)} {result.unit}",
        f"{low} – {high}" if len(result.samples) > 1 else "",
        str(len(result.samples)),
        target,
        f"**{result.verdict}**" if result.verdict == "missed" else result.verdict,
        peer,
        number(result.ratio) if result.ratio is not None else "",
    )


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - (len(str(int(abs(value)))) - 1 if abs(value) >= 1 else -1))
    return f"{value:,.{digits}f}"


def table(results: Sequence[Result]) -> str:
    """A Markdown table with a row for each result."""
    rows = [HEADINGS, tuple("-" for _ in HEADINGS), *map(row, results)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def circumstances() -> dict[str, Any]:
    """What the figures depend on, without naming the machine."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "loop_ms": _loop_ms(),
    }


def _loop_ms() -> float:
    """A million additions in plain Python, the median of some: a shared machine is not always as fast."""
    took = []
    for _ in range(LOOPS):
        begun, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        took.append(time.perf_counter() - begun)
    return round(statistics.median(took) * 1e3, 1)


def machine(begun: dict[str, Any]) -> str:
    """How busy and how fast the machine was."""
    return (
        f"load average before the run {begun['load_average'][0]}, a million additions in Python {begun['loop_ms']} ms"
    )


def as_json(results: Sequence[Result], begun: dict[str, Any]) -> dict[str, Any]:
    """Everything, for a program. begun: the circumstances at the start."""
    ended = circumstances()
    return {
        "circumstances": begun | {f"{name}_at_end": ended[name] for name in ("load_average", "loop_ms")},
        "results": [_fields(result) for result in results],
    }


def _fields(result: Result) -> dict[str, Any]:
    peer = result.peer
    return {
        "bench": result.bench,
        "name": result.name,
        "unit": result.unit,
        "target": result.target,
        "more_is_better": result.more_is_better,
        "verdict": result.verdict,
        "median": result.median,
        "samples": list(result.samples),
        "peer": peer and {"name": peer.name, "median": statistics.median(peer.samples), "samples": list(peer.samples)},
        "ratio": result.ratio,
        "note": result.note,
    }


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write the JSON file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def write_docs(results: Sequence[Result], begun: dict[str, Any]) -> None:
    """Put the table between the two marks of docs/performance.md."""
    libraries = ", ".join(f"{name} {number}" for name, number in begun["libraries"].items())
    lines = [
        BEGIN,
        f"{begun['at'][:10]}, {begun['cpus']} processors, {begun['system']}, Python {begun['python']}, {libraries}; "
        f"{machine(begun)}.",
        "",
        table(results),
        "",
        *(f"- *{result.name}*: {result.note}" for result in results if result.note),
        END,
    ]
    before, _, rest = DOCS_FILE.read_text().partition(BEGIN)
    DOCS_FILE.write_text(before + "\n".join(lines) + rest.partition(END)[2])
