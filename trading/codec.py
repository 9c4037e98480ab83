"""What the record holds as JSON: commands, settings, rules, contracts."""

from typing import Any, TypeVar

import msgspec

from trading.engine import commands
from trading.engine.commands import Command
from trading.engine.settings import FIRST_EDITION, FillSettings

T = TypeVar("T")

KINDS: dict[str, type[Command]] = {
    "submit": commands.Submit,
    "replace": commands.Replace,
    "cancel": commands.Cancel,
    "cancel_all": commands.CancelAll,
    "flatten": commands.Flatten,
    "reverse": commands.Reverse,
    "close_part": commands.ClosePart,
    "lock": commands.Lock,
    "unlock": commands.Unlock,
    "adopt": commands.Adopt,
    "assume": commands.Assume,
    "locate": commands.Locate,
}
"""The names stand in the record and never change."""
_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(command: Command) -> str:
    """The name of a command's kind."""
    return _NAMES[type(command)]


def as_json(value: object) -> Any:
    """A frozen dataclass of the engine as what JSON can hold."""
    return msgspec.to_builtins(value)


def command_of(kind: str, payload: object) -> Command:
    """The command of a row of the log."""
    if KINDS[kind] is commands.Assume and isinstance(payload, dict):
        return commands.Assume(payload["id"], settings_of(payload["settings"]))
    return of_json(payload, KINDS[kind])


def settings_of(value: dict[str, Any]) -> FillSettings:
    """The assumptions of fills of a take or a command; those written before there were editions are of the first."""
    return of_json({"edition": FIRST_EDITION} | value, FillSettings)


def of_json(value: object, kind: type[T]) -> T:
    """What `as_json` made it of. Raises msgspec.ValidationError."""
    return msgspec.convert(value, kind)
