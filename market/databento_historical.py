"""The vendor door to Databento's historical data: the only module that imports its HTTP client.

Everything past it sees futsim's own types. The same real client talks to Databento and to the stand-in gateway.
"""

import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

import databento
import databento_dbn
import numpy as np
import numpy.typing as npt
import requests
from databento.common.error import BentoError, BentoHttpError, BentoWarning
from databento.common.publishers import Publisher

from market import symbols
from market.engine.bars import Bars
from market.gateway_errors import DamagedDownload, GatewayError, NotYetAvailable
from market.sessions import to_ns, utc_date

log = logging.getLogger(__name__)

TRIES = 4
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""A gateway that asks for a longer pause is reported instead: a worker has other jobs."""
PAGE_TIMEOUT_SECONDS = 10
"""A page waits this long; the client's own 100 s are for a worker."""
CHUNK = 100_000
"""Records decoded at a time: 37 MB of the widest."""
SCHEMAS = tuple(str(schema) for schema in databento.Schema.variants())
"""Every schema that the client knows by name."""
PLACEHOLDER_KEY = "YOUR_API_KEY"
UNDEFINED_TIME = 2**64 - 1
OUTRIGHT_FUTURE, DELETED = b"F", b"D"
POSSIBLE_YEARS = range(2000, 2100)
"""DBN writes another number where a definition leaves the year open."""

BEYOND_THE_END = ("data_end_after_available_end", "data_start_after_available_end", "dataset_unavailable_range")
"""What Databento calls a request that reaches beyond the data, or beyond the licence."""
END_IN_WORDS = re.compile(r"end time before (\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?)")
LONGEST_WORDS = 200
# The client itself trips over JSON of another shape than it expects (AttributeError, TypeError, KeyError).
BROKEN = (
    BentoError,
    databento_dbn.DBNError,
    requests.RequestException,
    ValueError,
    AttributeError,
    TypeError,
    KeyError,
)
"""What an answer that cannot be read raises."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DatasetRange:
    """What the gateway has: UTC ns [start, end)."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Definition:
    """An outright future as its exchange defined it at defined_ns.

    Times are UTC ns; activation and expiration (of trading) are None where the exchange leaves them open.
    """

    raw_symbol: str
    root: str
    year: int
    month: int
    instrument_id: int
    defined_ns: int
    activation_ns: int | None
    expiration_ns: int | None
    match_algorithm: str

    @property
    def delivery(self) -> date:
        """The first day of the delivery month."""
        return date(self.year, self.month, 1)


@dataclass(frozen=True, slots=True)
class IdInterval:
    """A symbol's instrument id on the UTC dates [first, end)."""

    symbol: str
    instrument_id: int
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class SymbolBars:
    """Bars of one symbol."""

    symbol: str
    bars: Bars


@dataclass(frozen=True, slots=True)
class Request:
    """Records of some symbols in [start_ns, end_ns), UTC."""

    dataset: str
    schema: str
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    stype_in: str = "raw_symbol"

    def arguments(self) -> dict[str, Any]:
        """As the client takes them."""
        return {
            "dataset": self.dataset,
            "schema": self.schema,
            "symbols": list(self.symbols),
            "start": self.start_ns,
            "end": self.end_ns,
            "stype_in": self.stype_in,
        }


@dataclass(frozen=True, slots=True)
class Download:
    """The records of an answer, on disk.

    request: what was answered; its end is earlier than asked where the data end before. warnings: what the gateway
    said beside the data. mappings: which instrument ids the symbols had when, as in the DBN metadata.
    """

    request: Request
    expected: int
    warnings: tuple[str, ...]
    mappings: Mapping[str, list[Any]]
    _read: Callable[[], Iterator[npt.NDArray[Any]]]

    def chunks(self) -> Iterator[npt.NDArray[Any]]:
        """The records in order, some 100,000 at a time.

        Raises DamagedDownload after the last where their number is not what the gateway said it would be: a body that
        was cut short decodes without an error.
        """
        got = 0
        for rows in self._read():
            got += len(rows)
            yield rows
        if got != self.expected:
            raise DamagedDownload(self.expected, got)

    def rows(self) -> npt.NDArray[Any]:
        """All records at once. Raises DamagedDownload."""
        parts = list(self.chunks())
        return np.concatenate(parts) if parts else np.empty(0)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What `HistoricalGateway.save` wrote. warnings: what the gateway said beside the data."""

    records: int
    bytes: int
    warnings: tuple[str, ...]


def partial_file(target: Path) -> Path:
    """Where an answer is written until it is whole."""
    return target.with_name(f".{target.name}.part")


Wait = Callable[[float, str], None]
"""Spends so many seconds, and may tell why: the gateway's words."""


def pause(seconds: float, why: str) -> None:
    """Wait without telling anybody."""
    time.sleep(seconds)


