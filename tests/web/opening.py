"""Pressing Load: the form, and what comes of it."""

import re
from html import unescape
from typing import Any

from django.test import Client

from market.models import Job
from market.sessions import parse_et
from replay.models import ReplaySession

FORM = {
    "root": "NQ",
    "entry_date": "2026-03-17",
    "entry_time": "09:30",
    "timeframe": "5m",
    "lookback_days": "30",
}
ENTRY_NS = parse_et("2026-03-17 09:30")
DOWN = "http://127.0.0.1:9"


def load(browser: Client, *, htmx: bool = True, without: str = "", **changed: str) -> Any:
    """What pressing Load with this form answers."""
    form = {name: value for name, value in (FORM | changed).items() if name != without}
    return browser.post("/replay/open", form, headers={"HX-Request": "true"} if htmx else {})


def nothing_was_opened() -> bool:
    return not ReplaySession.objects.exists() and not Job.objects.exists()


def the_refusal(browser: Client, **form: Any) -> tuple[str, str]:
    """(field, message) of a form that must be refused with one reason and leave no trace."""
    answer = load(browser, **form)
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers
    assert [template.name for template in answer.templates] == ["replay/_open_errors.html"]
    assert nothing_was_opened()
    (refusal,) = error_messages(answer)
    return refusal


def error_messages(response: Any) -> list[tuple[str, str]]:
    """(field, message) of each refusal that a replay form shows."""
    found = re.findall(r'<li data-field="([^"]*)">(.*?)</li>', response.content.decode(), re.DOTALL)
    return [(field, unescape(message)) for field, message in found]
