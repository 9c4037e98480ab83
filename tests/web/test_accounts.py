"""Who gets in, how, and what a page may do: log-in, passwords, throttling, cookies, content security, secrets."""

import os
import re
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as active
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from accounts.models import User
from accounts.services import create_demo_users
from tests.conftest import People
from tests.web.conftest import addresses, is_logged_in, log_in, logged_in

OPEN_TO_ALL = {"/account/login/", "/admin/login/", "/health"}
KEY = "db-secret-of-this-installation"
RIGHT, WRONG = People.password, "wrong-horse"


def forgotten(request: HttpRequest) -> HttpResponse:
    """A view whose author gave no thought to who may see it."""
    return HttpResponse("private")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"the key is {active.DATABENTO_API_KEY}")


urlpatterns = [path("", include("futsim.urls")), path("forgotten", forgotten), path("broken", broken)]


# --- log-in and log-out ----------------------------------------------------------------------------


def test_the_right_password_logs_in_and_leads_to_the_replay(people: People, assets: None) -> None:
    browser = Client()
    answer = log_in("owner", RIGHT, browser)
    assert (answer.status_code, answer.url) == (302, "/replay/")
    assert is_logged_in(browser)


@pytest.mark.parametrize(("name", "password"), [("owner", WRONG), ("nobody", RIGHT), ("Owner", RIGHT), ("owner", "")])
def test_a_wrong_name_or_password_is_refused(people: People, name: str, password: str) -> None:
    browser = Client()
    answer = log_in(name, password, browser)
    assert answer.status_code == 200
    assert not is_logged_in(browser)
    assert password == "" or password not in answer.content.decode()


def test_a_refusal_does_not_tell_whether_the_user_exists(people: People) -> None:
    def refusal(name: str) -> list[str]:
        return re.findall(r'<p class="errors">(.*?)</p>', log_in(name, WRONG).content.decode())

    assert refusal("owner") == refusal("nobody")
    assert "correct username and password" in refusal("owner")[0]


def test_a_login_gets_a_new_session(people: People) -> None:
    """A session id that somebody planted before the login is worth nothing after it."""
    browser = Client()
    browser.session.save()
    planted = browser.session.session_key
    browser.cookies["sessionid"] = planted
    log_in("owner", RIGHT, browser)
    assert browser.cookies["sessionid"].value != planted


def test_a_user_who_is_switched_off_cannot_log_in_and_loses_open_logins(people: People) -> None:
    browser = Client()
    log_in("owner", RIGHT, browser)
    User.objects.filter(username="owner").update(is_active=False)
    assert not is_logged_in(browser)
    assert log_in("owner", RIGHT).status_code == 200


def test_someone_logged_in_is_led_past_the_login_page(owner: Client) -> None:
    assert owner.get("/account/login/").url == "/replay/"


def test_logging_out_ends_the_session(owner: Client) -> None:
    answer = owner.post("/account/logout/")
    assert (answer.status_code, answer.url) == (302, "/account/login/")
    assert not is_logged_in(owner)
    assert Session.objects.count() == 0


def test_a_link_cannot_log_anybody_out(owner: Client) -> None:
    assert owner.get("/account/logout/").status_code == 405
    assert is_logged_in(owner)


@pytest.mark.parametrize("page", ["/account/login/", "/account/logout/", "/account/password/"])
def test_account_forms_of_other_sites_are_refused(people: People, page: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    assert browser.post(page, {"username": "owner", "password": RIGHT}).status_code == 403
    assert is_logged_in(browser)


# --- passwords -------------------------------------------------------------------------------------

NEW = "another-long-phrase"


def change(browser: Client, old: str = RIGHT, new: str = NEW, again: str = "") -> Any:
    return browser.post(
        "/account/password/", {"old_password": old, "new_password1": new, "new_password2": again or new}
    )


def test_a_changed_password_is_the_one_that_counts(owner: Client) -> None:
    answer = change(owner)
    assert answer.url == "/account/password/done/"
    assert owner.get(answer.url).status_code == 200
    assert log_in("owner", NEW).status_code == 302
    assert log_in("owner", RIGHT).status_code == 200


def test_a_changed_password_ends_the_users_other_logins(people: People, owner: Client) -> None:
    elsewhere = logged_in(people.owner)
    change(owner)
    assert is_logged_in(owner)
    assert not is_logged_in(elsewhere)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"old": WRONG}, "Your old password was entered incorrectly"),
        ({"new": "short1"}, "too short"),
        ({"new": "password123"}, "too common"),
        ({"new": "8461937520"}, "entirely numeric"),
        ({"new": "owner1234"}, "too similar"),
        ({"again": "something-else"}, "didn’t match"),
    ],
)
def test_a_bad_password_change_is_refused_with_the_reason(owner: Client, typed: dict[str, str], message: str) -> None:
    answer = change(owner, **typed)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert log_in("owner", RIGHT).status_code == 302