class Purse(Protocol):
    """Who pays for downloads (`market.spending.Purse`); its refusals pass through the gateway's methods."""

    def afford(self, requests: Sequence[Request], price: Callable[[Request], Decimal]) -> None: ...
    def begin(self, request: Request, price: Callable[[Request], Decimal]) -> None: ...
    def pay(self, request: Request, records: int, source: str) -> None: ...


class HistoricalGateway:
    """Databento's historical API, or another gateway that speaks it."""

    def __init__(
        self,
        key: str,
        base_url: str = "",
        *,
        name: str = "Databento",
        patient: bool = True,
        purse: Purse | None = None,
        wait: Wait = pause,
    ) -> None:
        """base_url: another gateway than Databento's own, e.g. http://127.0.0.1:8100. name: for messages and records.

        patient: repeat a failed request after a pause, where that can help. purse: asked before each download; None
        where nothing is paid. wait: spends that pause; it may raise to give up. Raises GatewayError without a key.
        """
        if key.strip() in ("", PLACEHOLDER_KEY):
            raise GatewayError(401, "no_key", "There is no API key.", {})
        self._client = databento.Historical(key=key)
        self._tries = TRIES if patient else 1
        self._purse = purse
        self._wait = wait
        self.name = name
        for family in ("metadata", "batch", "symbology", "timeseries"):
            api = getattr(self._client, family)
            if base_url:
                # The client rewrites any gateway to https; a gateway on loopback speaks plain http.
                api._base_url = f"{base_url.rstrip('/')}/v0/{family}"
            if not patient:
                api.TIMEOUT = PAGE_TIMEOUT_SECONDS

    def dataset_range(self, dataset: str) -> DatasetRange:
        """From when to when the dataset has data. Raises GatewayError."""
        return self._ask(lambda: _dataset_range(self._client.metadata.get_dataset_range(dataset)))

    def schemas(self, dataset: str) -> set[str]:
        """The names of the schemas that the dataset has. Raises GatewayError."""
        return self._ask(lambda: set(map(str, self._client.metadata.list_schemas(dataset))))

    def definitions(self, dataset: str, root: str, day: date) -> list[Definition]:
        """What is said on a UTC date of the outright futures of a root, in order of time.

        Spreads are left out, and so is what is taken off the list. Raises GatewayError.
        """
        rows = self.fetch(definitions_request(dataset, root, day), Download.rows)
        if not len(rows):
            return []
        outrights = rows[
            (rows["instrument_class"] == OUTRIGHT_FUTURE)
            & (rows["asset"] == root.encode())
            & (rows["security_update_action"] != DELETED)
        ]
        return [definition for row in outrights if (definition := _definition(row)) is not None]

    def bars(self, dataset: str, symbols: list[str], schema: str, start_ns: int, end_ns: int) -> list[SymbolBars]:
        """Bars of [start_ns, end_ns) for each symbol that has any, mapped by (instrument id, date).

        Raises GatewayError.
        """

        def read(download: Download) -> list[SymbolBars]:
            return bars_by_symbol(download.rows(), download.mappings)

        return self.fetch(Request(dataset, schema, tuple(symbols), start_ns, end_ns), read)

    def instrument_ids(self, dataset: str, symbols: list[str], first: date, end: date) -> list[IdInterval]:
        """The instrument ids of raw symbols on [first, end); unknown symbols are absent. Raises GatewayError."""
        return self._ask(
            lambda: _id_intervals(
                self._client.symbology.resolve(dataset, symbols, "raw_symbol", "instrument_id", first, end)
            )
        )

    def cost(self, request: Request) -> Decimal:
        """What the gateway would charge for a request, US dollars. Raises GatewayError."""
        return self._as_far_as_there_is(request, self._price)

    def afford(self, requests: Sequence[Request]) -> None:
        """Have the money for these requests set aside before the first is fetched.

        Raises GatewayError, and what the purse raises.
        """
        if self._purse is not None:
            self._purse.afford(requests, self.cost)

    def conditions(self, dataset: str, first: date, last: date) -> dict[date, str]:
        """The UTC dates from first to last that are not simply available, and what is said of them.

        Raises GatewayError.
        """
        answer = self._ask(lambda: self._client.metadata.get_dataset_condition(dataset, first, last))
        return {
            date.fromisoformat(str(day["date"])): str(day["condition"])
            for day in answer
            if day["condition"] != "available"
        }

    def fetch(self, request: Request, read: Callable[[Download], T]) -> T:
        """Download the records of a request and hand them to `read`; its result. Raises GatewayError.

        `read` is called again with a fresh download after a fault that may pass, so it must be able to begin anew.
        """
        return self._as_far_as_there_is(request, lambda request: self._fetch(request, read))

    def _as_far_as_there_is(self, request: Request, call: Callable[[Request], T]) -> T:
        """Run a request, again with an earlier end where the data end before its own; the licence may end earlier yet.

        Raises GatewayError; NotYetAvailable where nothing is left of the request.
        """
        try:
            return self._ask(lambda: call(request))
        except GatewayError as error:
            end_ns = _available_end(error)
            if end_ns is None or end_ns >= request.end_ns:
                raise
            if end_ns <= request.start_ns:
                raise NotYetAvailable(error, request.dataset, end_ns) from None
        return self._as_far_as_there_is(replace(request, end_ns=end_ns), call)

    def _price(self, request: Request) -> Decimal:
        return _dollars(self._client.metadata.get_cost(**request.arguments()))

    def save(self, request: Request, target: Path) -> SavedFile:
        """Download the answer to a request as a file in Databento's own format.

        The file appears whole or not at all, in place of one that was there; an answer without records is no file.
        Raises GatewayError, OSError.
        """
        return self._ask(lambda: self._save(request, target))

    def _save(self, request: Request, target: Path) -> SavedFile:
        temporary = partial_file(target)

        def read(download: Download) -> SavedFile:
            records = sum(len(rows) for rows in download.chunks())
            if not records:
                return SavedFile(0, 0, download.warnings)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
            return SavedFile(records, target.stat().st_size, download.warnings)

        temporary.unlink(missing_ok=True)
        try:
            return self._receive(request, temporary, read)
        finally:
            temporary.unlink(missing_ok=True)

    def _fetch(self, request: Request, read: Callable[[Download], T]) -> T:
        with tempfile.TemporaryDirectory(prefix="futsim-") as folder:
            return self._receive(request, Path(folder) / "answer.dbn.zst", read)

    def _receive(self, request: Request, path: Path, read: Callable[[Download], T]) -> T:
        """Stream an answer into a file that is not there yet, and hand it to `read`."""
        arguments = request.arguments()
        expected = _count(self._client.metadata.get_record_count(**arguments))
        if expected == 0:
            return read(Download(request, 0, (), {}, lambda: iter(())))
        if self._purse is not None:
            self._purse.begin(request, self._price)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", BentoWarning)
            store = self._client.timeseries.get_range(**arguments, path=path)
        said = tuple(str(each.message) for each in heard if issubclass(each.category, BentoWarning))
        if self._purse is not None:
            self._purse.pay(request, expected, self.name)
        try:
            return read(Download(request, expected, said, store.mappings, lambda: store.to_ndarray(count=CHUNK)))
        finally:
            store.reader.close()

    def _ask(self, call: Callable[[], T]) -> T:
        """Run a request, again after a pause where that can help. Raises GatewayError."""
        for attempt in range(self._tries):
            try:
                return self._ask_once(call)
            except GatewayError as error:
                seconds = error.retry_after or FIRST_PAUSE_SECONDS * 2**attempt
                if not error.retryable or attempt == self._tries - 1 or seconds > LONGEST_PAUSE_SECONDS:
                    raise
                log.warning("%s; trying again in %.0f s", error.message, seconds)
                self._wait(seconds, error.words)
        raise AssertionError("unreachable")

    def _ask_once(self, call: Callable[[], T]) -> T:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BentoWarning)
                return call()
        except BentoHttpError as error:
            raise _translate(error) from None
        except requests.Timeout:
            raise GatewayError(None, "timeout", f"{self.name} did not answer in time.", {}) from None
        except requests.ConnectionError:
            raise GatewayError(None, "no_answer", f"{self.name} does not answer.", {}) from None
        except BROKEN as error:
            log.warning("%s broke off its answer: %s", self.name, repr(error))
            raise GatewayError(None, "broken_answer", f"{self.name} broke off its answer.", {}) from None


