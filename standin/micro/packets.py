"""Sequence numbers, which must need no memory."""

from market.sessions import SECOND_NS

PACKET_NS = 150_000
WEEK_NS = 7 * 86_400 * SECOND_NS
FIRST_SUNDAY_NS = 3 * 86_400 * SECOND_NS


def sequence_of(recv_ns: int) -> int:
    """The number of a packet of 150 µs since Sunday 00:00 UTC, which fits 32 bits; records in one packet share it."""
    return (recv_ns - FIRST_SUNDAY_NS) % WEEK_NS // PACKET_NS
