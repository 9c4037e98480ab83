"""The small rules of live: front month, duplicates, market time, where a replay starts, when to kill and to retry."""

import random
from datetime import date

import numpy as np
import pytest

from live.engine.coalesce import EVERY_NS, QUICK_NS, Coalesced
from live.engine.duplicates import REMEMBERED, Duplicates
from live.engine.front import DayVolume, front
from live.engine.lags import Lags
from live.engine.market_time import BEHIND_NS, QUIET_NS, MarketTime
from live.engine.resume import CAPTURE_NS, LONGEST_NS, OVERLAP_NS, beginning
from live.engine.watch import Backoff, Patience, Pulse, Watch
from market import facts
from market.sessions import SECOND_NS, parse_et
from market.sessions import calendar as calendar_of

TODAY = date(2026, 3, 11)


def volume(contract, delivery, day, lots):
    return DayVolume(contract, date.fromisoformat(delivery), date.fromisoformat(day), lots)


# --- the front month ----------------------------------------------------------------------------------------


def test_the_front_month_is_the_busiest_of_the_latest_day():
    rows = [
        volume(1, "2026-03-01", "2026-03-09", 900),
        volume(2, "2026-06-01", "2026-03-09", 100),
        volume(1, "2026-03-01", "2026-03-10", 400),
        volume(2, "2026-06-01", "2026-03-10", 500),
    ]
    assert front(rows, TODAY) == 2
    assert front(rows, date(2026, 3, 10)) == 1


def test_a_contract_that_has_stopped_trading_is_not_the_front_month():
    rows = [volume(1, "2026-03-01", "2026-03-08", 90_000), volume(2, "2026-06-01", "2026-03-10", 5)]
    assert front(rows, TODAY) == 2


def test_a_contract_that_is_delivered_too_far_away_does_not_count():
    rows = [volume(1, "2026-12-01", "2026-03-10", 900), volume(2, "2026-04-01", "2026-03-10", 5)]
    assert front(rows, TODAY) == 2
    assert front(rows[:1], TODAY) is None


def test_of_equals_the_one_that_is_delivered_first_counts():
    rows = [volume(2, "2026-06-01", "2026-03-10", 5), volume(1, "2026-04-01", "2026-03-10", 5)]
    assert front(rows, TODAY) == 1


# --- duplicates -----------------------------------------------------------------------------------------------


def kept(prints, batch=1):
    """What counts of prints (ts_recv, one letter), when they come in batches."""
    duplicates, counted = Duplicates(), []
    for at in range(0, len(prints), batch):
        some = prints[at : at + batch]
        ts = np.array([each[0] for each in some], np.int64)
        body = b"".join(ns.to_bytes(8, "big") + letter.encode() for ns, letter in some)
        counted += [each for each, is_new in zip(some, duplicates.new(ts, body), strict=True) if is_new]
    return counted


in_batches = pytest.mark.parametrize("batch", [1, 2, 3, 100])


@in_batches
def test_equal_prints_of_one_packet_all_count(batch):
    assert len(kept([(1, "a"), (1, "a"), (2, "b")], batch)) == 3


@in_batches
def test_prints_that_are_sent_again_do_not_count(batch):
    assert kept([(1, "a"), (2, "b"), (3, "c"), (1, "a"), (2, "b"), (3, "c"), (4, "d")], batch) == [
        (1, "a"), (2, "b"), (3, "c"), (4, "d"),
    ]  # fmt: skip


@in_batches
def test_a_late_print_is_not_taken_for_one_that_is_sent_again(batch):
    assert len(kept([(1, "a"), (3, "c"), (2, "b"), (4, "d")], batch)) == 4


