"""Assets kept warm: how their sessions stand, and the two actions."""

from datetime import date

import pytest
from django.test import Client

from market.models import Asset, Job
from ranks import summaries
from ranks.models import KeptWarm, Summary, SummaryMonth
from ranks.tasks import refresh_ranks
from tests import ranking

PAGE = "/admin/ranks/keptwarm/"


@pytest.fixture
def kept(assets: None, monkeypatch: pytest.MonkeyPatch) -> KeptWarm:
    monkeypatch.setattr(refresh_ranks, "delay", lambda job_id: None)
    return KeptWarm.objects.create(asset=Asset.objects.get(root="NQ"), lookback_days=30)


def act(admin: Client, kept: KeptWarm, action: str) -> str:
    sent = {"action": action, "_selected_action": [kept.pk]}
    return admin.post(PAGE, sent, follow=True).content.decode()


def test_the_list_tells_how_the_sessions_stand(admin: Client, kept: KeptWarm) -> None:
    page = admin.get(PAGE).content.decode()
    assert 'class="field-summarised">0 of ' in page
    assert 'class="field-stored">0<' in page


@pytest.mark.parametrize("action", ["refresh", "rebuild"])
def test_an_action_asks_the_workers_and_names_the_job(admin: Client, kept: KeptWarm, action: str) -> None:
    page = act(admin, kept, action)
    job = Job.objects.get(kind="ranks")
    assert (job.params["root"], job.params["lookback_days"]) == ("NQ", 30)
    assert f'NQ: <a href="/jobs/">job {job.pk}</a>.' in page


def test_an_asset_that_is_being_refreshed_is_left_alone(admin: Client, kept: KeptWarm) -> None:
    act(admin, kept, "refresh")
    assert "The ranks of NQ are being refreshed already, by job " in act(admin, kept, "rebuild")
    assert Job.objects.filter(kind="ranks").count() == 1


def test_an_asset_that_is_listed_is_not_listed_twice_and_saving_says_when(admin: Client, kept: KeptWarm) -> None:
    again = {"asset": kept.asset_id, "lookback_days": 400}
    page = admin.post(f"{PAGE}add/", again).content.decode()
    assert "This asset is on the list. Change its lookback there" in page
    page = admin.post(f"{PAGE}{kept.pk}/change/", again, follow=True).content.decode()
    assert "what it lacks is fetched at 17:40 ET" in page


# --- the summaries --------------------------------------------------------------------------------------


@pytest.fixture
def made(assets: None) -> list[Summary]:
    """The summaries of sessions of two months, the first of which is of a piece that has been fetched anew since."""
    nq = Asset.objects.get(root="NQ")
    contract = ranking.contract(nq, 2026, 6, "NQM6")
    for session in nq.sessions.between(date(2026, 3, 27), date(2026, 4, 2)):
        ranking.store_session(contract, session)
    ranking.summarise_all()
    rows = list(Summary.objects.order_by("trade_date"))
    Summary.objects.filter(pk=rows[0].pk).update(source="f" * 64)
    return rows


def test_each_summary_has_its_state_and_can_be_looked_for_by_it(admin: Client, made: list[Summary]) -> None:
    page = admin.get("/admin/ranks/summary/").content.decode()
    counts = [page.count(f'class="field-state">{state}<') for state in ("stale", "fresh")]
    assert counts == [1, len(made) - 1]
    for state, count in (("stale", 1), ("fresh", len(made) - 1)):
        page = admin.get(f"/admin/ranks/summary/?state={state}").content.decode()
        assert page.count('class="field-state">') == page.count(f'class="field-state">{state}<') == count


@pytest.mark.parametrize("kind", ["summary", "summarymonth"])
def test_chosen_summaries_are_made_again(admin: Client, made: list[Summary], kind: str) -> None:
    row = made[-1] if kind == "summary" else SummaryMonth.objects.get(month=made[-1].trade_date.replace(day=1))
    sent = {"action": "rebuild", "_selected_action": [row.pk]}
    page = admin.post(f"/admin/ranks/{kind}/", sent, follow=True).content.decode()
    due = Summary.objects.filter(made_with="")
    assert f"{due.count()} summaries are stale now and made again within a minute." in page
    assert 1 <= due.count() < len(made)
    assert made[-1] in due
    ranking.summarise_all()
    assert not Summary.objects.filter(made_with="").exists()
    assert summaries.in_state(summaries.with_pieces(Summary.objects.all()), fresh=False) == []