# --- private by default ----------------------------------------------------------------------------


def test_every_address_but_login_and_health_asks_a_stranger_to_log_in(people: People) -> None:
    browser, answered = Client(), {}
    for address in addresses():
        for ask in (browser.get, browser.post):
            answer = ask(address)
            to_login = answer.status_code == 302 and re.match(r"/(account|admin)/login/\?next=", answer.url)
            answered[address, answer.request["REQUEST_METHOD"]] = bool(to_login)
    assert len(answered) > 60
    assert {address for address, sent_away in answered.items() if not sent_away} == {
        (address, method) for address in OPEN_TO_ALL for method in ("GET", "POST")
    }


@pytest.mark.parametrize("address", ["/admin/market/", "/admin/no/such/page", "/admin/r/1/1/"])
def test_the_admins_other_addresses_ask_a_stranger_to_log_in(db: None, address: str) -> None:
    assert re.match(r"/(account|admin)/login/\?next=", Client().get(address).url)


def test_a_view_that_says_nothing_is_private(people: People, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    assert Client().get("/forgotten").url == "/account/login/?next=/forgotten"
    assert logged_in(people.owner).get("/forgotten").content == b"private"


def test_health_and_the_look_of_the_login_page_are_open(db: None) -> None:
    browser = Client()
    assert browser.get("/health").content == b"ok"
    page = browser.get("/account/login/").content.decode()
    styles = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(styles) >= 4
    for address in styles:
        answer = browser.get(address)
        assert (address, answer.status_code) == (address, 200)
        answer.close()


def test_health_only_reads(db: None) -> None:
    assert Client().post("/health").status_code == 405


@pytest.mark.parametrize("address", ["/static/../futsim/settings.py", "/static/%2e%2e/manage.py", "/static/", "/var/"])
def test_nothing_but_static_files_is_served(owner: Client, address: str) -> None:
    assert owner.get(address).status_code == 404


# --- the admin -------------------------------------------------------------------------------------


def test_the_admin_is_for_admins(owner: Client, admin: Client) -> None:
    assert owner.get("/admin/").url == "/admin/login/?next=/admin/"
    assert admin.get("/admin/").status_code == 200


def test_only_an_admin_is_shown_the_way_to_the_admin(owner: Client, admin: Client, assets: None) -> None:
    assert 'href="/admin/"' not in owner.get("/replay/").content.decode()
    assert 'href="/admin/"' in admin.get("/replay/").content.decode()


def test_an_admin_creates_a_user_who_can_log_in(admin: Client, assets: None) -> None:
    form = {"username": "newcomer", "usable_password": "true", "password1": NEW, "password2": NEW}
    answer = admin.post("/admin/accounts/user/add/", form)
    assert answer.status_code == 302
    browser = Client()
    assert log_in("newcomer", NEW, browser).url == "/replay/"
    assert is_logged_in(browser)
    assert browser.get("/admin/").status_code == 302


def test_the_demo_users_are_made_once_with_passwords_nobody_can_guess(db: None) -> None:
    made = dict(create_demo_users())
    assert set(made) == {"demo", "admin"}
    assert min(map(len, made.values())) >= 12
    assert len(set(made.values())) == 2
    assert create_demo_users() == []
    assert {name: log_in(name, word).status_code for name, word in made.items()} == {"demo": 302, "admin": 302}
    assert list(User.objects.filter(is_staff=True).values_list("username", flat=True)) == ["admin"]


# --- throttling ------------------------------------------------------------------------------------


def lock_out(name: str = "owner", address: str = "127.0.0.1") -> Any:
    """Five wrong passwords; the last answer."""
    browser = Client(REMOTE_ADDR=address)
    for _ in range(4):
        assert log_in(name, WRONG, browser).status_code == 200
    return log_in(name, WRONG, browser)


def test_five_wrong_passwords_close_the_door_for_a_quarter_of_an_hour(people: People) -> None:
    answer = lock_out()
    assert answer.status_code == 429
    assert "accounts/locked_out.html" in [template.name for template in answer.templates]
    page = answer.content.decode()
    assert "Logging in as owner failed 5 times, so it is closed for 15 minutes." in page


@pytest.mark.parametrize(("hours", "words"), [(0.5, "30 minutes"), (1 / 60, "1 minute"), (2, "120 minutes")])
def test_the_closed_door_tells_the_time_that_is_set(people: People, settings: Any, hours: float, words: str) -> None:
    settings.AXES_COOLOFF_TIME = hours
    assert f"closed for {words}." in lock_out().content.decode()


def test_behind_the_closed_door_the_right_password_is_refused_too(people: People) -> None:
    lock_out()
    browser = Client()
    assert log_in("owner", RIGHT, browser).status_code == 429
    assert not is_logged_in(browser)


def test_the_admins_own_login_is_throttled_with_it(people: People) -> None:
    lock_out("admin")
    answer = Client().post("/admin/login/", {"username": "admin", "password": RIGHT})
    assert answer.status_code == 429


def test_one_user_who_is_locked_out_locks_nobody_else_out(people: People) -> None:
    lock_out()
    assert log_in("colleague", RIGHT).status_code == 302


def test_a_stranger_elsewhere_cannot_lock_a_user_out_of_his_own_place(people: People) -> None:
    lock_out(address="192.0.2.7")
    assert log_in("owner", RIGHT).status_code == 302


def test_naming_another_place_in_a_header_does_not_open_the_door(people: People) -> None:
    lock_out()
    browser = Client(HTTP_X_FORWARDED_FOR="192.0.2.9", HTTP_X_REAL_IP="192.0.2.9", HTTP_FORWARDED="for=192.0.2.9")
    assert log_in("owner", RIGHT, browser).status_code == 429


def test_unknown_names_are_throttled_alike(people: People) -> None:
    assert lock_out("nobody").status_code == 429


def wait(*, minutes: int) -> None:
    """Makes every try so much longer ago."""
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=minutes))


