"""Rolls in the admin: the page that explains one, their list, and rebuilding them."""

import html
import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from market import facts, tasks
from market.models import Asset, Contract, DailyBar, DailySpan, Job, Roll
from market.services import add_asset
from tests.conftest import People

DAY = date(2026, 3, 12)
LIST = "/admin/market/roll/"


@pytest.fixture(autouse=True)
def rolls_queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    handed: list[int] = []
    monkeypatch.setattr(tasks.refresh_history, "delay", handed.append)
    return handed


@pytest.fixture
def roll(assets: None) -> Roll:
    """NQH6 → NQM6 on the 12th, with the daily bars of the four days around it."""
    nq = Asset.objects.get(root="NQ")
    march = Contract.objects.create(asset=nq, year=2026, month=3, raw_symbol="NQH6", last_trade_date=date(2026, 3, 20))
    june = Contract.objects.create(asset=nq, year=2026, month=6, raw_symbol="NQM6")
    volumes = {10: (166_594, 104_745), 11: (221_032, 265_153), 12: (88_145, 217_681), 13: (73_545, 310_460)}
    for day, pair in volumes.items():
        for contract, volume in zip((march, june), pair, strict=True):
            bar = dict.fromkeys(("open", "high", "low", "close"), 1)
            DailyBar.objects.create(contract=contract, date=date(2026, 3, day), volume=volume, **bar)
    return Roll.objects.create(
        asset=nq,
        trade_date=DAY,
        kind="volume",
        from_contract=march,
        to_contract=june,
        from_volume=221_032,
        to_volume=265_153,
        spread_state="complete",
        from_price=19_793_250_000_000,
        to_price=19_956_750_000_000,
    )


def page(admin: Client, roll: Roll) -> str:
    answer = admin.get(reverse("admin:market_roll_change", args=[roll.pk]))
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def figures(text: str) -> dict[str, str]:
    return dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', text))


def test_a_rolls_page_tells_its_figures_in_words(admin: Client, roll: Roll) -> None:
    text = page(admin, roll)
    assert "In the session before, NQM6 traded more than NQH6, and more than every other later contract." in text
    assert figures(text) == {
        "Trade date": "Thursday 2026-03-12",
        "Instant": "Wednesday 2026-03-11 18:00 ET",
        "From": "NQH6",
        "To": "NQM6",
        "Kind": "Volume",
        "Volumes of 2026-03-11, the session before": "NQH6 221,032, NQM6 265,153",
        "First second of NQH6": "19,793.25 (open of its one-second bar)",
        "First second of NQM6": "19,956.75 (open of its one-second bar)",
        "Spread": "+163.50 (NQM6 minus NQH6)",
    }


def test_it_plots_both_contracts_and_marks_the_session_that_decided(admin: Client, roll: Roll) -> None:
    text = page(admin, roll)
    assert text.count('<rect class="old"') == text.count('<rect class="new"') == 4
    assert text.count('<rect class="decided"') == 1
    assert "<title>Wed 2026-03-11: 265,153</title>" in text
    (marked,) = re.findall(
        r'<tr class="marked">\s*<td>([^<]*)</td><td>221,032</td>\s*<td>265,153</td><td>(.*?)</td>', text
    )
    assert marked == ("Wed 2026-03-11", "decided it")
    assert text.count("no daily bar") == 2 * (31 - 4)


@pytest.mark.parametrize(
    ("changed", "spread"),
    [
        ({"spread_state": "unknown", "from_price": None, "to_price": None}, "not priced yet; the first replay"),
        ({"spread_state": "incomplete", "to_price": None}, "incomplete, counts as 0: no trade of NQM6 in that second"),
        (
            {"spread_state": "incomplete", "to_price": None, "from_price": None},
            "incomplete, counts as 0: no trade of NQH6 and NQM6 in that second",
        ),
    ],
)
def test_a_spread_that_is_not_known_says_why(admin: Client, roll: Roll, changed: dict[str, Any], spread: str) -> None:
    Roll.objects.update(**changed)
    assert figures(page(admin, roll))["Spread"].startswith(spread)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("cache_gap", "NQH6 had no daily bar in the 5 sessions before or longer, and NQM6 was the busiest"),
        ("dead_contract", "The last trade date of NQH6 was 2026-03-20, and no volume had led to another contract"),
    ],
)
def test_the_fall_backs_are_explained(admin: Client, roll: Roll, kind: str, why: str) -> None:
    Roll.objects.update(kind=kind, from_volume=None)
    text = page(admin, roll)
    assert why in text
    assert "NQH6 no daily bar, NQM6 265,153" in text


