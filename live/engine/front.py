"""The front month for live: the rule of docs/live.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

NEAR = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class DayVolume:
    """What a contract (its key, and the first day of its delivery month) traded on a UTC date."""

    contract: int
    delivery: date
    date: date
    volume: int


def front(volumes: Iterable[DayVolume], today: date) -> int | None:
    """The key of the front month on a UTC date, from daily volumes before it; None where no contract qualifies.

    Of contracts delivered within 120 days either way that traded lately, the one with the highest volume on the
    latest day; of equals the one delivered first.
    """
    near = [each for each in volumes if each.date < today and abs(each.delivery - today) <= NEAR and each.volume > 0]
    if not near:
        return None
    latest = max(each.date for each in near)
    on_latest = {each.contract: each for each in near if each.date == latest}
    best = max(on_latest.values(), key=lambda each: (each.volume, -each.delivery.toordinal()))
    return best.contract
