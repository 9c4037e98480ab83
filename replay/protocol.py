"""What the browser may say over the replay WebSocket (docs/protocol.md)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from trading import protocol as trading
from workspace.protocol import (
    MAX_CHARTS,
    Ack,
    ApproveJob,
    CancelJob,
    ChartId,
    ChartRequest,
    CloseChart,
    FetchBoard,
    OpenChart,
    Ref,
    Resync,
    SetTimeframe,
    WatchBoard,
)

Speed = Annotated[float, Meta(ge=0.25, le=1000)] | Literal["max"]
Count = Literal[1, -1]
Ns = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]


class Watched(Struct, frozen=True, forbid_unknown_fields=True):
    """What the panels of a page show: the book, the prints, the ladder (the book and the volume at each price)."""

    book: bool = False
    prints: bool = False
    ladder: bool = False


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag="hello"):
    charts: Annotated[list[ChartRequest], Meta(max_length=MAX_CHARTS)]
    board: bool = False
    watch: Watched = Watched()
    last_seq: int | None = None
    playhead: Ns | None = None
    ref: Ref = None


class Play(Struct, frozen=True, forbid_unknown_fields=True, tag="play"):
    ref: Ref = None


class Pause(Struct, frozen=True, forbid_unknown_fields=True, tag="pause"):
    ref: Ref = None


class SetSpeed(Struct, frozen=True, forbid_unknown_fields=True, tag="speed"):
    value: Speed
    ref: Ref = None


class Step(Struct, frozen=True, forbid_unknown_fields=True, tag="step"):
    unit: Literal["second", "bar"]
    count: Count
    chart: ChartId | None = None
    ref: Ref = None


class Seek(Struct, frozen=True, forbid_unknown_fields=True, tag="seek"):
    et: Annotated[str, Meta(max_length=32)]
    ref: Ref = None


class Watch(Watched, frozen=True, forbid_unknown_fields=True, tag="watch"):
    ref: Ref = None


class GetEvents(Struct, frozen=True, forbid_unknown_fields=True, tag="events.get"):
    grade: Literal["trades", "book"]
    ref: Ref = None


class KeepEvents(Struct, frozen=True, forbid_unknown_fields=True, tag="events.keep"):
    grade: Literal["bars", "trades", "book"]
    ref: Ref = None


Command = (
    Hello | Ack | Resync | Play | Pause | SetSpeed | Step | Seek | OpenChart | SetTimeframe | CloseChart
    | WatchBoard | FetchBoard | Watch | GetEvents | KeepEvents | ApproveJob | CancelJob | trading.Message
)  # fmt: skip

decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
