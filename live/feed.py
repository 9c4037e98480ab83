"""A session with Databento's live gateway: the vendor's door of the live half.

The client is built and driven by the thread that opens the session. Its callbacks run in a thread of its own and only
push into an inbox; whoever empties the inbox translates what is in it into the shapes below. A session is used once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import databento
import numpy as np
import numpy.typing as npt
from databento_dbn import ErrorMsg, SymbolMappingMsg, SystemCode, SystemMsg, TradeMsg

HEARTBEAT_SECONDS = 5
"""The least that the gateway accepts: silence is noticed the sooner."""
INBOX_RECORDS = 1_000_000
"""Several seconds of what the client was measured to deliver: a replay comes faster than it is worked off."""
SCHEMA = "trades"
NO_SIDE = ord("N")
PRINT = np.dtype(TradeMsg._dtypes)
"""A print as DBN has it."""

UNRESOLVED = "Failed to resolve symbol"
UNRESOLVED_CODE = 4
CLEAN_END = "the gateway closed the connection"
CLOSE_SECONDS, LOOK_SECONDS = 2.0, 0.1


class Refused(Exception):
    """The gateway does not open a session; the message is its own. kind: auth, limit, or other."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.kind = _kind(message)


@dataclass(frozen=True, slots=True)
class Prints:
    """rows: trades in order of arrival, dtype PRINT."""

    rows: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Mapping:
    """From now on an instrument id means what was subscribed to as `symbol`; raw: the gateway's own name of it."""

    instrument_id: int
    symbol: str
    raw: str


@dataclass(frozen=True, slots=True)
class Said:
    """The gateway's words. kind: heartbeat, replayed, warning, unresolved, error, note. ts_ns: its time, UTC ns."""

    kind: str
    text: str
    ts_ns: int


Event = Prints | Mapping | Said


class Inbox:
    """Records on their way from the client's thread to the worker's. A full one takes no more and says so."""

    def __init__(self, wake: Callable[[], None], limit: int = INBOX_RECORDS) -> None:
        self._records: deque[Any] = deque()
        self._wake = wake
        self._limit = limit
        self.lost = 0

    def push(self, record: Any) -> None:
        """Called in the client's thread, once for each record: does next to nothing."""
        records = self._records
        if len(records) >= self._limit:
            self.lost += 1
            return
        records.append(record)
        if len(records) == 1:
            self._wake()

    def take(self, most: int) -> list[Any]:
        """The oldest records, at most so many."""
        records = self._records
        return [records.popleft() for _ in range(min(most, len(records)))]

    def __len__(self) -> int:
        return len(self._records)


class Session:
    """One session for all symbols. address: (host, port) of another gateway, None for Databento's own."""

    def __init__(self, key: str, address: tuple[str, int] | None, dataset: str, inbox: Inbox) -> None:
        where: dict[str, Any] = {} if address is None else {"gateway": address[0], "port": address[1]}
        self._client = databento.Live(key=key, heartbeat_interval_s=HEARTBEAT_SECONDS, reconnect_policy="none", **where)
        self._client.add_callback(inbox.push)
        self._dataset = dataset

    def open(self, symbols: Sequence[str], start_ns: int | None) -> None:
        """Subscribe to everything at once, and start. start_ns: UTC ns to replay from. Raises Refused."""
        try:
            self._client.subscribe(self._dataset, SCHEMA, list(symbols), "raw_symbol", start_ns)
            self._client.start()
        except (databento.BentoError, ValueError, OSError) as problem:
            raise Refused(str(problem)) from None

    def wait(self, stopping: Callable[[], bool]) -> str:
        """Until either side ends the session: how the gateway ended it, empty where we did."""
        while self._client.is_connected():
            if stopping():
                self.close()
                return ""
            time.sleep(LOOK_SECONDS)
        return self._end() or CLEAN_END

    def close(self) -> None:
        """End the session, so that the gateway counts it no more."""
        if self._client.is_connected():
            self._client.stop()
            self._end()

    def _end(self) -> str:
        """What the client says of the end; nothing of a clean one."""
        try:
            self._client.block_for_close(CLOSE_SECONDS)
        except databento.BentoError as problem:
            # any error record turns a later clean end into its text, and one symbol of each pair never resolves
            return "" if UNRESOLVED in str(problem) else str(problem)
        return ""


def translate(records: Sequence[Any]) -> Iterator[Event]:
    """Records of the client as our own shapes, in order; neighbouring prints come together."""
    for kind, group in groupby(records, key=type):
        if kind is TradeMsg:
            yield Prints(np.frombuffer(b"".join(map(bytes, group)), PRINT))
        elif kind is SymbolMappingMsg:
            yield from (Mapping(each.instrument_id, each.stype_in_symbol, each.stype_out_symbol) for each in group)
        elif kind is SystemMsg:
            yield from map(_system, group)
        elif kind is ErrorMsg:
            yield from map(_error, group)


def _system(record: Any) -> Said:
    kinds = {
        SystemCode.HEARTBEAT: "heartbeat",
        SystemCode.REPLAY_COMPLETED: "replayed",
        SystemCode.SLOW_READER_WARNING: "warning",
    }
    return Said(kinds.get(record.code, "note"), record.msg, int(record.ts_event))


def _error(record: Any) -> Said:
    unresolved = (record.code is not None and int(record.code) == UNRESOLVED_CODE) or UNRESOLVED in record.err
    return Said("unresolved" if unresolved else "error", record.err, int(record.ts_event))


def _kind(message: str) -> str:
    text = message.lower()
    if "connection limit" in text or "too many" in text:
        return "limit"
    if "authentication" in text or "deactivated" in text or "api key" in text:
        return "auth"
    return "other"
