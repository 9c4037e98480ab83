"""Faults on demand: what a test or a demonstration makes the gateway do wrong.

Set with POST /_standin/faults, e.g. {"status": {"code": 503, "times": 2}, "delay_ms": 300}. A fault that is
not named stays as it is, null removes one.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from standin import switches
from standin.errors import ApiError
from standin.live.faults import LiveFault, read_faults
from standin.switches import LONGEST_MS, BadFault, Fields

__all__ = ["BadFault", "BodyFault", "Faults", "LicenceFault", "LiveFault", "StatusFault", "TruncateFault"]

_CASES = {
    401: "auth_authentication_failed",
    402: "account_insufficient_funds",
    403: "license_not_found_unauthorized",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}
DEFAULT_MESSAGE = "A fault switch of the stand-in gateway made this answer."
DEFAULT_ENDPOINT = "timeseries.get_range"
BODY_KINDS = ("empty", "short", "stall")
UNAVAILABLE_RANGE = "dataset_unavailable_range"
END_AFTER_AVAILABLE = "data_end_after_available_end"


@dataclass(frozen=True, slots=True)
class StatusFault:
    """Answer the next `times` requests with an HTTP status and Databento's JSON; retry_after in seconds.

    plain: the message alone, as text, instead of JSON.
    """

    code: int
    times: int = 1
    case: str = ""
    message: str = DEFAULT_MESSAGE
    retry_after: int | None = None
    plain: bool = False

    def error(self) -> ApiError:
        return ApiError(self.code, self.case or _CASES.get(self.code, "internal_error"), self.message)


@dataclass(frozen=True, slots=True)
class TruncateFault:
    """End the next `times` bodies of get_range after so many records, with a valid end of HTTP.

    open_frame: end in the middle of the next record, without the end of the zstd frame.
    """

    records: int
    times: int = 1
    open_frame: bool = False


@dataclass(frozen=True, slots=True)
class BodyFault:
    """Spoil the next `times` bodies.

    kind: "empty" sends none; "short" ends the connection after so many bytes of a longer Content-Length;
    "stall" pauses for `ms` after so many bytes.
    """

    kind: str
    times: int = 1
    bytes: int = 0
    ms: int = 0


@dataclass(frozen=True, slots=True)
class LicenceFault:
    """Refuse data of the last `hours` with Databento's `case`."""

    hours: int
    case: str = UNAVAILABLE_RANGE


CountedFault = TypeVar("CountedFault", StatusFault, TruncateFault, BodyFault, LiveFault)


class Faults:
    """The switches of one gateway. Used from its event loop only.

    endpoint: the HTTP endpoints that status, delay and body faults apply to, e.g. "metadata.*". live: for the
    sessions to come, one after the other. live_refuse: the live port does not listen.
    """

    status: StatusFault | None
    truncate: TruncateFault | None
    body: BodyFault | None
    delay_ms: int
    endpoint: str
    degraded: tuple[date, ...]
    licence: LicenceFault | None
    live: tuple[LiveFault, ...]
    live_refuse: bool

    def __init__(self) -> None:
        self.clear()

    def set(self, values: object) -> None:
        """Apply a JSON object of switches, all or none. Raises BadFault."""
        if not isinstance(values, dict):
            raise BadFault("expected a JSON object of fault names")
        unknown = sorted(set(values) - set(_READERS))
        if unknown:
            raise BadFault(f"unknown faults {', '.join(unknown)}; known are {', '.join(_READERS)}")
        for name, value in {name: _READERS[name](value) for name, value in values.items()}.items():
            setattr(self, name, value)

    def clear(self) -> None:
        self.set(dict.fromkeys(_READERS))

    def concerns(self, endpoint: str) -> bool:
        """Whether status, delay and body faults apply to an endpoint, e.g. "metadata.get_cost"."""
        return fnmatchcase(endpoint, self.endpoint)

    def take_status(self) -> StatusFault | None:
        """The status fault of this request, if one is due."""
        due, self.status = _taken(self.status)
        return due

    def take_truncate(self) -> TruncateFault | None:
        """The truncation of this body, if one is due."""
        due, self.truncate = _taken(self.truncate)
        return due

    def take_body(self) -> BodyFault | None:
        """What spoils this body, if anything."""
        due, self.body = _taken(self.body)
        return due

    def take_live(self) -> LiveFault | None:
        """What spoils this live session, if anything."""
        if not self.live:
            return None
        due, left = _taken(self.live[0])
        self.live = ((left,) if left else ()) + self.live[1:]
        return due

    def describe(self) -> dict[str, Any]:
        """What is still to come, as JSON; null for no fault."""
        return {
            "status": self.status and asdict(self.status),
            "truncate": self.truncate and asdict(self.truncate),
            "body": self.body and asdict(self.body),
            "delay_ms": self.delay_ms,
            "endpoint": self.endpoint,
            "degraded": [each.isoformat() for each in self.degraded],
            "licence": self.licence and asdict(self.licence),
            "live": [each.describe() for each in self.live],
            "live_refuse": self.live_refuse,
        }


