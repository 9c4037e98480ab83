"""One client's session: greeting, authentication, subscriptions, then records until either side ends it."""

import asyncio
import contextlib
import logging
import secrets
import string
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from market.sessions import SECOND_NS
from standin.gateway import Gateway
from standin.live import control, messages
from standin.live.control import Login, LoginRefused, SubscriptionRefused
from standin.live.faults import LiveFault
from standin.live.outlet import SKIPPED_WHEN_SLOW, Outlet, SessionEnded
from standin.live.parcel import own
from standin.live.subscriptions import Subscriptions, feed
from standin.live.timeline import Timeline
from standin.live.wire import Wire
from standin.pace import Pace

GREETING = "lsg_version=0.8.0"
CHALLENGE_LENGTH = 32
LOGIN_SECONDS = 30.0
LIMIT_REACHED = "User has reached their open connection limit"
SUBSCRIPTIONS_PER_SECOND = 10
TICK_NS = SECOND_NS // 50
"""How often the session looks for what is due: at whole multiples, so that the bars of a second wait for nothing."""
CLOSE_SECONDS, HURRIED_CLOSE_SECONDS = 5.0, 0.5
"""How long the end of a session waits for the client to read what was sent; less when the gateway itself stops."""
SLOW_SECONDS = 1.0
"""A client that lets a write wait so long does not keep pace."""

_ALPHANUMERIC = string.ascii_letters + string.digits
_log = logging.getLogger(__name__)