def test_only_so_many_prints_are_remembered():
    prints = [(ns, "a") for ns in range(1, 3 * REMEMBERED)]
    assert len(kept([*prints, prints[-REMEMBERED // 2]], 1_000)) == len(prints)
    assert len(kept([*prints, prints[0]], 1_000)) == len(prints) + 1


# --- market time ------------------------------------------------------------------------------------------------


def test_records_close_seconds_shortly_after_their_end():
    time = MarketTime()
    time.hear(100 * SECOND_NS, 0)
    assert time.closes_until(0) == 100 * SECOND_NS - BEHIND_NS


def test_without_records_time_passes_by_the_machine_once_the_session_is_live():
    time = MarketTime()
    time.hear(100 * SECOND_NS, 0)
    assert time.closes_until(60 * SECOND_NS) == 100 * SECOND_NS - BEHIND_NS
    time.is_live = True
    assert time.closes_until(60 * SECOND_NS) == 160 * SECOND_NS - QUIET_NS


def test_an_older_record_does_not_turn_time_back():
    time = MarketTime()
    time.hear(100, 0)
    time.hear(50, 1)
    assert time.now == 100


def test_lags_are_told_as_percentiles():
    lags = Lags()
    assert lags.percentiles() is None
    for each in range(100):
        lags.add(each)
    assert lags.percentiles() == (50, 99)


# --- where a session begins ---------------------------------------------------------------------------------------


def sessions(text):
    now = parse_et(text)
    found = []
    for name in (facts.EQUITY, facts.FX):
        calendar = calendar_of(name)
        first = calendar.first_closing_after(now - 86_400 * SECOND_NS)
        last = calendar.first_closing_after(now)
        found += calendar.between(first.trade_date, last.trade_date)
    return now, found


def test_without_bars_a_session_is_replayed_from_its_opening():
    now, around = sessions("2026-03-11 12:00")
    begin = beginning(now, None, around)
    assert begin.start_ns == begin.whole_ns == parse_et("2026-03-10 18:00")


def test_with_bars_the_replay_starts_a_little_before_the_last_one():
    now, around = sessions("2026-03-11 12:00")
    held = parse_et("2026-03-11 11:50")
    begin = beginning(now, held, around)
    assert begin.start_ns == held - OVERLAP_NS
    assert begin.whole_ns == held - OVERLAP_NS + CAPTURE_NS


def test_the_replay_goes_at_most_just_under_a_day_back():
    now, around = sessions("2026-03-12 12:00")
    begin = beginning(now, parse_et("2026-03-09 12:00"), around)
    assert begin.start_ns == now - LONGEST_NS


@pytest.mark.parametrize(
    ("now", "held", "opening"),
    [
        ("2026-03-08 18:30", "2026-03-06 17:01", "2026-03-08 18:00"),  # a weekend
        ("2026-03-11 18:05", "2026-03-11 17:01", "2026-03-11 18:00"),  # the daily halt
    ],
)
def test_the_replay_never_starts_while_all_are_closed(now, held, opening):
    ns, around = sessions(now)
    begin = beginning(ns, parse_et(held), around)
    assert begin.start_ns == begin.whole_ns == parse_et(opening)


def test_there_is_no_replay_while_the_market_is_closed():
    now, around = sessions("2026-03-07 12:00")
    assert beginning(now, parse_et("2026-03-06 17:01"), around).start_ns is None
    assert beginning(now, None, around).start_ns is None


# --- when to kill, when to retry ------------------------------------------------------------------------------------


PATIENCE = Patience(start=60, connect=50, silence=15, quiet=300)


def watched(*pulses):
    watch = Watch(PATIENCE, 0.0)
    for now, pulse in pulses:
        watch.feel(pulse, now)
    return watch


def streaming(records, prints=0, *, is_open=True):
    return Pulse("streaming", records, prints, is_open)


@pytest.mark.parametrize(
    ("pulses", "limit", "words"),
    [
        ([], 60, "did not start"),
        ([(1, Pulse("connecting"))], 51, "no session"),
        ([(1, Pulse("connecting")), (2, streaming(0))], 17, "before the first record"),
        ([(1, streaming(5)), (9, streaming(9))], 24, "silence"),
        ([(1, streaming(5)), (9, streaming(5))], 16, "silence"),
    ],
)
def test_each_phase_may_take_so_long(pulses, limit, words):
    watch = watched(*pulses)
    assert watch.verdict(limit) is None
    assert words in watch.verdict(limit + 0.1)


def test_heartbeats_alone_are_a_fault_only_while_markets_are_open():
    beats = [(now, streaming(now, is_open=True)) for now in range(1, 310, 5)]
    assert "no print" in watched(*beats).verdict(310)
    closed = [(now, streaming(now, is_open=False)) for now in range(1, 310, 5)]
    assert watched(*closed).verdict(310) is None


def test_the_delay_doubles_up_to_a_minute_and_starts_anew_after_a_good_run():
    backoff = Backoff(_random=random.Random(1))
    delays = [backoff.after(was_good=False) for _ in range(9)]
    for delay, wanted in zip(delays, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert 0.8 * wanted <= delay <= min(1.2 * wanted, 60)
    assert backoff.after(was_good=True) <= 1.2
    assert backoff.after(was_good=True, least=10) >= 8


# --- how often pages are told ---------------------------------------------------------------------------------


def sends(changes):
    """When messages go out, of something that changes at these ns."""
    pace, sent = Coalesced(), []
    for at in changes:
        now = max(at, pace.due_ns, sent[-1] if sent else 0)
        if not sent or now > sent[-1]:
            pace.sent(now)
            sent.append(now)
    return sent


def test_after_a_quiet_moment_a_change_is_told_at_once_and_those_after_it_soon():
    quiet = 10 * SECOND_NS
    assert sends([quiet, quiet + 1, quiet + 2, 2 * quiet]) == [quiet, quiet + QUICK_NS, quiet + 2 * QUICK_NS, 2 * quiet]


@pytest.mark.parametrize("gap_ns", [1_000_000, 30_000_000, 61_000_000, 99_000_000, 124_000_000])
def test_in_any_second_there_are_at_most_ten_messages(gap_ns):
    sent = sends(range(10 * SECOND_NS, 20 * SECOND_NS, gap_ns))
    for first in sent:
        assert sum(first <= at < first + SECOND_NS for at in sent) <= 10
    assert sent[-1] > 19.5 * SECOND_NS
    settled = [at for at in sent if at >= 11 * SECOND_NS]
    assert max(np.diff(settled)) <= EVERY_NS + gap_ns


def test_a_market_that_flurries_for_ever_is_told_of_in_each_second():
    flurries = (at * SECOND_NS // 3 + print_ns for at in range(30, 90) for print_ns in (0, 1_000_000, 70_000_000))
    sent = sends(flurries)
    for first in sent:
        assert sum(first <= at < first + SECOND_NS for at in sent) <= 10
    assert max(np.diff(sent)) < SECOND_NS // 2
