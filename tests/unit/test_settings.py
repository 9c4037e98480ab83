"""Configuration from the environment: what is understood, and that odd text is refused loudly."""

import runpy
from typing import Any
from urllib.parse import urlparse

import pytest
from channels.security.websocket import OriginValidator
from django.conf import settings as active

from futsim import env
from futsim.env import BadEnvironment
from futsim.settings import database_from_url

REQUIRED = ("FUTSIM_SECRET_KEY", "DATABASE_URL", "REDIS_URL")
OURS = ("FUTSIM_DEBUG", "FUTSIM_URL", "FUTSIM_ALLOWED_HOSTS", "FUTSIM_ALLOWED_ORIGINS", "FUTSIM_GATEWAY")


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with only what is required."""
    for name in (*OURS, "FUTSIM_LIVE_GATEWAY", "DATABENTO_API_KEY", "FUTSIM_TAPE_CACHE_MB", "FUTSIM_STATIC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FUTSIM_SECRET_KEY", "a secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://trader:word@db.example:5433/futsim")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/0")
    return monkeypatch


def read_settings() -> dict[str, Any]:
    """The settings file, run afresh on the present environment."""
    return runpy.run_path(str(active.BASE_DIR / "futsim" / "settings.py"))


def test_a_database_address_is_taken_apart() -> None:
    database = database_from_url("postgresql://trader:word@db.example:5433/futsim")
    wanted = {"NAME": "futsim", "USER": "trader", "PASSWORD": "word", "HOST": "db.example", "PORT": "5433"}
    assert database.items() >= wanted.items()
    assert database["ENGINE"] == "django.db.backends.postgresql"


def test_a_database_on_a_socket_folder_has_no_port() -> None:
    database = database_from_url("postgresql://postgres@/futsim?host=/run/a%20folder")
    assert (database["HOST"], database["PORT"], database["USER"]) == ("/run/a folder", "", "postgres")
    assert database["OPTIONS"] == {"connect_timeout": 5}


def test_options_of_a_database_address_reach_the_driver_and_win_over_ours() -> None:
    database = database_from_url("postgres://db.example/futsim?sslmode=require&connect_timeout=30")
    assert database["OPTIONS"] == {"sslmode": "require", "connect_timeout": "30"}
    assert (database["HOST"], database["PORT"]) == ("db.example", "")


def test_escaped_characters_in_a_database_address_are_read() -> None:
    database = database_from_url("postgresql://tra%40der:p%2Fw%3Ad@db.example/fut%20sim")
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("tra@der", "p/w:d", "fut sim")


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://root@db.example/futsim", "futsim", "", "://"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(BadEnvironment, match=r"DATABASE_URL must start with postgresql://"):
        database_from_url(url)


@pytest.mark.parametrize("url", ["postgresql://db.example", "postgresql://db.example/", "postgresql://"])
def test_a_database_address_without_a_name_is_refused(url: str) -> None:
    with pytest.raises(BadEnvironment, match="names no database"):
        database_from_url(url)


@pytest.mark.parametrize("text", ["-1", "1.5", "1e3", " 7", "7 ", "seven", "٣", "0x10", "1_000"])
def test_a_number_must_be_whole(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FUTSIM_NUMBER", text)
    with pytest.raises(BadEnvironment, match=r"FUTSIM_NUMBER=.* is not a whole number"):
        env.integer("FUTSIM_NUMBER", 3)


def test_a_number_is_read_and_an_empty_one_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUTSIM_NUMBER", "012")
    assert env.integer("FUTSIM_NUMBER", 3) == 12
    monkeypatch.setenv("FUTSIM_NUMBER", "")
    assert env.integer("FUTSIM_NUMBER", 3) == 3
    monkeypatch.delenv("FUTSIM_NUMBER")
    assert env.integer("FUTSIM_NUMBER", 3) == 3


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *((text, True) for text in ("1", "True", "YES", "on")),
        *((text, False) for text in ("0", "false", "No", "off")),
        ("", None),
    ],
)
@pytest.mark.parametrize("default", [True, False])
def test_yes_and_no_are_read(monkeypatch: pytest.MonkeyPatch, text: str, meaning: bool | None, default: bool) -> None:
    monkeypatch.setenv("FUTSIM_FLAG", text)
    assert env.flag("FUTSIM_FLAG", default) is (default if meaning is None else meaning)


@pytest.mark.parametrize("text", ["maybe", "2", "y", " 1", "enabled"])
def test_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FUTSIM_FLAG", text)
    with pytest.raises(BadEnvironment, match=r"FUTSIM_FLAG=.* is neither yes nor no"):
        env.flag("FUTSIM_FLAG", False)


def test_a_list_loses_blanks_and_empty_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUTSIM_WORDS", " a.example ,, b.example,")
    assert env.words("FUTSIM_WORDS", "c.example") == ["a.example", "b.example"]
    monkeypatch.delenv("FUTSIM_WORDS")
    assert env.words("FUTSIM_WORDS", "c.example") == ["c.example"]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_is_named_when_it_is_missing(clean: pytest.MonkeyPatch, name: str) -> None:
    clean.delenv(name)
    with pytest.raises(BadEnvironment, match=f"{name} is not set"):
        read_settings()


@pytest.mark.parametrize(("name", "text"), [("FUTSIM_DEBUG", "perhaps"), ("FUTSIM_TAPE_CACHE_MB", "1 GB")])
def test_odd_text_stops_the_start(clean: pytest.MonkeyPatch, name: str, text: str) -> None:
    clean.setenv(name, text)
    with pytest.raises(BadEnvironment, match=name):
        read_settings()


def test_without_a_word_it_is_a_closed_installation_on_loopback(clean: pytest.MonkeyPatch) -> None:
    read = read_settings()
    assert read["DEBUG"] is False
    assert read["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert set(read["ALLOWED_ORIGINS"]) == {"http://127.0.0.1:8000", "http://localhost:8000"}
    assert (read["SYNTHETIC_MARKET"], read["MARKET_SOURCE"]) == (False, "Databento")


def test_a_public_https_address_makes_the_cookies_secure(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FUTSIM_URL", "https://futsim.example")
    read = read_settings()
    assert read["SESSION_COOKIE_SECURE"] is read["CSRF_COOKIE_SECURE"] is True
    assert read["CSRF_TRUSTED_ORIGINS"] == ["https://futsim.example"]
    assert "https://futsim.example" in read["ALLOWED_ORIGINS"]


def test_on_plain_http_the_cookies_are_sent(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FUTSIM_URL", "http://127.0.0.1:8000")
    read = read_settings()
    assert read["SESSION_COOKIE_SECURE"] is read["CSRF_COOKIE_SECURE"] is False


def test_another_gateway_means_an_invented_market(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FUTSIM_GATEWAY", "http://127.0.0.1:8100")
    read = read_settings()
    assert (read["SYNTHETIC_MARKET"], read["MARKET_SOURCE"]) == (True, "stand-in")


def test_a_live_gateway_is_a_host_and_a_port(clean: pytest.MonkeyPatch) -> None:
    assert read_settings()["DATABENTO_LIVE_GATEWAY"] is None
    clean.setenv("FUTSIM_LIVE_GATEWAY", "127.0.0.1:13000")
    assert read_settings()["DATABENTO_LIVE_GATEWAY"] == ("127.0.0.1", 13000)


@pytest.mark.parametrize("text", ["127.0.0.1", ":13000", "host:", "host:70000", "host:-1", "host:http"])
def test_a_live_gateway_without_host_or_port_is_refused(clean: pytest.MonkeyPatch, text: str) -> None:
    clean.setenv("FUTSIM_LIVE_GATEWAY", text)
    with pytest.raises(BadEnvironment, match="FUTSIM_LIVE_GATEWAY"):
        env.address("FUTSIM_LIVE_GATEWAY")


def test_celery_understands_a_redis_on_a_socket(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("REDIS_URL", "unix:///run/valkey.sock")
    assert read_settings()["CELERY_BROKER_URL"] == "redis+socket:///run/valkey.sock"


@pytest.mark.parametrize("port", ["abc", "99999", "-1"])
def test_a_database_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(BadEnvironment, match="DATABASE_URL"):
        database_from_url(f"postgresql://db.example:{port}/futsim")


def test_a_public_address_without_a_port_names_no_odd_origin(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FUTSIM_URL", "https://futsim.example")
    assert read_settings()["ALLOWED_ORIGINS"] == ["https://futsim.example"]


def test_a_foreign_origin_is_denied_not_broken(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FUTSIM_URL", "https://futsim.example")
    validator = OriginValidator(None, read_settings()["ALLOWED_ORIGINS"])
    assert validator.valid_origin(urlparse("https://evil.example")) is False


@pytest.mark.parametrize(
    "url", ["futsim.example", "ftp://futsim.example", "http://", "http://h:port", "https://futsim.example/path"]
)
def test_an_odd_public_address_is_refused(clean: pytest.MonkeyPatch, url: str) -> None:
    clean.setenv("FUTSIM_URL", url)
    with pytest.raises(BadEnvironment, match="FUTSIM_URL"):
        read_settings()


@pytest.mark.parametrize("name", ["FUTSIM_SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_an_empty_requirement_is_a_missing_one(clean: pytest.MonkeyPatch, name: str) -> None:
    clean.setenv(name, "")
    with pytest.raises(BadEnvironment, match=f"{name} is not set"):
        read_settings()


def test_another_broker_is_refused(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("REDIS_URL", "http://cache.example")
    with pytest.raises(BadEnvironment, match="REDIS_URL"):
        read_settings()