def definitions_request(dataset: str, root: str, day: date) -> Request:
    """All definitions of a root's futures and spreads on a UTC day."""
    start, end = _utc_midnight(day), _utc_midnight(day + timedelta(days=1))
    return Request(dataset, "definition", (f"{root}.FUT",), start, end, "parent")


def dataset_of_publisher(publisher_id: int) -> str:
    """The dataset of the publisher that each record names; empty for an unknown one."""
    try:
        return str(Publisher.from_int(publisher_id).dataset)
    except ValueError:
        return ""


def _translate(error: BentoHttpError) -> GatewayError:
    detail = error.json_body.get("detail") if isinstance(error.json_body, dict) else None
    if not isinstance(detail, dict):
        detail = {"message": _plain(detail) or _text(error.http_body)}
    message = detail.get("message") or "It gave no reason."
    payload = detail.get("payload")
    retry_after = error.headers.get("Retry-After")
    return GatewayError(
        error.http_status,
        str(detail.get("case", "")),
        str(message),
        payload if isinstance(payload, dict) else {},
        float(retry_after) if retry_after and str(retry_after).isdigit() else None,
    )


def _plain(detail: object) -> str:
    """A detail that is not an object: text, or request validation's list of {loc, msg}."""
    if not isinstance(detail, list):
        return str(detail or "")
    return "; ".join(
        f"{part['loc'][-1]}: {part['msg']}"
        if isinstance(part, dict) and part.get("loc") and "msg" in part
        else str(part)
        for part in detail
    )