class Session:
    """may_begin: asked once the client has authenticated; False where there are too many sessions already."""

    def __init__(
        self,
        gateway: Gateway,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: LiveFault | None,
        may_begin: Callable[[], bool],
    ) -> None:
        self._gateway = gateway
        self._reader = reader
        self._wire = Wire(writer)
        self._fault = fault or LiveFault("none")
        self._may_begin = may_begin
        self._lines: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        self._pace = Pace(SUBSCRIPTIONS_PER_SECOND)
        self._subscriptions = Subscriptions(gateway.seed, unresolved=self._fault.symbols)
        self._shift_ns = 0
        self.has_begun = False
        """Whether the client has authenticated, so that the session counts."""

    async def run(self) -> None:
        """Serve until either side ends the connection."""
        reading, serving = asyncio.ensure_future(self._read()), asyncio.ensure_future(self._serve())
        patience_s = CLOSE_SECONDS
        try:
            await asyncio.wait({reading, serving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            patience_s = HURRIED_CLOSE_SECONDS
            raise
        finally:
            reading.cancel()
            serving.cancel()
            await asyncio.gather(reading, serving, return_exceptions=True)
            await self._wire.close(patience_s)

    async def _read(self) -> None:
        """Take the client's lines until it goes."""
        with contextlib.suppress(OSError, ValueError):  # gone, or a line without end
            while (line := await self._reader.readline()).endswith(b"\n"):
                await self._lines.put(line.decode(errors="replace"))

    async def _serve(self) -> None:
        try:
            if self._fault.kind == "wedge" and self._fault.after_records is None:
                await asyncio.Event().wait()
            login = await asyncio.wait_for(self._log_in(), LOGIN_SECONDS)
            await self._stream(login)
        except (SessionEnded, OSError, TimeoutError):
            pass
        except Exception:
            _log.exception("a live session failed")

    # --- before the stream ------------------------------------------------------------------------------
    async def _log_in(self) -> Login:
        """Raises SessionEnded after a refusal."""
        challenge = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(CHALLENGE_LENGTH))
        await self._wire.line(GREETING)
        await self._wire.line(f"cram={challenge}")
        given = control.fields(await self._lines.get())
        if self._fault.kind == "slow_auth":
            await asyncio.sleep(self._fault.ms / 1_000)
        try:
            login = control.login(given, challenge, self._gateway.key)
            if self._fault.kind == "reject_key":
                raise LoginRefused(control.AUTHENTICATION_FAILED)
            if self._fault.kind == "session_limit" or not self._may_begin():
                raise LoginRefused(LIMIT_REACHED)
        except LoginRefused as refused:
            await self._wire.line(f"success=0|error={refused}")
            raise SessionEnded from None
        self.has_begun = True
        await self._wire.line(f"success=1|session_id={secrets.randbelow(1 << 31)}")
        return login

    async def _until_started(self) -> list[dict[str, str]]:
        """The subscriptions that come before the start; nothing may be sent until then."""
        waiting: list[dict[str, str]] = []
        while control.START_SESSION not in (given := control.fields(await self._lines.get())):
            waiting.append(given)
            await self._pace.turn()
        return waiting

    # --- the stream -------------------------------------------------------------------------------------
    async def _stream(self, login: Login) -> None:
        waiting = await self._until_started()
        # the session calendar takes a while the first time
        now, self._shift_ns = await asyncio.to_thread(self._gateway.live_time)
        answers: list[NDArray[Any]] = []
        refused: SubscriptionRefused | None = None
        try:
            for given in waiting:
                answers += (await self._subscriptions.add(given, now, has_started=False)).answers
        except SubscriptionRefused as error:
            refused = error
        header = messages.header(self._subscriptions.start_ns(now), ts_out=login.ts_out)
        if self._fault.kind != "mute" or self._fault.header:
            await self._wire.begin(header, now, compressed=login.compressed, ts_out=login.ts_out)
        if self._fault.kind == "mute":
            await asyncio.Event().wait()
        await self._say(answers, now)
        if refused is not None:
            await self._refuse(refused, now)
        await self._run(login, now)

    async def _run(self, login: Login, start_ns: int) -> None:
        """Send what becomes due. Raises SessionEnded when the gateway ends the session."""
        outlet = Outlet(self._wire, self._fault, skips=login.skips)
        timeline = Timeline(self._gateway.seed, self._subscriptions.start_ns(start_ns))
        for each in self._subscriptions.feeds(start_ns):
            timeline.add(each)
        await outlet.before_records()
        replayed = self._subscriptions.replayed()
        while True:
            looked = self._now()
            await self._send_due(timeline, outlet, login, is_replay=bool(replayed))
            now = self._now()
            if replayed:
                for schema in replayed:
                    await outlet.send(own(messages.replay_completed(schema, now), now), now)
                await outlet.replay_completed(now)
                replayed = []
            # not of now: a test's clock may have gone far since, over records that are still to come
            if looked - self._wire.last_sent_ns >= login.heartbeat_ns:
                await outlet.heartbeat(looked)
            timeline.make_ahead(now)
            await self._more_subscriptions(timeline)
            await asyncio.sleep((TICK_NS - self._now() % TICK_NS) / SECOND_NS)

    async def _send_due(self, timeline: Timeline, outlet: Outlet, login: Login, *, is_replay: bool) -> None:
        """Send until nothing is due."""
        while (parcel := await timeline.take(self._now())) is not None:
            await outlet.send(parcel, self._now())
            if not is_replay and self._wire.waited_s > SLOW_SECONDS:
                await self._fall_behind(timeline, login)

    async def _fall_behind(self, timeline: Timeline, login: Login) -> None:
        """A client that is too slow misses the book records that it has not got, or is warned."""
        for schema in sorted(timeline.schemas):
            now = self._now()
            if login.skips and schema in SKIPPED_WHEN_SLOW:
                timeline.skip(schema, now)
                await self._say([messages.skipped(schema, now)], now)
            else:
                await self._say([messages.slow_reader(schema, now)], now)

    async def _more_subscriptions(self, timeline: Timeline) -> None:
        """Include what the client has subscribed to since the start."""
        while not self._lines.empty() and self._pace.allows():
            given, now = control.fields(self._lines.get_nowait()), self._now()
            try:
                subscribed = await self._subscriptions.add(given, now, has_started=True)
            except SubscriptionRefused as refused:
                await self._refuse(refused, now)
            else:
                await self._say(subscribed.answers, now)
                if subscribed.instruments:
                    timeline.add(feed(subscribed.schema, subscribed.instruments, None, now))

    def _now(self) -> int:
        """UTC ns on the live clock. Raises SessionEnded when that clock jumps, at the end of a closed day."""
        now, shift_ns = self._gateway.live_time()
        if shift_ns != self._shift_ns:
            raise SessionEnded
        return now

    async def _say(self, answers: Sequence[NDArray[Any]], now_ns: int) -> None:
        for records in answers:
            await self._wire.send(own(records, now_ns), now_ns)

    async def _refuse(self, refused: SubscriptionRefused, now_ns: int) -> None:
        """Send the error that ends the session. Raises SessionEnded."""
        await self._say([messages.error(refused.code, str(refused), now_ns)], now_ns)
        raise SessionEnded
