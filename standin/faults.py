"""Faults on demand: what a test or a demonstration makes the gateway do wrong.

Set with POST /_standin/faults, e.g. {"status": {"code": 503, "times": 2}, "delay_ms": 300}. A fault that is
not named stays as it is, null removes one. More faults come with the live half.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from standin.errors import ApiError

_CASES = {
    401: "auth_authentication_failed",
    402: "account_insufficient_funds",
    403: "license_not_found_unauthorized",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}
DEFAULT_MESSAGE = "A fault switch of the stand-in gateway made this answer."
LONGEST_DELAY_MS = 600_000


class BadFault(ValueError):
    """A fault switch that makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class StatusFault:
    """Answer the next `times` data requests with an HTTP status and Databento's JSON; retry_after in seconds."""

    code: int
    times: int = 1
    case: str = ""
    message: str = DEFAULT_MESSAGE
    retry_after: int | None = None

    def error(self) -> ApiError:
        return ApiError(self.code, self.case or _CASES.get(self.code, "internal_error"), self.message)


@dataclass(frozen=True, slots=True)
class TruncateFault:
    """End the next `times` bodies after so many records, with a valid end of HTTP.

    open_frame: end in the middle of the next record, without the end of the zstd frame.
    """

    records: int
    times: int = 1
    open_frame: bool = False


class Faults:
    """The switches of one gateway. Used from its event loop only."""

    def __init__(self) -> None:
        self.status: StatusFault | None = None
        self.truncate: TruncateFault | None = None
        self.delay_ms = 0

    def set(self, switches: object) -> None:
        """Apply a JSON object of switches, all or none. Raises BadFault."""
        if not isinstance(switches, dict):
            raise BadFault("expected a JSON object of fault names")
        unknown = sorted(set(switches) - set(_READERS))
        if unknown:
            raise BadFault(f"unknown faults {', '.join(unknown)}; known are {', '.join(_READERS)}")
        for name, value in {name: _READERS[name](value) for name, value in switches.items()}.items():
            setattr(self, name, value)

    def clear(self) -> None:
        self.status, self.truncate, self.delay_ms = None, None, 0

    def take_status(self) -> StatusFault | None:
        """The status fault of this request, if one is due."""
        due = self.status
        if due is not None:
            self.status = replace(due, times=due.times - 1) if due.times > 1 else None
        return due

    def take_truncate(self) -> TruncateFault | None:
        """The truncation of this body, if one is due."""
        due = self.truncate
        if due is not None:
            self.truncate = replace(due, times=due.times - 1) if due.times > 1 else None
        return due

    def describe(self) -> dict[str, Any]:
        """What is still to come, as JSON; null for no fault."""
        return {
            "status": self.status and asdict(self.status),
            "truncate": self.truncate and asdict(self.truncate),
            "delay_ms": self.delay_ms,
        }


def _read_status(value: object) -> StatusFault | None:
    if value is None:
        return None
    fields = _fields(value, "status", {"code", "times", "case", "message", "retry_after"})
    retry_after = fields.get("retry_after")
    return StatusFault(
        code=_whole(fields, "status", "code", 400, 599),
        times=_whole(fields, "status", "times", 1, 1_000_000, default=1),
        case=_text(fields, "case", ""),
        message=_text(fields, "message", DEFAULT_MESSAGE),
        retry_after=None if retry_after is None else _whole(fields, "status", "retry_after", 0, 86_400),
    )


def _read_truncate(value: object) -> TruncateFault | None:
    if value is None:
        return None
    fields = _fields(value, "truncate", {"records", "times", "open_frame"})
    return TruncateFault(
        records=_whole(fields, "truncate", "records", 0, 1 << 40),
        times=_whole(fields, "truncate", "times", 1, 1_000_000, default=1),
        open_frame=_flag(fields, "truncate", "open_frame"),
    )


def _read_delay(value: object) -> int:
    return 0 if value is None else _whole({"delay_ms": value}, "fault", "delay_ms", 0, LONGEST_DELAY_MS)


_READERS: dict[str, Callable[[object], object]] = {
    "status": _read_status,
    "truncate": _read_truncate,
    "delay_ms": _read_delay,
}


def _fields(value: object, fault: str, known: set[str]) -> dict[str, object]:
    if not isinstance(value, dict) or not set(value) <= known:
        raise BadFault(f"{fault} takes an object with {', '.join(sorted(known))}")
    return value


def _whole(
    fields: dict[str, object], fault: str, name: str, least: int, most: int, *, default: int | None = None
) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadFault(f"{fault} {name} must be a whole number from {least} to {most}")
    return value


def _flag(fields: dict[str, object], fault: str, name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadFault(f"{fault} {name} must be true or false")
    return value


def _text(fields: dict[str, object], name: str, default: str) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise BadFault(f"status {name} must be text")
    return value