def test_the_door_opens_again_after_the_pause(people: People) -> None:
    lock_out()
    wait(minutes=16)
    assert log_in("owner", RIGHT).status_code == 302


def test_a_try_at_the_closed_door_starts_the_pause_anew(people: People) -> None:
    lock_out()
    for _ in range(2):
        wait(minutes=10)
        assert log_in("owner", RIGHT).status_code == 429


def test_a_right_password_forgives_the_wrong_ones_before_it(people: People) -> None:
    for _ in range(3):
        for _ in range(4):
            assert log_in("owner", WRONG).status_code == 200
        assert log_in("owner", RIGHT).status_code == 302


def test_a_wrong_password_is_not_written_down(people: People) -> None:
    log_in("owner", WRONG)
    for attempt in AccessAttempt.objects.all():
        assert WRONG not in str(vars(attempt))


# --- where a login leads ---------------------------------------------------------------------------


def test_a_login_leads_where_the_visitor_was_going(people: People) -> None:
    assert log_in("owner", RIGHT, next="/account/password/").url == "/account/password/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "http:///evil.example", "/\\evil.example", "\\\\evil.example",
        "javascript:alert(1)", "https:evil.example", " //evil.example", "\t//evil.example", "ftp://testserver/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", ["/account/login/", "/admin/login/"])
def test_a_login_never_leads_to_another_site(people: People, page: str, target: str) -> None:
    answer = Client().post(page, {"username": "admin", "password": RIGHT, "next": target})
    assert (answer.status_code, answer.url) == (302, "/replay/")


def test_someone_logged_in_is_not_led_to_another_site_either(owner: Client) -> None:
    assert owner.get("/account/login/", {"next": "//evil.example/"}).url == "/replay/"


