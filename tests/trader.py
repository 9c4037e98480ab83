"""A trader without a browser: logs in to a running product and trades over its WebSocket."""

import asyncio
import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

Message = dict[str, Any]
PATIENCE = 60.0
ACK_SECONDS = 1.0
"""As static/js/net/socket.js."""


class Trader:
    """One login and one replay; reconnects whenever the line breaks, and keeps what it was told."""

    def __init__(self, url: str, password: str, name: str = "demo") -> None:
        self.url, self.name, self.password = url, name, password
        self.acknowledged: set[str] = set()
        self.orders: dict[str, Message] = {}
        self.fills: dict[int, Message] = {}
        self.clock: Message = {}
        self.state = ""
        self.waits: dict[str, float] = {}
        """Seconds from sending to acknowledgement, by id."""
        self.frames_at: list[float] = []
        """The monotonic clock at each frame."""
        self.last = 0
        """The last close of the chart, in ticks."""
        self._seq = 0
        self._acked_at = time.monotonic()
        self._sent: dict[str, float] = {}
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> "Trader":
        jar, connector = aiohttp.CookieJar(unsafe=True), aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(cookie_jar=jar, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    def beside(self) -> "Trader":
        """Another page of the same login, which ends with it."""
        page = Trader(self.url, self.password, self.name)
        page._http = self._http
        return page

    @property
    def asked(self) -> set[str]:
        """The ids of all commands that were sent."""
        return set(self._sent)

    async def log_in(self) -> None:
        await self._post("/account/login/", {"username": self.name, "password": self.password}, "/account/login/")

    async def open_replay(self, **fields: Any) -> str:
        """Load a replay; its id."""
        asked = {"root": "NQ", "entry_time": "10:00", "timeframe": "5m", "lookback_days": "30"} | fields
        address = await self._post("/replay/open", asked, "/replay/")
        found = re.search(r"/replay/([0-9a-f-]{36})/", address)
        assert found, address
        self.replay = found[1]
        return self.replay

    async def _post(self, path: str, fields: dict[str, Any], page: str) -> str:
        """The address that the answer leads to."""
        async with self._http.get(self.url + page) as answer:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', await answer.text())
        assert token
        headers = {"Referer": self.url + page, "Origin": self.url}
        async with self._http.post(
            self.url + path, data=fields | {"csrfmiddlewaretoken": token[1]}, headers=headers
        ) as answer:
            assert answer.ok, await answer.text()
            return str(answer.url)

    async def connect(self) -> None:
        """Connect, again and again until the server is there, and say hello."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._socket = await self._http.ws_connect(
                    f"{self.url.replace('http', 'ws')}/ws/replay/{self.replay}/", headers={"Origin": self.url}
                )
                break
            except (aiohttp.ClientError, OSError):
                assert time.monotonic() < deadline, "the server did not come back"
                await asyncio.sleep(0.2)
        self._seq = 0
        charts = [{"chart": "main", "timeframe": "5m"}]
        await self.send(type="hello", charts=charts, playhead=self.clock.get("playhead"))

    async def send(self, **message: Any) -> None:
        assert self._socket is not None
        if "id" in message:
            self._sent[message["id"]] = time.monotonic()
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def listen(self, until: Any, patience: float = PATIENCE) -> None:
        """Read messages until `until()` holds. Raises ConnectionError when the line breaks."""
        deadline = time.monotonic() + patience
        while not until():
            assert time.monotonic() < deadline, (self.state, self.clock, self.orders)
            assert self._socket is not None
            try:
                event = await self._socket.receive(timeout=1.0)
            except TimeoutError:
                continue
            if event.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError("the line broke")
            await self._hear(msgspec.json.decode(event.data))

    async def _hear(self, message: Message) -> None:
        self._seq = message["seq"]
        if self._seq % 10 == 0 or time.monotonic() - self._acked_at > ACK_SECONDS:
            self._acked_at = time.monotonic()
            await self.send(type="ack", seq=self._seq)
        self.clock = message.get("clock") or self.clock
        if message["type"] == "snapshot":
            self.state = message["session"]["state"]
        if message["type"] == "frame":
            self.frames_at.append(time.monotonic())
        for chart in message.get("charts", ()):
            self.last = chart["bars"]["c"][-1] if chart["bars"]["c"] else self.last
        if message["type"] == "done":
            self.acknowledged.add(message["id"])
            self.waits[message["id"]] = time.monotonic() - self._sent[message["id"]]
        if trading := message.get("trading"):
            if trading["reset"]:
                self.orders, self.fills = {}, {}
            self.orders |= {order["id"]: order for order in trading["orders"]}
            self.fills |= {fill["number"]: fill for fill in trading["fills"]}


def a_weekday_ago() -> date:
    """A Wednesday of the week before last, which is no holiday of the synthetic market."""
    day = datetime.now(UTC).date() - timedelta(days=10)
    while day.weekday() != 2:
        day -= timedelta(days=1)
    return day