def _taken(fault: CountedFault | None) -> tuple[CountedFault | None, CountedFault | None]:
    """A counted fault for this time, and what is left of it."""
    if fault is None:
        return None, None
    return fault, replace(fault, times=fault.times - 1) if fault.times > 1 else None


def _read_status(value: object) -> StatusFault | None:
    if value is None:
        return None
    fields = Fields("status", value, {"code", "times", "case", "message", "retry_after", "plain"})
    return StatusFault(
        code=fields.whole("code", 400, 599),
        times=fields.times(),
        case=fields.text("case", ""),
        message=fields.text("message", DEFAULT_MESSAGE),
        retry_after=fields.whole("retry_after", 0, 86_400) if fields.has("retry_after") else None,
        plain=fields.flag("plain"),
    )


def _read_truncate(value: object) -> TruncateFault | None:
    if value is None:
        return None
    fields = Fields("truncate", value, {"records", "times", "open_frame"})
    return TruncateFault(fields.whole("records", 0, 1 << 40), fields.times(), fields.flag("open_frame"))


def _read_body(value: object) -> BodyFault | None:
    if value is None:
        return None
    fields = Fields("body", value, {"kind", "times", "bytes", "ms"})
    kind = fields.choice("kind", BODY_KINDS)
    return BodyFault(kind, fields.times(), fields.whole("bytes", 0, 1 << 40, default=0), fields.milliseconds("ms", 0))


def _read_delay(value: object) -> int:
    return 0 if value is None else Fields("fault", {"delay_ms": value}, {"delay_ms"}).whole("delay_ms", 0, LONGEST_MS)


def _read_endpoint(value: object) -> str:
    if value is None:
        return DEFAULT_ENDPOINT
    return Fields("fault", {"endpoint": value}, {"endpoint"}).text("endpoint", DEFAULT_ENDPOINT)


def _read_degraded(value: object) -> tuple[date, ...]:
    if value is None:
        return ()
    return tuple(sorted({switches.day("degraded", each) for each in switches.words("degraded", "", value)}))


def _read_licence(value: object) -> LicenceFault | None:
    if value is None:
        return None
    fields = Fields("licence", value, {"hours", "case"})
    hours = fields.whole("hours", 0, 24 * 366)
    return LicenceFault(hours, fields.choice("case", (UNAVAILABLE_RANGE, END_AFTER_AVAILABLE), UNAVAILABLE_RANGE))


def _read_refuse(value: object) -> bool:
    return value is not None and Fields("fault", {"live_refuse": value}, {"live_refuse"}).flag("live_refuse")


_READERS: dict[str, Callable[[object], object]] = {
    "status": _read_status,
    "truncate": _read_truncate,
    "body": _read_body,
    "delay_ms": _read_delay,
    "endpoint": _read_endpoint,
    "degraded": _read_degraded,
    "licence": _read_licence,
    "live": read_faults,
    "live_refuse": _read_refuse,
}
