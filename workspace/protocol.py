"""What the pages with charts may say over their WebSockets (docs/protocol.md), validated once, at the door."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MAX_MESSAGE_BYTES = 4_096
MAX_CHARTS = 16

ChartId = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_-]+$")]
Timeframe = Literal["1m", "5m", "15m", "30m", "1h", "90m", "3h", "4h", "1D"]
Ref = Annotated[str, Meta(max_length=64)] | None
JobId = Annotated[int, Meta(ge=1, le=2**53)]


class ChartRequest(Struct, frozen=True, forbid_unknown_fields=True):
    chart: ChartId
    timeframe: Timeframe


class Ack(Struct, frozen=True, forbid_unknown_fields=True, tag="ack"):
    seq: Annotated[int, Meta(ge=0, le=2**53)]
    ref: Ref = None


class Resync(Struct, frozen=True, forbid_unknown_fields=True, tag="resync"):
    ref: Ref = None


class OpenChart(Struct, frozen=True, forbid_unknown_fields=True, tag="chart.open"):
    chart: ChartId
    timeframe: Timeframe
    ref: Ref = None


class SetTimeframe(Struct, frozen=True, forbid_unknown_fields=True, tag="chart.timeframe"):
    chart: ChartId
    timeframe: Timeframe
    ref: Ref = None


class CloseChart(Struct, frozen=True, forbid_unknown_fields=True, tag="chart.close"):
    chart: ChartId
    ref: Ref = None


class WatchBoard(Struct, frozen=True, forbid_unknown_fields=True, tag="board"):
    on: bool
    ref: Ref = None


class FetchBoard(Struct, frozen=True, forbid_unknown_fields=True, tag="board.fetch"):
    ref: Ref = None


class ApproveJob(Struct, frozen=True, forbid_unknown_fields=True, tag="job.approve"):
    job: JobId
    cost: Annotated[str, Meta(max_length=24)]
    ref: Ref = None


class CancelJob(Struct, frozen=True, forbid_unknown_fields=True, tag="job.cancel"):
    job: JobId
    ref: Ref = None


class Refused(Exception):
    """A message that cannot be acted on; `message` is fit for the user, `ref` is the browser's."""

    def __init__(self, code: str, message: str, ref: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.ref = code, message, ref


def decode(decoder: msgspec.json.Decoder[Any], text: str | None) -> Any:
    """The command in a text message. Raises Refused naming the field that is wrong."""
    if text is None:
        raise Refused("malformed", "Messages are JSON text, not bytes.")
    if len(text) > MAX_MESSAGE_BYTES:
        raise Refused("too_long", f"A message is at most {MAX_MESSAGE_BYTES} bytes.")
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Refused("malformed", f"Message not understood: {error}", _ref(text)) from None


def _ref(text: str) -> str | None:
    """The `ref` of a message that is JSON but wrong; None if there is none."""
    try:
        value = msgspec.json.decode(text).get("ref")
    except (msgspec.DecodeError, AttributeError, UnicodeEncodeError, RecursionError):
        return None
    return value[:64] if isinstance(value, str) else None
