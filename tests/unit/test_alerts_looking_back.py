"""What an alert would have fired: the same as live fires on the same bars, and honest about what is missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from alerts import looking_back
from alerts.looking_back import Question, look_back
from alerts.services import Terms
from live.alerting import Evaluator
from market.engine.bars import Bars
from market.models import Asset, Coverage
from market.sessions import SECOND_NS, Session, parse_et
from ranks import access
from tests import ranking
from tests.alerting import LOOKBACK, Market, firings, folded, make, settle
from tests.conftest import People

pytestmark = pytest.mark.django_db(transaction=True)
LAST = date(2026, 3, 18)
DAYS = 45


@pytest.fixture
def nq(assets: None) -> Asset:
    """Its last 45 days are stored and summarised, one day of them is not."""
    Asset.objects.exclude(root__in=["NQ", "CL"]).update(is_active=False)
    cache.clear()
    access.forget_cached()
    asset = Asset.objects.get(root="NQ")
    contract = ranking.contract(asset, 2026, 6, "NQM6")
    first = LAST - timedelta(days=DAYS)
    ranking.front(asset, first, LAST, {first: contract})
    for session in sessions(asset):
        if session.trade_date != date(2026, 3, 12):
            ranking.store_session(contract, session, seconds=bars_of(session))
    ranking.summarise_all()
    return asset


def sessions(asset: Asset) -> list[Session]:
    return asset.sessions.between(LAST - timedelta(days=DAYS), LAST)


def bars_of(session: Session) -> Bars:
    return ranking.seconds_of(session, seed=session.trade_date.day, share=0.02)


@pytest.fixture
def evaluator() -> Iterator[Evaluator]:
    made = Evaluator(look_seconds=0.0)
    yield made
    made.stop()


def question(**terms: Any) -> Question:
    usual = {"root": "NQ", "metric": "vol_pending", "operator": "gte", "threshold": 70.0, "timeframe": "15m"}
    return Question(**(usual | {"lookback_days": LOOKBACK, "repeat": "edge"} | terms))


def answer(**terms: Any) -> dict[str, Any]:
    return look_back(question(**terms), lambda done, total: None)


ALERTS: list[dict[str, Any]] = [
    {},
    {"metric": "range_pending", "operator": "lte", "threshold": 40.0, "timeframe": "30m"},
    {"metric": "vol_rank", "timeframe": "30m", "repeat": "close", "threshold": 60.0},
    {"metric": "range_pending", "timeframe": "1h", "repeat": "bar", "threshold": 50.0},
]


def test_it_is_what_live_fires_on_the_same_bars(nq: Asset, evaluator: Evaluator, people: People) -> None:
    """Two sessions in a row, as live holds them; what live knows at the end of one it knows in the next."""
    market = Market()
    lines = [market.begin("NQ", bars_of(session), session.trade_date) for session in sessions(nq)[-2:]]
    market.play(lines[0].session.open_ns + SECOND_NS)
    alerts = [
        make(people.owner, nq, **({"timeframe": "15m"} | each | {"threshold": Decimal(each.get("threshold", 70))}))
        for each in ALERTS
    ]
    settle(evaluator, market.now_ns)
    while market.now_ns < lines[1].session.close_ns:
        market.play(min(market.now_ns + 3 * 3_600 * SECOND_NS, lines[1].session.close_ns))
        settle(evaluator, market.now_ns)
    # live was armed at the opening, silently: its first bars are another matter
    settled_ns = lines[0].session.open_ns + 3_600 * SECOND_NS
    for alert, terms in zip(alerts, ALERTS, strict=True):
        told = [row["market_ns"] for row in answer(**terms)["rows"]][::-1]
        live = [ns for ns, _, _ in firings(alert=alert) if ns > settled_ns]
        assert [ns for ns in told if ns > settled_ns] == live
        assert len(live) > 2, terms


def test_each_session_is_the_fold_over_it_and_what_is_missing_is_said(nq: Asset, people: People) -> None:
    alert = make(people.owner, nq, timeframe="15m", threshold=Decimal(70))
    found = answer()
    stored = [session for session in sessions(nq) if session.trade_date != date(2026, 3, 12)]
    expected = [
        each
        for session in stored[1:]
        for each in folded([alert], nq, session, bars_of(session), session.open_ns, session.close_ns)
    ]
    assert [(row["market_ns"], row["root"], alert.pk) for row in found["rows"]] == expected[::-1][: len(found["rows"])]
    assert found["count"] == len(expected) > 5
    assert (found["sessions"], found["stored"], found["thin"]) == (60, len(stored), 19)  # one has two evenings
    assert found["last"] == LAST.isoformat()
    assert all(row["n"] >= 20 and row["value"] >= 70 for row in found["rows"])


def test_on_a_page_of_the_past_it_ends_with_the_last_session_that_is_over_there(nq: Asset, people: People) -> None:
    session = nq.sessions.session(date(2026, 3, 17))
    assert session is not None
    everything = answer()
    for playhead_ns, last in ((session.close_ns - 1, date(2026, 3, 16)), (session.close_ns, date(2026, 3, 17))):
        then = look_back(replace(question(), until_ns=playhead_ns), lambda done, total: None)
        assert then["last"] == last.isoformat()
        # the listed ones are the newest
        known = [row for row in everything["rows"] if row["market_ns"] <= parse_et(f"{last} 17:00")]
        assert known and then["rows"][: len(known)] == known
    terms = Terms(asset=nq, metric="vol_rank", operator="gte", threshold=Decimal(9), timeframe="5m")
    hour = 3_600 * SECOND_NS
    assert Question.of(terms, 9 * hour + 5).key == Question.of(terms, 10 * hour - 1).key != Question.of(terms).key


def test_all_assets_are_looked_at_and_once_is_once_for_all_of_them(nq: Asset) -> None:
    everything = answer(root=None)
    assert everything["count"] == answer()["count"]
    assert (everything["assets"], everything["sessions"]) == (2, 120)
    first = answer(root=None, repeat="once")
    assert first["count"] == 1
    assert first["rows"] == everything["rows"][-1:] or everything["count"] > looking_back.MOST_SHOWN


def test_without_anything_stored_it_says_so(nq: Asset) -> None:
    nothing = answer(root="CL")
    assert (nothing["count"], nothing["stored"], nothing["last"]) == (0, 0, None)


def test_a_damaged_session_counts_as_missing(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answer()
    row = Coverage.objects.get(trade_date=date(2026, 3, 17))
    Coverage.objects.filter(pk=row.pk).update(checksum="0" * 64)
    after = answer()
    assert after["stored"] == before["stored"] - 1


def test_question_and_answer_are_kept_and_computed_once(nq: Asset) -> None:
    queued: list[str] = []
    key = looking_back.ask(question(), queued.append)
    assert looking_back.ask(question(), queued.append) == key
    assert queued == [key]
    told = looking_back.told(key, queued.append)
    assert told is not None and told["answer"] is None
    looking_back.work(key)
    told = looking_back.told(key, queued.append)
    assert told is not None and told["answer"]["count"] == answer()["count"]
    assert looking_back.ask(question(), queued.append) == key
    assert looking_back.ask(question(threshold=81.0), queued.append) != key
    assert len(queued) == 2


def test_what_nobody_waits_for_is_given_up_and_what_was_lost_is_queued_again(
    nq: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    key = looking_back.ask(question(), queued.append)
    cache.delete(looking_back._name("wanted", key))
    looking_back.work(key)
    assert looking_back.told(key, queued.append) is None
    monkeypatch.setattr(looking_back, "LOST_SECONDS", -1)
    looking_back.ask(question(), queued.append)
    looking_back.told(key, queued.append)
    assert queued == [key] * 3
