"""Talking to the stand-in's live half: a clock that runs as fast as a test likes, and the real client."""

import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import databento
import databento_dbn
import requests

from standin.live.control import digest
from standin.server import Server

KEY = "db-standin-live-tests-key-000001"
DATASET = "GLBX.MDP3"
SECOND = 1_000_000_000
PATIENCE = 20.0
MARKET_RECORDS = (databento_dbn.OHLCVMsg, databento_dbn.InstrumentDefMsg, databento_dbn.MBP1Msg)


def utc(text: str) -> int:
    """UTC ns of "2026-03-10T14:00"."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


class FastClock:
    """UTC ns from an instant on, at so many times the speed of a real clock."""

    def __init__(self, text: str, speed: float) -> None:
        self.speed = speed
        self.set(text)

    def set(self, text: str) -> None:
        self.start_ns, self.begun_ns = utc(text), time.monotonic_ns()

    def skip(self, ns: int) -> None:
        """Go forward at once."""
        self.start_ns += ns

    def __call__(self) -> int:
        return self.start_ns + int((time.monotonic_ns() - self.begun_ns) * self.speed)


class Listener:
    """The real client with all that it received, in order."""

    def __init__(self, server: Server, key: str = KEY, **options: Any) -> None:
        self.records: list[Any] = []
        self.client = databento.Live(key=key, gateway="127.0.0.1", port=server.live_port, **options)
        self.client.add_callback(self.records.append)

    def subscribe(self, schema: str, symbols: Any, stype_in: str = "raw_symbol", start: int | None = None) -> int:
        return self.client.subscribe(DATASET, schema, symbols, stype_in, start)

    def start(self) -> "Listener":
        self.client.start()
        return self

    def of(self, kind: Any) -> list[Any]:
        return [each for each in list(self.records) if isinstance(each, kind)]

    @property
    def market(self) -> list[Any]:
        return self.of(MARKET_RECORDS)

    def said(self, code: databento_dbn.SystemCode) -> list[Any]:
        return [each for each in self.of(databento_dbn.SystemMsg) if each.code == code]

    def errors(self) -> list[str]:
        return [each.err for each in self.of(databento_dbn.ErrorMsg)]

    def wait_for(self, condition: Callable[[], object]) -> None:
        wait_for(condition, lambda: f"records so far: {self.records[-5:]}")

    def wait_for_records(self, count: int) -> list[Any]:
        self.wait_for(lambda: len(self.market) >= count)
        return self.market

    def end(self) -> str:
        """How the gateway ended the session: the client's words, or "cleanly"."""
        try:
            self.client.block_for_close(PATIENCE)
        except databento.BentoError as error:
            return str(error)
        return "cleanly"

    def stop(self) -> None:
        """End the session from this side."""
        if self.client.is_connected():
            self.client.stop()
            self.end()


def wait_for(condition: Callable[[], object], what: Callable[[], str] = lambda: "", seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what()
        time.sleep(0.01)


def historical(server: Server) -> databento.Historical:
    client = databento.Historical(key=KEY, gateway=server.url)
    for api in (client.timeseries, client.symbology, client.metadata, client.batch):
        api._base_url = api._base_url.replace("https://", "http://", 1)
    return client


def switch(server: Server, faults: object) -> requests.Response:
    return requests.post(f"{server.url}/_standin/faults", json=faults, auth=(KEY, ""), timeout=5)


def clear(server: Server) -> None:
    assert requests.delete(f"{server.url}/_standin/faults", auth=(KEY, ""), timeout=5).status_code == 200


class Plain:
    """The protocol by hand, for lines that the real client does not send."""

    def __init__(self, server: Server, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", server.live_port))
        self._file = self._socket.makefile("rb")

    def line(self) -> str:
        return self._file.readline().decode()

    def say(self, line: str) -> None:
        self._socket.sendall(f"{line}\n".encode())

    def log_in(self, *more: str, key: str = KEY) -> str:
        """The answer to an authentication whose fields come in an order of their own."""
        greeting, challenge = self.line(), self.line()
        assert greeting == "lsg_version=0.8.0\n"
        challenge = challenge.removeprefix("cram=").strip()
        self.say("|".join([*more, f"dataset={DATASET}", "encoding=dbn", f"auth={digest(challenge, key)}"]))
        return self.line()

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def rest(self) -> bytes:
        """Everything until the gateway ends the connection."""
        return self._file.read()

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def decoded(data: bytes) -> Sequence[Any]:
    decoder = databento_dbn.DBNDecoder()
    decoder.write(data)
    return list(decoder.decode())
