"""Where the marks of a small plot stand, in SVG units from the upper left corner. No Django, no drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 960, 280
LEFT, RIGHT, TOP, FLOOR = 64, 8, 24, HEIGHT - 28
SPARK_WIDTH, SPARK_HEIGHT = 124, 24
BAR_SHARE = 0.4
"""Of a session's width, for each of its two bars."""
LABEL_EVERY = 5
FEWEST_LEVELS = 3

Volumes = Sequence[int | None]
"""One per session; None without a daily bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A session's volume of the old or the new contract; title: what the pointer shows."""

    role: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside an axis, at this distance from the left or the top."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The volumes of two contracts around a roll.

    roll_x: where the new contract begins. decided_x, decided_width: the session whose volumes decided; None outside.
    """

    bars: list[Bar]
    levels: list[Label]
    days: list[Label]
    roll_x: float
    decided_x: float | None
    decided_width: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    floor: int = FLOOR
    inner_height: int = FLOOR - TOP


def around_roll(days: Sequence[date], old: Volumes, new: Volumes, roll: int, decided: int) -> Plot:
    """A plot of both contracts' volumes; roll and decided are places in the list of days, -1 for a day before it."""
    step = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    levels = _levels(max([volume for volume in (*old, *new) if volume], default=0))
    scale = (FLOOR - TOP) / levels[-1]
    bars = []
    for number, day in enumerate(days):
        for place, (role, volume) in enumerate((("old", old[number]), ("new", new[number]))):
            if volume is not None:
                x, height = LEFT + step * (number + 0.5 + (place - 1) * BAR_SHARE), volume * scale
                x, y, width, height = map(_short, (x, FLOOR - height, step * BAR_SHARE, height))
                bars.append(Bar(role, x, y, width, height, f"{day:%a %Y-%m-%d}: {volume:,}"))
    return Plot(
        bars=bars,
        levels=[Label(_short(FLOOR - level * scale), f"{level:,}") for level in levels],
        days=[
            Label(_short(LEFT + step * (number + 0.5)), f"{day:%m-%d}")
            for number, day in enumerate(days)
            if (number - roll) % LABEL_EVERY == 0
        ],
        roll_x=_short(LEFT + step * roll),
        decided_x=_short(LEFT + step * decided) if decided >= 0 else None,
        decided_width=_short(step),
    )


def _short(number: float) -> float:
    return round(number, 1)


def _levels(top: int) -> list[int]:
    """Round numbers from 0 to just above a volume, a few of them."""
    step, factors = 1, (2, 2.5, 2)
    number = 0
    while top / step > FEWEST_LEVELS + 1:
        step = round(step * factors[number % len(factors)])
        number += 1
    return list(range(0, max(top, 1) + step, step))


@dataclass(frozen=True, slots=True)
class Spark:
    """Two lines in a table's cell, as the points of SVG polylines."""

    old: str
    new: str
    roll_x: float
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def spark(old: Volumes, new: Volumes, roll: int) -> Spark:
    """The volumes of `around_roll` in small; a session without a daily bar counts as 0."""
    top = max([volume for volume in (*old, *new) if volume], default=1)
    step = SPARK_WIDTH / max(len(old) - 1, 1)

    def points(volumes: Volumes) -> str:
        heights = ((SPARK_HEIGHT - 2) * (volume or 0) / top for volume in volumes)
        return " ".join(f"{step * x:.1f},{SPARK_HEIGHT - 1 - height:.1f}" for x, height in enumerate(heights))

    return Spark(points(old), points(new), _short(step * roll))
