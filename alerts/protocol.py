"""What a page may say over the alerts WebSocket, validated once, at the door."""

from typing import Annotated

import msgspec

from alerts.services import MOST

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Ack(msgspec.Struct, frozen=True, tag="ack", forbid_unknown_fields=True):
    """The chips have come; the page takes more."""


class Seen(msgspec.Struct, frozen=True, tag="seen", forbid_unknown_fields=True):
    """The user has looked at the firings up to this one."""

    until: Id


class Shown(msgspec.Struct, frozen=True, tag="shown", forbid_unknown_fields=True):
    """A page in front has shown the firings up to this one; the user may not have looked at them."""

    until: Id


class Open(msgspec.Struct, frozen=True, tag="open", forbid_unknown_fields=True):
    """The All-alerts whose assets the page shows; in place of those before."""

    alerts: Annotated[list[Id], msgspec.Meta(max_length=2 * MOST)]


Command = Ack | Seen | Shown | Open
_decoder = msgspec.json.Decoder(Command)


def decode(text: str) -> Command | None:
    """The command; None for what is none."""
    try:
        command: Command = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return command
