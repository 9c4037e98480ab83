"""The live clock: when it goes back, and by how much."""

from datetime import UTC, datetime, timedelta

import pytest

from market.facts import EQUITY
from market.sessions import SECOND_NS, calendar, to_et
from standin.live_clock import LONGEST_HALT_NS, shift_ns
from tests.live import utc

DAY_NS = 86_400 * SECOND_NS


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2026-03-10T14:00", 0),
        ("2026-03-10T21:30", 0),  # the daily halt
        ("2026-03-06T21:59:59", 0),
        ("2026-03-06T22:00", 2),  # Friday's close
        ("2026-03-07T15:00", 2),
        ("2026-03-08T21:59:59", 2),
        ("2026-03-08T22:00", 0),  # Sunday's open, one hour earlier in UTC since that morning
        ("2025-12-25T15:00", 2),  # Christmas
        ("2026-04-03T16:00", 3),  # Good Friday: the days before the weekend
        ("2009-03-07T15:00", 0),  # outside the calendar
        ("2040-03-07T15:00", 0),
    ],
)
def test_the_shift_is_whole_days_on_closed_days_and_nothing_else(now, days):
    assert shift_ns(utc(now)) == days * DAY_NS


def test_in_every_hour_of_many_years_live_trades_or_is_in_a_daily_halt():
    moment, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    while moment < end:
        now = int(moment.timestamp()) * SECOND_NS
        live = now - shift_ns(now)
        # a closed stretch may reach into the next one for as long as a halt: then the market opens soon
        waits = [_wait(live), _wait(now)]
        assert min(waits) <= LONGEST_HALT_NS, to_et(now)
        moment += timedelta(hours=1)


def _wait(at_ns: int) -> int:
    """Nanoseconds until the market trades."""
    session = calendar(EQUITY).first_closing_after(at_ns)
    opening = session.next_open(at_ns)
    assert opening is not None
    return opening - at_ns


def test_the_clock_runs_on_evenly_over_a_closed_stretch():
    shifts = {shift_ns(utc("2025-12-24T19:00") + hour * 3_600 * SECOND_NS) for hour in range(27)}
    assert len(shifts) == 1
