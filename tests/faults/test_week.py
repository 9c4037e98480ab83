"""A week of the market in minutes: closes, midnights, a weekend, a holiday, a roll; a new session only for the roll."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from django.conf import settings
from django.core.cache import cache

from live import fronts, history, storing
from live.models import FeedEvent, FrontMonth
from market import ingest
from market.models import Asset, Coverage
from market.schemas import SECONDS
from market.sessions import Session, to_et
from standin.background import serving
from standin.gateway import Gateway
from standin.server import Server
from tests.faults.conftest import Feed, following, of_history
from tests.faults.page import looking
from tests.live import KEY, SECOND, FastClock, utc, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = {"CL": "CLJ6", "MBT": "MBTG6", "PL": "PLJ6"}
"""Crude oil rolls over the weekend. Monday is Presidents' Day: in oil and platinum its trading belongs to Tuesday."""
STEP = 1_800 * SECOND


@pytest.fixture
def clock() -> FastClock:
    """Friday morning in New York; the test turns it on."""
    return FastClock("2026-02-13T15:00", speed=1)


@pytest.fixture
def server(clock: FastClock) -> Iterator[Server]:
    with serving(Gateway(seed=3, key=KEY, clock=clock, shifts_closed_days=False)) as running:
        yield running


def step(feed: Feed, clock: FastClock) -> None:
    """Half an hour further, once everything of the last one is here and decided."""
    clock.skip(STEP)
    # how far data reach is remembered for a minute of the real clock
    cache.delete(f"dataset-range:{settings.DATABENTO_GATEWAY}:GLBX.MDP3")
    assets = fronts.followed()

    def is_due(session: Session) -> bool:
        return session.open_ns - fronts.LEAD_NS <= clock()

    def has_caught_up() -> bool:
        position = history.position()
        return (
            position is not None
            and position.until_ns > clock() - 120 * SECOND
            and not any(is_due(session) for asset in assets for session in fronts._undecided(asset, clock()))
        )

    wait_for(has_caught_up, lambda: f"{clock()} {history.position()} {feed.state}", seconds=60)
    storing.store_finished()


def test_a_week_with_a_holiday_and_a_roll(market, clock):
    Asset.objects.update(is_active=False)
    Asset.objects.filter(root__in=WEEK).update(is_active=True)
    with following(silence=15) as feed, looking(list(WEEK)) as page:
        feed.wait_until_live()
        pid = feed.state["pid"]
        while clock() < utc("2026-02-14T12:00"):
            step(feed, clock)
        assert feed.state["pid"] == pid, feed.state
        while clock() < utc("2026-02-20T23:30"):
            step(feed, clock)
        assert feed.state["restart_count"] == 0, feed.state["restarts"]

    ends = list(FeedEvent.objects.filter(kind="ended").values_list("text", flat=True))
    assert ends == ["The live process was stopped.", "new front months; started again at once"]
    told = [(each["from"], each["to"], each["trade_date"], each["spread"]) for each in page.rolls]
    opening = Asset.objects.get(root="CL").sessions.session(date(2026, 2, 17)).open_ns
    left, taken = (of_history(symbol, opening, opening + SECOND) for symbol in ("CLH6", "CLJ6"))
    spread = int(taken.open[0] - left.open[0])
    assert told == [("CLH6", "CLJ6", "2026-02-17", None), ("CLH6", "CLJ6", "2026-02-17", spread)]
    assert FeedEvent.objects.filter(kind="roll", text__contains="CLH6 → CLJ6").count() == 1

    for asset in Asset.objects.filter(root__in=WEEK):
        rows = Coverage.objects.filter(contract__asset=asset, schema=SECONDS.name).order_by("trade_date")
        days = [session.trade_date for session in asset.sessions.between(date(2026, 2, 13), date(2026, 2, 20))]
        assert [row.trade_date for row in rows] == days
        assert {row.source for row in rows} == {"stand-in live"}
        assert {row.state for row in rows} == {"complete"}
        for row in rows:
            session = asset.sessions.session(row.trade_date)
            wanted = of_history(row.contract.raw_symbol, session.open_ns, session.close_ns)
            held = ingest.read_bars(row)
            missing, extra = np.setdiff1d(wanted.ts, held.ts), np.setdiff1d(held.ts, wanted.ts)
            assert not len(missing), (row, len(missing), to_et(int(missing[0])), to_et(int(missing[-1])))
            assert not len(extra), (row, len(extra), to_et(int(extra[0])), to_et(int(extra[-1])))
            assert held.close.tobytes() == wanted.close.tobytes(), row
            assert held.volume.tobytes() == wanted.volume.tobytes(), row
        assert FrontMonth.objects.get(asset=asset, trade_date=days[-1]).contract.raw_symbol == WEEK[asset.root]
        assert [key.trade_date for key in history.sessions(asset.root)] == ["2026-02-19", "2026-02-20"]
