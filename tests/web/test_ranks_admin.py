"""Assets kept warm: how their sessions stand, and the two actions."""

import pytest
from django.test import Client

from market.models import Asset, Job
from ranks.models import KeptWarm
from ranks.tasks import refresh_ranks

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
    assert "The ranks of NQ are being refreshed already." in act(admin, kept, "rebuild")
    assert Job.objects.filter(kind="ranks").count() == 1
