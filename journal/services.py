"""Keeping the journal's trades level with the record of fills, and what users write beside them."""

from collections.abc import Sequence

from django.db import transaction

from journal import access, derivation, measuring
from journal.models import Reading, Trade
from trading.models import Take

FILLS_AT_ONCE = 1_000
"""So many fills are read while a page waits, half a millisecond each; more are left to a worker."""
MEASURED_AT_ONCE = 500
"""One statement for ten thousand rows takes half a minute."""

DERIVED = (
    "number", "fills", "is_retake", "contract", "side", "quantity", "trade_date", "entry_ns", "exit_ns", "entry",
    "exit", "gross", "fees", "net", "grade", "flags",
)  # fmt: skip


def read_new(user_id: int, at_most: int | None = None) -> bool:
    """Derive the user's trades from fills that are new in the record; whether all of them are read.

    at_most: fills of the lines to be read; None for all.
    """
    for take in access.unread_takes(user_id):
        if at_most is not None:
            at_most -= take.inherited_fills + take.fills.count()
            if at_most < 0:
                return False
        read_take(take)
    return True


def read_take(take: Take) -> None:
    """Derive a take's trades. Doing it twice, or two at once, ends in the same rows; notes and tags stay."""
    with transaction.atomic():
        take.refresh_from_db(fields=["left_ns", "left_marks"])
        Reading.objects.get_or_create(take=take)
        reading = Reading.objects.select_for_update().get(take=take)
        fills = derivation.line_fills(take)
        Trade.objects.bulk_create(
            derivation.rows(take, fills, derivation.retakes_of(take)),
            update_conflicts=True,
            unique_fields=["take", "first_fill"],
            update_fields=DERIVED,
        )
        reading.last_fill = fills[-1].number if fills else 0
        reading.is_left = take.is_left
        reading.save(update_fields=["last_fill", "is_left"])


def measure_take(take: Take) -> None:
    """Look up MAE and MFE of the take's trades that are over, once for each, as far as their tapes are stored."""
    waiting = list(take.trades.filter(is_measured=False, exit_ns__isnull=False))
    found = measuring.measure(take, waiting)
    for trade in waiting:
        trade.worst, trade.best = found.get(trade.first_fill, (None, None))
        trade.is_measured = True
    Trade.objects.bulk_update(waiting, ["worst", "best", "is_measured"], batch_size=MEASURED_AT_ONCE)


def read_again(trades: Sequence[Trade]) -> int:
    """Have all trades of these takes looked up anew, at their owners' next look at the journal; how many they are."""
    takes = {trade.take_id for trade in trades}
    with transaction.atomic():
        Reading.objects.filter(take__in=takes).update(last_fill=0)
        return Trade.objects.filter(take__in=takes).update(is_measured=False)


def write_note(*, trade: Trade, note: str, tags: list[str]) -> None:
    """Keep what the user says of a trade."""
    trade.note, trade.tags = note, tags
    trade.save(update_fields=["note", "tags"])