def test_the_first_front_month_has_no_contract_before_it(admin: Client, roll: Roll) -> None:
    Roll.objects.update(kind="seed", from_contract=None, from_volume=None, spread_state="unknown")
    text = page(admin, roll)
    assert "The daily volumes begin here, and NQM6 was the busiest contract of this session." in text
    assert figures(text)["Volume of the session itself"] == "265,153"
    assert "the first front month ▸" in text
    assert "decided it" not in text
    assert '<rect class="old"' not in text


def test_a_roll_on_a_day_that_is_no_session_any_more_can_still_be_looked_at(admin: Client, roll: Roll) -> None:
    Roll.objects.update(trade_date=date(2026, 3, 14))
    assert "no session on that day any more" in page(admin, roll)


def test_the_list_shows_each_roll_with_its_spread_and_a_small_plot(admin: Client, roll: Roll) -> None:
    text = admin.get(LIST, {"asset__id__exact": roll.asset_id}).content.decode()
    assert text.count('class="roll-spark"') == 1
    assert "+163.50" in text


def test_an_assets_row_leads_to_its_rolls(admin: Client, roll: Roll) -> None:
    assert f'href="{LIST}?asset__id__exact={roll.asset_id}"' in admin.get("/admin/market/asset/").content.decode()


# --- rebuilding ---------------------------------------------------------------------------------------------


def rebuild(browser: Client, *roots: str) -> str:
    chosen = Asset.objects.filter(root__in=roots).values_list("pk", flat=True)
    form = {"action": "rebuild", "_selected_action": list(chosen)}
    answer = browser.post("/admin/market/asset/", form, follow=True)
    return html.unescape(answer.content.decode())


def history(root: str) -> None:
    DailySpan.objects.create(asset=Asset.objects.get(root=root), first_date=DAY, end_date=date(2026, 3, 14))


def test_rebuilding_queues_a_job_of_the_assets_that_have_a_history(
    admin: Client, people: People, assets: None, rolls_queued: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    history("NQ")
    history("CL")
    with django_capture_on_commit_callbacks(execute=True):
        text = rebuild(admin, "NQ", "CL", "ZN")
    job = Job.objects.get()
    assert (job.kind, job.asked_by, job.params) == ("history", people.admin, {"roots": ["CL", "NQ"], "what": "CL, NQ"})
    assert f'CL, NQ will be rebuilt: <a href="/admin/market/job/{job.pk}/change/">' in text
    assert rolls_queued == [job.pk]


def test_rebuilding_waits_for_the_one_before(admin: Client, assets: None) -> None:
    history("NQ")
    rebuild(admin, "NQ")
    assert "are being refreshed already" in rebuild(admin, "NQ")
    assert Job.objects.count() == 1


def test_an_asset_without_history_has_nothing_to_rebuild(admin: Client, assets: None) -> None:
    assert "None of these has daily volumes. Load a replay first." in rebuild(admin, "NQ")
    assert not Job.objects.exists()


def test_own_files_have_no_history_to_rebuild(admin: Client, assets: None) -> None:
    add_asset(facts.KNOWN_IN_FILES["ES"], from_files=True)
    assert "Own files have no history" in rebuild(admin, "ES")
    assert not Job.objects.exists()


def test_who_may_only_look_at_assets_cannot_rebuild(people: People, owner: Client, assets: None) -> None:
    from django.contrib.auth.models import Permission

    User.objects.filter(pk=people.owner.pk).update(is_staff=True)
    people.owner.user_permissions.add(Permission.objects.get(codename="view_asset"))
    history("NQ")
    rebuild(owner, "NQ")
    assert not Job.objects.exists()
