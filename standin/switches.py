"""Reading fault switches from JSON, with messages that say what would have been right."""

from collections.abc import Iterable
from datetime import date

MOST_TIMES = 1_000_000
LONGEST_MS = 600_000


class BadFault(ValueError):
    """A fault switch that makes no sense; the message says why."""


class Fields:
    """The fields of one fault. Every reader raises BadFault for a value that makes no sense."""

    def __init__(self, fault: str, value: object, known: Iterable[str]) -> None:
        known = sorted(known)
        if not isinstance(value, dict) or not set(value) <= set(known):
            raise BadFault(f"{fault} takes an object with {', '.join(known)}" if known else f"{fault} takes no fields")
        self._fault, self._value = fault, value

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def whole(self, name: str, least: int, most: int, *, default: int | None = None) -> int:
        value = self._value.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise BadFault(f"{self._fault} {name} must be a whole number from {least} to {most}")
        return value

    def milliseconds(self, name: str, default: int | None = None) -> int:
        return self.whole(name, 0, LONGEST_MS, default=default)

    def times(self) -> int:
        return self.whole("times", 1, MOST_TIMES, default=1)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._value.get(name, default)
        if not isinstance(value, bool):
            raise BadFault(f"{self._fault} {name} must be true or false")
        return value

    def text(self, name: str, default: str) -> str:
        value = self._value.get(name, default)
        if not isinstance(value, str):
            raise BadFault(f"{self._fault} {name} must be text")
        return value

    def choice(self, name: str, allowed: Iterable[str], default: str | None = None) -> str:
        value = self._value.get(name, default)
        allowed = tuple(allowed)
        if value not in allowed:
            raise BadFault(f"{self._fault} {name} must be one of {', '.join(allowed)}")
        assert isinstance(value, str)
        return value

    def words(self, name: str) -> tuple[str, ...]:
        return words(self._fault, name, self._value.get(name))


def words(fault: str, name: str, value: object) -> tuple[str, ...]:
    """A list of texts, at least one."""
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise BadFault(f"{fault} {name} must be a list of texts".replace("  ", " "))
    return tuple(value)


def day(fault: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadFault(f"{fault} must be days such as 2026-03-10") from None
