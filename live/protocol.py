"""What the browser may say over the live WebSocket (docs/protocol.md)."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from workspace.protocol import (
    MAX_CHARTS,
    Ack,
    ApproveJob,
    CancelJob,
    ChartRequest,
    CloseChart,
    FetchBoard,
    OpenChart,
    Ref,
    Resync,
    SetTimeframe,
    WatchBoard,
)

Root = Annotated[str, Meta(min_length=1, max_length=12)]


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag="hello"):
    root: Root
    charts: Annotated[list[ChartRequest], Meta(max_length=MAX_CHARTS)]
    board: bool = False
    last_seq: int | None = None
    ref: Ref = None


class Show(Struct, frozen=True, forbid_unknown_fields=True, tag="show"):
    root: Root
    ref: Ref = None


Command = (
    Hello
    | Show
    | Ack
    | Resync
    | OpenChart
    | SetTimeframe
    | CloseChart
    | WatchBoard
    | FetchBoard
    | ApproveJob
    | CancelJob
)

decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
