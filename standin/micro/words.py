"""DBN's trades and book records as rows of 64-bit little-endian words, which is how the loops write them.

TradeMsg is 6 words; a book level is 4 more: MBP1Msg has 10, MBP10Msg 46.
"""

import numpy as np
from databento_dbn import MBP1Msg, MBP10Msg, TradeMsg
from numpy.typing import NDArray

from standin.micro.jit import compiled
from standin.micro.packets import sequence_of
from standin.noise import Ints

DTYPES = {
    "trades": np.dtype(TradeMsg._dtypes),
    "mbp-1": np.dtype(MBP1Msg._dtypes),
    "mbp-10": np.dtype(MBP10Msg._dtypes),
}
LEVELS = {"trades": 0, "mbp-1": 1, "mbp-10": 10}
"""Book levels of a schema's record."""

HEAD, EVENT, PRICE, WHAT, RECV, DELTA, BOOK = range(7)
"""Places of a row's words: header; ts_event; price; size, action, side, flags, depth; ts_recv; ts_in_delta,
sequence; from BOOK on bid_px, ask_px, bid_sz and ask_sz, bid_ct and ask_ct of each level."""
LEVEL_WORDS = 4
ADD, CANCEL, MODIFY, TRADED = ord("A"), ord("C"), ord("M"), ord("T")
ASK, BID, NO_SIDE = ord("A"), ord("B"), ord("N")
LAST_AND_SPECIFIC = 130
"""Databento's flags of a book row from this venue; a trade's are 0."""
UNDEF_PRICE = np.iinfo(np.int64).max

_PUBLISHER_GLBX = 1
_RTYPES = {0: 0, 1: 1, 10: 10}

_sequence_of = compiled(sequence_of)


def width(levels: int) -> int:
    """Words of a record with so many levels."""
    return BOOK + LEVEL_WORDS * levels


def header(levels: int, instrument_id: int) -> int:
    """The first word of a record with so many levels."""
    return width(levels) * 2 | _RTYPES[levels] << 8 | _PUBLISHER_GLBX << 16 | instrument_id << 32


def as_records(rows: Ints, schema: str) -> NDArray[np.void]:
    """The rows of words as a structured array; the same memory."""
    records: NDArray[np.void] = np.ascontiguousarray(rows).view(DTYPES[schema])[:, 0]
    return records


@compiled
def what(size: int, action: int, side: int, flags: int, depth: int) -> int:
    return size | action << 32 | side << 40 | flags << 48 | depth << 56


@compiled
def delta_and_sequence(delta: int, recv_ns: int) -> int:
    """ts_in_delta and sequence."""
    return delta | _sequence_of(recv_ns) << 32
