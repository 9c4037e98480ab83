"""What the trader is told when the gateway is needed and fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from django.core.cache import cache
from django.test import Client

from tests import filegateway
from tests.web.opening import DOWN, the_refusal


@pytest.fixture
def answer_of(settings: Any) -> Iterator[list[web.Response]]:
    """A gateway that gives one answer to everything: the list's last."""
    cache.clear()
    given: list[dict[str, Any]] = []

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(**given[-1])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    with filegateway.serve(app) as settings.DATABENTO_GATEWAY:
        settings.DATABENTO_API_KEY = filegateway.KEY
        yield given


def as_json(**detail: Any) -> str:
    return json.dumps({"detail": detail})


FAULTS = [
    (401, as_json(case="auth_authentication_failed", message="Authentication failed."), "DATABENTO_API_KEY"),
    (402, as_json(case="account_insufficient_funds", message="Out of funds."), "Out of funds. The Databento account"),
    (403, as_json(case="license_not_found", message="No licence."), "No licence. The Databento account"),
    (422, as_json(case="dataset_not_found", message="No such dataset."), "No such dataset."),
    (429, as_json(case="rate_limit_exceeded", message="Slow down."), "Slow down. Try again in a minute."),
    (500, as_json(case="internal_error", message="Oops."), "Oops. The fault is on the gateway's side."),
    (503, "<html>down</html>", "503: "),
    (200, "<html>a proxy's page</html>", "broke off its answer"),
    (200, "", "broke off its answer"),
]


@pytest.mark.parametrize(("status", "text", "message"), FAULTS)
def test_a_fault_of_the_gateway_is_told_and_opens_nothing(
    owner: Client, assets: None, answer_of: list[Any], status: int, text: str, message: str
) -> None:
    answer_of.append({"status": status, "text": text})
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert why.startswith("The data gateway says: ")
    assert message in why
    assert filegateway.KEY not in why
    assert "<html>" not in why


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "[]"), (200, "{}"), (200, "null"), (200, '{"start": null, "end": null}'), (500, "[]"), (400, "null")],
)
def test_a_malformed_answer_of_the_gateway_is_told_and_opens_nothing(
    owner: Client, assets: None, answer_of: list[Any], status: int, text: str
) -> None:
    answer_of.append({"status": status, "text": text, "content_type": "application/json"})
    where, why = the_refusal(owner)
    assert (where, why.startswith("The data gateway says: ")) == ("__all__", True)


def test_a_gateway_that_is_down_is_told_with_what_to_do(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = DOWN, filegateway.KEY
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert "does not answer. Check the network, then try again." in why


def test_an_installation_without_a_key_says_so(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY = settings.DATABENTO_API_KEY = ""
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert "There is no API key. The key was refused. Check DATABENTO_API_KEY" in why


def test_a_page_asks_a_failing_gateway_once_and_does_not_wait(
    owner: Client, assets: None, answer_of: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.databento_historical.time.sleep", pytest.fail)
    answer_of.append({"status": 503, "text": as_json(message="Busy.")})
    the_refusal(owner)