def test_what_follows_next_is_shown_as_text(db: None) -> None:
    page = Client().get("/account/login/", {"next": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert(1)" not in page


# --- cookies and headers ---------------------------------------------------------------------------


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(people: People) -> None:
    browser = Client()
    log_in("owner", RIGHT, browser)
    cookie = browser.cookies["sessionid"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""
    assert browser.cookies["csrftoken"]["samesite"] == "Lax"


def test_with_a_public_https_address_both_cookies_are_for_https_alone(people: People, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    browser = Client()
    log_in("owner", RIGHT, browser)
    assert browser.cookies["sessionid"]["secure"] is True
    assert browser.cookies["csrftoken"]["secure"] is True


def policy(answer: Any) -> dict[str, list[str]]:
    """The content security policy by directive."""
    directives = (part.split() for part in answer["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in directives}


PAGES = ["/account/login/", "/account/password/", "/account/password/done/", "/replay/", "/admin/", "/nowhere"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_the_strict_policy(admin: Client, assets: None, page: str) -> None:
    answer = (Client() if "login" in page else admin).get(page)
    rules = policy(answer)
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == ["'self'"]
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["script-src"][0] == "'self'"
    assert all(re.fullmatch(r"'nonce-[\w+/=-]{16,}'", source) for source in rules["script-src"][1:])
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_import_map_carries_the_nonce_of_its_answer_and_no_answer_repeats_it(owner: Client, assets: None) -> None:
    seen = set()
    for _ in range(3):
        answer = owner.get("/replay/")
        (nonce,) = re.findall(r'<script type="importmap" nonce="([^"]+)">', answer.content.decode())
        assert f"'nonce-{nonce}'" in policy(answer)["script-src"]
        seen.add(nonce)
    assert len(seen) == 3


@pytest.mark.parametrize("page", PAGES)
def test_no_page_needs_a_script_that_the_policy_forbids(admin: Client, assets: None, page: str) -> None:
    answer = (Client() if "login" in page else admin).get(page)
    body = answer.content.decode()
    for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", body, re.DOTALL):
        is_data = 'type="application/json"' in attributes
        assert not content.strip() or is_data or 'nonce="' in attributes
        assert "src=" not in attributes or re.search(r'src="/static/', attributes)
    assert not re.search(r"<[^>]+\son\w+=", body)
    assert "javascript:" not in body


@pytest.mark.parametrize("page", ["/replay/", "/account/login/", "/account/password/"])
def test_every_script_and_style_that_a_page_asks_for_is_there(admin: Client, assets: None, page: str) -> None:
    browser = Client() if "login" in page else admin
    files = set(re.findall(r'"(/static/[^"]+)"', browser.get(page).content.decode()))
    assert files
    answers = {file: browser.get(file) for file in files}
    assert {file for file, answer in answers.items() if answer.status_code != 200} == set()
    for answer in answers.values():
        answer.close()


# --- secrets ---------------------------------------------------------------------------------------


def secrets_of(installation: Any) -> list[str]:
    password = str(installation.DATABASES["default"]["PASSWORD"])
    return [KEY, installation.SECRET_KEY, os.environ["DATABASE_URL"], *([password] if len(password) > 6 else [])]


def test_no_page_tells_a_secret(people: People, admin: Client, owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_API_KEY, settings.DATABENTO_GATEWAY = KEY, "http://127.0.0.1:9"
    settings.ROOT_URLCONF = __name__
    answers = []
    for browser in (Client(), owner, admin):
        browser.raise_request_exception = False
        for address in [*addresses(), "/nowhere", "/broken", f"/admin/accounts/user/{people.owner.pk}/change/"]:
            answers += [browser.get(address), browser.post(address) if "logout" not in address else None]
        answers.append(browser.get("/replay/", HTTP_HOST="evil.example"))
        answers.append(browser.post("/replay/open", {"root": "NQ", "entry_date": "2026-03-17", "entry_time": "09:30"}))
    answers.append(Client(enforce_csrf_checks=True).post("/account/login/"))
    seen = [answer for answer in answers if answer is not None]
    assert {200, 302, 400, 403, 404, 405, 500} <= {answer.status_code for answer in seen}
    for answer in seen:
        shown = answer.content.decode() + str(answer.headers)
        for secret in secrets_of(settings):
            assert secret not in shown, answer.request["PATH_INFO"]


@pytest.mark.parametrize("page", ["/replay/", "/health"])
def test_a_page_can_be_asked_for_its_head(owner: Client, assets: None, page: str) -> None:
    assert owner.head(page).status_code == 200
