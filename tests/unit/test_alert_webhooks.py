"""Webhooks to a real server, and what is refused; e-mails; tries, back-off and what is left in the firing."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from alerts import recording, signing, tasks, webhooks
from alerts.models import Alert, AlertFiring, Outcome
from alerts.recording import Found, Hit
from market.models import Asset
from tests.alerting import make
from tests.conftest import People

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("assets")]


class Receiver:
    """A web server that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook?to=me"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def private(settings: Any) -> None:
    settings.ALERT_PRIVATE_WEBHOOKS = True


def fired(alert: Alert) -> AlertFiring:
    asset = Asset.objects.get(root="NQ")
    hit = Hit(1_000_060_000_000, "NQ", alert.pk, alert.revision, 1_000_000_000_000, 93.4, 250)
    (firing,) = recording.record(Found(hits=[hit]), {"NQ": asset}, 1)
    return firing


def outcome(firing: AlertFiring) -> tuple[str, int, str, bool]:
    firing.refresh_from_db()
    return firing.webhook, firing.webhook_tries, firing.webhook_words, firing.due_at is None


def test_a_webhook_is_signed_and_sent_once(people: People, receiver: Receiver, private: None) -> None:
    firing = fired(make(people.owner, webhook_url=receiver.url, note="look"))
    assert outcome(firing) == (Outcome.WAITING, 0, "", False)
    tasks.deliver(firing.pk)
    tasks.deliver(firing.pk)
    ((path, headers, body),) = receiver.got
    assert path == "/hook?to=me"
    assert headers["Host"] == f"localhost:{receiver.port}"
    assert (headers["Content-Type"], headers["X-Futsim-Firing"]) == ("application/json", str(firing.pk))
    told = json.loads(body)
    assert (told["id"], told["root"], told["value"], told["note"]) == (firing.pk, "NQ", 93.4, "look")
    stamp, _, digest = headers["X-Futsim-Signature"].partition(",v1=")
    secret = signing.secret_of(people.owner.pk).encode()
    assert digest == hmac.new(secret, stamp.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert outcome(firing) == (Outcome.SENT, 1, "Answered 204.", True)


def test_three_tries_each_later_than_the_one_before(people: People, receiver: Receiver, private: None) -> None:
    receiver.status = 500
    firing = fired(make(people.owner, webhook_url=receiver.url))
    for number, wait in enumerate(tasks.BACKOFF[:2], start=1):
        before = timezone.now()
        tasks.deliver(firing.pk)
        assert outcome(firing) == (Outcome.WAITING, number, "Answered 500 Internal Server Error.", False)
        assert firing.due_at is not None
        assert before + wait <= firing.due_at <= timezone.now() + wait
    tasks.deliver(firing.pk)
    assert outcome(firing) == (Outcome.FAILED, 3, "Answered 500 Internal Server Error.", True)
    tasks.deliver(firing.pk)
    assert len(receiver.got) == 3


def test_a_receiver_that_was_away_gets_it_when_it_is_back(people: People, receiver: Receiver, private: None) -> None:
    receiver.status = 503
    firing = fired(make(people.owner, webhook_url=receiver.url))
    tasks.deliver(firing.pk)
    receiver.status = 200
    tasks.deliver(firing.pk)
    assert outcome(firing) == (Outcome.SENT, 2, "Answered 200.", True)


def test_what_is_due_is_taken_up(people: People, receiver: Receiver, private: None, settings: Any, monkeypatch) -> None:
    called: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", called.append)
    late, early = (fired(make(people.owner, webhook_url=receiver.url, lookback_days=days)) for days in (60, 90))
    AlertFiring.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    tasks.deliver_due()
    assert called == [late.pk]
    assert early.due_at is not None


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirects_are_not_followed(people: People, receiver: Receiver, private: None, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    firing = fired(make(people.owner, webhook_url=receiver.url))
    tasks.deliver(firing.pk)
    assert [path for path, _, _ in receiver.got] == ["/hook?to=me"]
    assert outcome(firing)[2].endswith("Redirects are not followed.")


def test_loopback_is_refused_by_name_and_by_number(people: People, receiver: Receiver) -> None:
    for days, host in enumerate(("localhost", "127.0.0.1", "[::1]", "0.0.0.0", "2130706433", "127.1"), start=30):
        firing = fired(make(people.owner, webhook_url=f"http://{host}:{receiver.port}/", lookback_days=days))
        tasks.deliver(firing.pk)
        assert outcome(firing)[0] == Outcome.REFUSED, host
        assert "no public address" in firing.webhook_words
    assert receiver.got == []


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_anybodys(address: str, wanted: bool) -> None:
    assert webhooks.is_public(address) is wanted


def test_it_connects_to_the_address_that_was_looked_at(receiver: Receiver, private: None, monkeypatch) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        """A name that is here the first time and elsewhere afterwards."""
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "192.0.2.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(webhooks.socket, "getaddrinfo", resolve)
    # connecting to a number asks the resolver too, for that number
    connect = socket.create_connection
    reached: list[Any] = []

    def note(address: tuple[str, int], *rest: Any) -> socket.socket:
        reached.append(address)
        monkeypatch.undo()
        return connect(address, *rest)

    monkeypatch.setattr(webhooks.socket, "create_connection", note)
    webhooks.post(f"http://hooks.example:{receiver.port}/", b"{}", {})
    assert asked == ["hooks.example"]
    assert reached == [("127.0.0.1", receiver.port)]
    assert receiver.got[0][1]["Host"] == f"hooks.example:{receiver.port}"


def test_where_one_of_a_names_addresses_is_private_it_is_refused(monkeypatch) -> None:
    both = [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(webhooks.socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(webhooks.Refused, match=r"10\.0\.0\.1"):
        webhooks.post("http://two.example/", b"", {})


@pytest.mark.parametrize("url", ["ftp://example.com/", "http:///x", "http://me:pw@example.com/", "http://[::1", "x"])
def test_what_is_no_address_of_http_is_refused(url: str) -> None:
    with pytest.raises(webhooks.Refused):
        webhooks.post(url, b"", {})


def test_a_side_that_never_answers_is_left(private: None, monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(webhooks.Failed, match="timed out"):
        webhooks.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", {})


def test_a_side_that_sends_a_letter_now_and_then_is_left(private: None, monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "WHOLE_TIMEOUT", 0.5)
    stop = threading.Event()

    def trickle(server: socket.socket) -> None:
        side, _ = server.accept()
        with side:
            while not stop.wait(0.05):
                try:
                    side.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=[server])
        thread.start()
        try:
            with pytest.raises(webhooks.Failed):
                webhooks.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {})
        finally:
            stop.set()
            thread.join()


def test_an_email_goes_to_the_owner(people: People, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example"
    people.owner.email = "owner@example.com"
    people.owner.save()
    firing = fired(make(people.owner, email=True, note="look"))
    tasks.deliver(firing.pk)
    tasks.deliver(firing.pk)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["owner@example.com"], firing.sentence)
    assert message.body == f"{firing.sentence}\n\nlook"
    firing.refresh_from_db()
    assert (firing.mail, firing.mail_words, firing.due_at) == (Outcome.SENT, "Sent to owner@example.com.", None)


def test_an_email_that_cannot_be_written_says_why(people: People, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    people.owner.email = "owner@example.com"
    people.owner.save()
    words = []
    for owner in (None, people.colleague, people.owner):
        firing = fired(make(owner, email=True))
        tasks.deliver(firing.pk)
        firing.refresh_from_db()
        assert firing.mail == Outcome.REFUSED
        words.append(firing.mail_words)
    assert len(set(words)) == 3
    assert mail.outbox == []
