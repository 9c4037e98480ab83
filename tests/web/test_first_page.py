"""The workspace before a replay is opened."""

from django.test import Client

from market.models import Asset
from tests.filegateway import Records
from tests.web.opening import load


def test_the_first_page_offers_every_active_asset_and_a_regular_open(owner: Client, assets: None) -> None:
    Asset.objects.filter(root="YM").update(is_active=False)
    page = owner.get("/replay/").content.decode()
    offered = [root for root in Asset.objects.values_list("root", flat=True) if f'<option value="{root}"' in page]
    assert len(offered) == 18
    assert "YM" not in offered
    assert '<option value="NQ" selected>NQ&emsp;&emsp;&emsp;E-mini Nasdaq-100</option>' in page
    assert 'name="entry_time" value="09:30"' in page


def test_the_first_page_opens_without_any_asset(owner: Client) -> None:
    answer = owner.get("/replay/")
    assert answer.status_code == 200
    assets = answer.content.decode().partition('<select name="root"')[2].partition("</select>")[0]
    assert assets and "<option" not in assets


def test_the_first_pages_choice_can_be_loaded_at_once(owner: Client, small_market: Records) -> None:
    first = owner.get("/replay/").context["initial"]
    assert "HX-Redirect" in load(owner, **{name: str(value) for name, value in first.items()}).headers


def test_the_first_page_chooses_an_asset_that_is_offered(owner: Client, assets: None) -> None:
    Asset.objects.filter(root="NQ").update(is_active=False)
    shown = owner.get("/replay/").context
    assert shown["initial"]["root"] in [asset["root"] for asset in shown["assets"]]
