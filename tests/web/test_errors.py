"""The pages for when something is wrong: in the look of the others, kind, and without a word of the inside."""

import re
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

SECRET = "db-words-from-the-inside"


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


@login_not_required
def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied(SECRET)


@login_not_required
def unreadable(request: HttpRequest) -> HttpResponse:
    raise BadRequest(SECRET)


urlpatterns = [
    path("", include("futsim.urls")),
    path("broken", broken),
    path("forbidden", forbidden),
    path("unreadable", unreadable),
]

HEADLINES = {
    400: "This request could not be read",
    403: "This is not open to you",
    404: "There is nothing here",
    500: "Something went wrong on our side",
}


@pytest.fixture
def visitor(db: None, settings: Any) -> Client:
    """A browser on a site with three broken views, which lets a fault become a page."""
    settings.ROOT_URLCONF = __name__
    browser = Client()
    browser.raise_request_exception = False
    return browser


def assert_kind_page(answer: Any, status: int) -> None:
    """The page of that status: a headline, what to do, a way back, nothing of the inside."""
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{HEADLINES[status]}</h1>" in page
    assert f"<title>{HEADLINES[status]} · futsim</title>" in page
    assert '<a href="/">Back to the start</a>' in page
    assert "/static/css/base.css" in page
    assert "text/html" in answer["Content-Type"]
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    for word in (SECRET, "Traceback", "DEBUG", "Django", "RuntimeError", "futsim.settings", "views.py", "{%", "{{"):
        assert word not in page


@pytest.mark.parametrize(("address", "status"), [("/broken", 500), ("/forbidden", 403), ("/unreadable", 400)])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_fault_in_a_view_becomes_its_kind_page(visitor: Client, address: str, status: int, method: str) -> None:
    assert_kind_page(getattr(visitor, method)(address), status)


@pytest.mark.parametrize("address", ["/nowhere", "/replay/nowhere/", "/replay/not-an-id/", "/favicon.ico", "/static/x"])
def test_an_address_of_nothing_becomes_the_kind_404(visitor: Client, address: str) -> None:
    assert_kind_page(visitor.get(address), 404)


def test_an_address_of_nothing_is_not_repeated_in_the_page(visitor: Client) -> None:
    page = visitor.get("/nowhere/<script>alert(1)</script>").content.decode()
    assert "alert(1)" not in page


def test_another_host_name_becomes_the_kind_400(visitor: Client) -> None:
    answer = visitor.get("/account/login/", HTTP_HOST="evil.example")
    assert_kind_page(answer, 400)
    assert "evil.example" not in answer.content.decode()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "a b", "é"])
def test_only_the_hosts_of_the_installation_are_answered(visitor: Client, host: str) -> None:
    assert visitor.get("/account/login/", HTTP_HOST=host).status_code == 400


def test_the_error_pages_stand_without_a_database(settings: Any) -> None:
    """They must come out when PostgreSQL is what is broken: pytest-django refuses any query here."""
    settings.ROOT_URLCONF = __name__
    browser = Client()
    browser.raise_request_exception = False
    for address, status in (("/broken", 500), ("/nowhere", 404), ("/forbidden", 403), ("/unreadable", 400)):
        assert_kind_page(browser.get(address), status)


def test_a_stranger_may_see_everything_an_error_page_asks_for(visitor: Client) -> None:
    files = re.findall(r'"(/static/[^"]+)"', visitor.get("/nowhere").content.decode())
    assert len(files) >= 3
    for file in files:
        answer = visitor.get(file)
        assert (file, answer.status_code) == (file, 200)
        answer.close()


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_a_method_that_a_view_does_not_know_is_refused_plainly(owner: Client, method: str) -> None:
    answer = getattr(owner, method)("/replay/open")
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "POST", b"")


def test_a_form_that_expired_becomes_the_kind_403(visitor: Client) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert_kind_page(browser.post("/account/login/", {"username": "owner", "password": "x"}), 403)
