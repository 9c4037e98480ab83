"""What can go wrong with one live session on demand."""

from dataclasses import dataclass, field
from typing import Any

from standin.switches import BadFault, Fields

_COUNT = ("after_records",)
KINDS: dict[str, tuple[str, ...]] = {
    "reject_key": (),
    "session_limit": (),
    "slow_auth": ("ms",),
    "slow_start": ("ms",),
    "mute": ("header",),
    "no_records": ("heartbeats",),
    "wedge": _COUNT,
    "eof": _COUNT,
    "reset": _COUNT,
    "cut_record": _COUNT,
    "garbage": _COUNT,
    "late": (*_COUNT, "ms"),
    "duplicate": (*_COUNT, "records"),
    "error": (*_COUNT, "code", "message", "close"),
    "slow_reader": (*_COUNT, "records"),
    "dribble": ("bytes", "ms"),
    "unresolved": ("symbols",),
}
"""Every kind with its fields; docs/standin.md says what each does."""
DEFAULT_MESSAGE = "A fault switch of the stand-in gateway made this error."
_DEFAULT_MS = {"slow_auth": 2_000, "slow_start": 2_000, "late": 3_000, "dribble": 1}
_MOST_RECORDS = 1 << 40
_MOST_HELD = 10_000


@dataclass(frozen=True, slots=True)
class LiveFault:
    """One fault, for the next `times` sessions. The fields that its kind does not have (see KINDS) mean nothing.

    after_records: it strikes once so many bars, trades … were sent; None where it does not wait for records.
    """

    kind: str
    times: int = 1
    after_records: int | None = None
    ms: int = 0
    heartbeats: bool = True
    header: bool = True
    records: int = 0
    code: int = 0
    message: str = DEFAULT_MESSAGE
    close: bool = True
    bytes: int = 0
    symbols: tuple[str, ...] = field(default=())

    def describe(self) -> dict[str, Any]:
        """The fields that its kind has, as JSON."""
        return {name: getattr(self, name) for name in ("kind", "times", *KINDS[self.kind])}


def read_faults(value: object) -> tuple[LiveFault, ...]:
    """One fault or a list of them, for one session after another. Raises BadFault."""
    if value is None:
        return ()
    return tuple(_read(each) for each in (value if isinstance(value, list) else [value]))


def _read(value: object) -> LiveFault:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadFault(f"live takes an object with a kind of {', '.join(KINDS)}, or a list of such")
    fields = Fields(f"live {kind}", value, ("kind", "times", *KINDS[kind]))
    # a wedge without a number says nothing at all; a repetition without one comes at the end of the replay
    least = None if kind in {"wedge", "duplicate"} else 0
    return LiveFault(
        kind=kind,
        times=fields.times(),
        after_records=fields.whole("after_records", 0, _MOST_RECORDS) if fields.has("after_records") else least,
        ms=fields.milliseconds("ms", _DEFAULT_MS.get(kind, 0)),
        heartbeats=fields.flag("heartbeats", default=True),
        header=fields.flag("header", default=True),
        records=fields.whole("records", 1, _MOST_HELD, default=10),
        code=fields.whole("code", 0, 255, default=6),
        message=fields.text("message", DEFAULT_MESSAGE),
        close=fields.flag("close", default=True),
        bytes=fields.whole("bytes", 1, 1 << 20, default=37),
        symbols=fields.words("symbols") if kind == "unresolved" else (),
    )
