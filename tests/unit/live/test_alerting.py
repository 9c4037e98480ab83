"""The evaluator on bars that live holds: what it fires and records, and how it goes on after it was stopped."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerts import pulse, services
from alerts.engine import flood
from alerts.models import Alert, AlertFiring, AlertState
from live.alerting import FIRED_ONCE, FLOODED, Evaluator
from market.engine.tape import Piece
from market.models import Asset, DailySpan, Roll
from market.sessions import SECOND_NS
from ranks import access
from ranks.engine.buckets import buckets_of
from ranks.engine.metrics import forming, measure
from tests import ranking
from tests.alerting import LOOKBACK, TODAY, Market, firings, make, past, progress, quiet, settle, undisturbed
from tests.conftest import People
from tests.live import wait_for

MINUTE = 60 * SECOND_NS
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nq(assets: None) -> Asset:
    Asset.objects.exclude(root__in=["NQ", "CL"]).update(is_active=False)
    return past("NQ")


@pytest.fixture
def market(nq: Asset) -> Market:
    """The session is five hours old."""
    found = Market()
    line = found.begin("NQ", share=0.2)
    found.play(line.session.open_ns + 300 * MINUTE)
    return found


@pytest.fixture
def evaluator(market: Market) -> Iterator[Evaluator]:
    made = Evaluator(look_seconds=0.0)
    yield made
    made.stop()


def go_on(market: Market, evaluator: Evaluator, minutes: float, at_once: float = 1) -> int:
    """Play on, some minutes at a time; from where (UTC ns)."""
    settle(evaluator, market.now_ns)
    begun = market.now_ns
    while market.now_ns < begun + minutes * MINUTE:
        market.play(min(market.now_ns + int(at_once * MINUTE), begun + int(minutes * MINUTE)))
        settle(evaluator, market.now_ns)
    return begun


def test_what_fires_is_the_fold_over_the_bars(market, evaluator, nq, people):
    alerts = [
        make(
            people.owner, nq, metric=metric, operator=operator, threshold=Decimal(50), timeframe=timeframe, repeat=mode
        )
        for metric in ("vol_rank", "vol_pending", "range_rank", "range_pending")
        for operator in ("gte", "lte")
        for timeframe, mode in (("1m", "bar"), ("5m", "close"), ("15m", "edge"), ("1h", "edge"))
    ]
    begun = go_on(market, evaluator, 60, at_once=0.7)
    wanted = undisturbed(alerts, market.lines, begun, market.now_ns)
    stopped = set(Alert.objects.exclude(paused_reason="").values_list("pk", flat=True))
    assert len(wanted) > 100
    assert len(stopped) < len(alerts) / 2
    assert [each for each in firings() if each[2] not in stopped] == [each for each in wanted if each[2] not in stopped]
    for alert in stopped:
        assert firings(alert=alert) == [each for each in wanted if each[2] == alert][: len(firings(alert=alert))]
    assert progress("NQ") == market.now_ns or go_on(market, evaluator, 1)


def test_the_evaluator_says_that_it_is_at_work(market, evaluator, nq, monkeypatch):
    monkeypatch.setattr("live.alerting.VALUES_SECONDS", 0.0)
    pulse._client().delete(pulse._name())
    assert pulse.silent_since_ns() == 0
    go_on(market, evaluator, 1)
    assert pulse.silent_since_ns() is None


def test_the_values_that_are_told_are_those_of_the_second_also_in_a_quiet_one(nq, people, monkeypatch):
    """From the last trade of a five-minute bar into the next one, where nobody trades."""
    monkeypatch.setattr("live.alerting.VALUES_SECONDS", 0.0)
    session = nq.sessions.session(TODAY)
    sample, told = access.table(nq, "5m", TODAY, LOOKBACK), []
    row = sample.rows[buckets_of(session, "5m").bucket(1)]
    # early in the bar more is expected; at its end it is little
    bars = quiet(session, {0: 50, 330: int(sample.volume[row, sample.sizes[row] // 8])})
    market, evaluator = Market(), Evaluator(look_seconds=0.0)
    market.begin("NQ", bars)
    market.play(session.open_ns + 320 * SECOND_NS)
    make(people.owner, nq, timeframe="5m")
    for second in (332, 400, 500, 599, 601, 640):
        market.play(session.open_ns + second * SECOND_NS)
        settle(evaluator, market.now_ns)
        bar = forming(Piece(session, "NQM6", bars), "5m", market.now_ns, nq.tick_size)
        found = measure(sample, bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)
        values = found.vol_rank, found.vol_pending, found.range_rank, found.range_pending
        shown = evaluator.values("NQ")[f"5m:{LOOKBACK}"]
        assert shown == (*(round(each, 4) for each in values), found.n, bar.begin_ns)
        told.append(shown)
    evaluator.stop()
    assert told[0][1] > told[3][1]
    assert told[4][0] < told[3][0]
    assert told[4][5] == told[3][5] + 5 * MINUTE


def test_a_firing_keeps_what_its_alert_was(market, evaluator, nq, people):
    alert = make(people.owner, nq, metric="vol_rank", threshold=Decimal("0.5"), timeframe="1m", note="watch it")
    go_on(market, evaluator, 3)
    Alert.objects.get(pk=alert.pk)
    services.delete(alerts=[alert])
    kept = AlertFiring.objects.order_by("pk").first()
    assert kept is not None and kept.alert is None
    assert (kept.owner, kept.asset.root, kept.note, kept.lookback_days) == (people.owner, "NQ", "watch it", LOOKBACK)
    assert kept.sentence == f"NQ 1m: Vol Rank is {kept.value:.1f} (≥ 0.5)"
    assert kept.market_ns > kept.bar_start_ns and kept.market_ns % SECOND_NS == 0
    assert kept.n >= 20


def test_changes_are_taken_up_and_each_arming_is_silent_at_first(market, evaluator, nq, people):
    alert = make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1D")
    go_on(market, evaluator, 2)
    # it has held since hours ago
    assert firings() == []
    services.pause(alerts=[alert])
    other = make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1m")
    go_on(market, evaluator, 3)
    before = firings()
    assert {each[2] for each in before} == {other.pk}
    services.delete(alerts=[other])
    services.resume(alerts=[alert])
    go_on(market, evaluator, 3)
    assert len(firings()) == len(before)
    assert AlertState.objects.get().revision == 2


def test_an_alert_on_all_assets_watches_those_that_have_ranks(market, evaluator, nq, people):
    make(people.owner, None, metric="vol_rank", threshold=Decimal(1), timeframe="1m")
    go_on(market, evaluator, 5)
    assert {root for _, root, _ in firings()} == {"NQ"}
    assert AlertState.objects.count() == 2


def test_once_is_switched_off_by_its_firing(market, evaluator, nq, people):
    alert = make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1m", repeat="once")
    go_on(market, evaluator, 10, at_once=10)
    assert len(firings()) == 1
    alert.refresh_from_db()
    assert (alert.is_active, alert.paused_reason) == (True, FIRED_ONCE)
    services.resume(alerts=[alert])
    go_on(market, evaluator, 10)
    assert len(firings()) == 2


def test_another_asset_is_watched_once_live_follows_it(market, evaluator, nq, people, monkeypatch):
    monkeypatch.setattr("live.alerting.ASSETS_SECONDS", 0.0)
    make(people.owner, None, metric="vol_rank", threshold=Decimal(1), timeframe="1m")
    go_on(market, evaluator, 2)
    before = firings()
    assert before
    Asset.objects.filter(root="ZN").update(is_active=True)
    go_on(market, evaluator, 2)
    assert AlertState.objects.filter(asset__root="ZN").exists()
    assert firings()[: len(before)] == before
    assert len(firings()) == len(set(firings())) > len(before)


def test_an_alert_that_has_expired_is_not_watched(market, evaluator, nq, people):
    at = datetime.fromtimestamp(market.now_ns // SECOND_NS, UTC) + timedelta(minutes=5)
    make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1m", expires_at=at)
    begun = go_on(market, evaluator, 10)
    assert firings()
    assert all(ns <= begun + 5 * MINUTE for ns, _, _ in firings())


@pytest.mark.parametrize("at_once", [0.1, 3, 17])
def test_an_evaluator_that_is_thrown_away_anywhere_goes_on_as_if_nothing_had_been(market, nq, people, at_once):
    alerts = [
        make(people.owner, nq, metric="vol_pending", threshold=Decimal(40), timeframe=timeframe, repeat=each)
        for timeframe, each in (("1m", "bar"), ("5m", "close"), ("15m", "edge"))
    ]
    first = Evaluator(look_seconds=0.0)
    settle(first, market.now_ns)
    first.stop()
    begun = market.now_ns
    for _ in range(6):
        evaluator = Evaluator(look_seconds=0.0)
        market.play(market.now_ns + int(at_once * MINUTE))
        settle(evaluator, market.now_ns)
        # no farewell: what it has not written is lost
        evaluator.stop()
    wanted = undisturbed(alerts, market.lines, begun, market.now_ns)
    assert firings() == wanted
    assert wanted or at_once < 1


def test_a_state_that_turned_true_before_the_end_fires_no_second_time(market, evaluator, nq, people):
    make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1D")
    make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="3h")
    go_on(market, evaluator, 1)
    rows = AlertState.objects.values_list("alert__timeframe", "is_true")
    assert dict(rows) == {"1D": True, "3h": True}
    again = Evaluator(look_seconds=0.0)
    go_on(market, again, 5)
    again.stop()
    assert firings() == []


def test_a_hole_in_the_bars_forgets_what_was_known(market, evaluator, nq, people):
    alert = make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1D")
    go_on(market, evaluator, 2)
    line = market.lines.pop()
    hole = market.begin("NQ", line.bars, since_ns=market.now_ns + 10 * MINUTE)
    hole.told = line.told
    market.play(market.now_ns + 20 * MINUTE)
    settle(evaluator, market.now_ns)
    # the bar of the day began before the hole: its volume is not known
    assert AlertState.objects.get(alert=alert).is_true is None
    assert firings() == []


def test_when_market_time_goes_back_everything_begins_anew_and_the_same_instant_may_fire_again(
    market, evaluator, nq, people
):
    make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1m")
    begun = go_on(market, evaluator, 5)
    first = firings()
    line = market.lines[0]
    again = Market()
    again.epoch = 2
    again.begin("NQ", line.bars)
    again.play(begun)
    go_on(again, evaluator, 5)
    assert firings(feed_epoch=2) == firings(feed_epoch=1) == first
    assert len(first) > 2


def test_an_alert_that_floods_is_stopped_and_says_so(market, evaluator, nq, people: People, monkeypatch: Any):
    """It fires once a minute: so that it counts as a flood, it has half an hour for its fifteen firings."""
    monkeypatch.setattr(flood, "WITHIN_NS", 30 * MINUTE)
    alert = make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1m")
    go_on(market, evaluator, 30, at_once=9)
    alert.refresh_from_db()
    assert (len(firings()), alert.paused_reason) == (flood.MOST, FLOODED)
    assert AlertState.objects.get().fire_count == flood.MOST
    services.resume(alerts=[alert])
    go_on(market, evaluator, 5)
    assert flood.MOST + 2 < len(firings()) < flood.MOST + 6


def test_an_asset_whose_samples_come_late_holds_no_other_up_and_loses_nothing(market, nq, people, monkeypatch):
    past("CL")
    market.begin("CL", share=0.2)
    market.play(market.now_ns)
    alert = make(people.owner, None, metric="vol_pending", threshold=Decimal(40), timeframe="5m")
    first = Evaluator(look_seconds=0.0)
    settle(first, market.now_ns)
    first.save()
    first.stop()
    begun, come, load = market.now_ns, threading.Event(), access.table

    def slow(asset: Asset, *rest: Any) -> Any:
        assert asset.root == "NQ" or come.wait(60)
        return load(asset, *rest)

    # the thread takes them one after the other, in the order of the assets
    monkeypatch.setattr(access, "table", slow)
    monkeypatch.setattr("live.alerting.fronts.followed", lambda: [nq, Asset.objects.get(root="CL")])
    second = Evaluator(look_seconds=0.0)
    market.play(market.now_ns + 20 * MINUTE)
    wait_for(lambda: second.step() or progress("NQ") == market.now_ns, seconds=30)
    assert progress("CL") == begun
    come.set()
    settle(second, market.now_ns)
    second.stop()
    monkeypatch.undo()
    wanted = undisturbed([alert], market.lines, begun, market.now_ns)
    assert firings() == wanted
    assert {root for _, root, _ in wanted} == {"NQ", "CL"}


def test_new_summaries_are_ranked_with_soon_and_fire_nothing_by_themselves(market, evaluator, nq, people, monkeypatch):
    monkeypatch.setattr("live.alert_samples.LOOK_SECONDS", 0.1)
    make(people.owner, nq, metric="vol_rank", threshold=Decimal(1), timeframe="1D")
    go_on(market, evaluator, 2)
    sizes = {each[4] for each in evaluator.values("NQ").values()}
    older = nq.sessions.session(date(2026, 2, 12))
    ranking.store_session(ranking.contract(nq, 2026, 6, "NQM6"), older, seed=1)
    spans = DailySpan.objects.filter(asset=nq)
    spans.update(first_date=date(2026, 2, 12))
    Roll.objects.filter(asset=nq).update(trade_date=date(2026, 2, 12))
    ranking.summarise_all()

    def is_larger() -> bool:
        go_on(market, evaluator, 1)
        return {each[4] for each in evaluator.values("NQ").values()} == {each + 1 for each in sizes}

    wait_for(is_larger, seconds=60)
    assert firings() == []