def _text(body: object) -> str:
    """The first line of an answer that is no JSON, as proxies write them; nothing of a web page."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    line = next(iter(text.strip().splitlines()), "")
    return "" if line.startswith(("<", "{")) else line[:LONGEST_WORDS]


def _dataset_range(answer: dict[str, str]) -> DatasetRange:
    return DatasetRange(_parse_time(answer["start"]), _parse_time(answer["end"]))


def _count(answer: object) -> int:
    if not isinstance(answer, int) or isinstance(answer, bool) or answer < 0:
        raise ValueError(f"{answer!r} is no count")
    return answer


def _dollars(answer: object) -> Decimal:
    if not isinstance(answer, int | float) or isinstance(answer, bool) or not 0 <= answer < 1e9:
        raise ValueError(f"{answer!r} is no cost")
    return Decimal(str(answer))


def _available_end(error: GatewayError) -> int | None:
    """Where the data end, if the gateway refused because the range reaches beyond; a licence's end stands in words."""
    if error.case not in BEYOND_THE_END:
        return None
    told = str(error.payload.get("available_end") or "")
    if not told and (words := END_IN_WORDS.search(error.message)):
        told = words[1]
    try:
        return _parse_time(told.replace(" ", "T"))
    except ValueError:
        return None


def _id_intervals(answer: dict[str, Any]) -> list[IdInterval]:
    return [
        IdInterval(symbol, int(part["s"]), date.fromisoformat(part["d0"]), date.fromisoformat(part["d1"]))
        for symbol, parts in answer["result"].items()
        for part in parts
    ]


def bars_by_symbol(rows: npt.NDArray[Any], mappings: Mapping[str, list[Any]]) -> list[SymbolBars]:
    """OHLCV records as bars of each symbol that has any; mappings as in the DBN metadata."""
    return [
        SymbolBars(symbol, _bars(rows if mask.all() else rows[mask])) for symbol, mask in _by_symbol(rows, mappings)
    ]


def _by_symbol(
    rows: npt.NDArray[Any], mappings: Mapping[str, list[Any]]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Rows of each symbol. An id alone is ambiguous: it counts only within its interval of dates."""
    for symbol, intervals in mappings.items():
        mask = np.zeros(len(rows), bool)
        for part in intervals:
            inside = (rows["ts_event"] >= _utc_midnight(part["start_date"])) & (
                rows["ts_event"] < _utc_midnight(part["end_date"])
            )
            mask |= inside & (rows["instrument_id"] == int(part["symbol"]))
        if mask.any():
            yield symbol, mask


def _bars(rows: npt.NDArray[Any]) -> Bars:
    columns = (rows[name].astype(np.int64) for name in ("ts_event", "open", "high", "low", "close", "volume"))
    return Bars(*columns)


def _definition(row: Any) -> Definition | None:
    """None where it cannot be told which month is delivered."""

    def instant(name: str) -> int | None:
        return None if row[name] in (UNDEFINED_TIME, 0) else int(row[name])

    defined_ns, expiration_ns = int(row["ts_recv"]), instant("expiration")
    symbol = row["raw_symbol"].decode()
    year, month = int(row["maturity_year"]), int(row["maturity_month"])
    if not (year in POSSIBLE_YEARS and 1 <= month <= 12):
        parts = symbols.parse(symbol)
        if parts is None:
            log.warning("%s: the definition does not say which month is delivered; left out", symbol)
            return None
        year, month = parts.year_after(utc_date(expiration_ns or defined_ns)), parts.month
    return Definition(
        raw_symbol=symbol,
        root=row["asset"].decode(),
        year=year,
        month=month,
        instrument_id=int(row["instrument_id"]),
        defined_ns=defined_ns,
        activation_ns=instant("activation"),
        expiration_ns=expiration_ns,
        match_algorithm=row["match_algorithm"].decode(),
    )


def _utc_midnight(day: date) -> int:
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _parse_time(text: str) -> int:
    """Nanoseconds of 2026-11-20T22:00:00.000000000Z (any number of decimals)."""
    whole, _, fraction = text.rstrip("Z").replace("+00:00", "").partition(".")
    return to_ns(datetime.fromisoformat(whole).replace(tzinfo=UTC)) + int(fraction.ljust(9, "0")[:9] or 0)
