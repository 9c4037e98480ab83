"""The one way to trades: through their owner."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from journal.models import Trade
from trading.engine.roundtrips import LEFT_OPEN
from trading.engine.terms import Change
from trading.models import EventRecord, FillRecord, Take


class NoSuchTrade(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


def trades_of(user_id: int) -> QuerySet[Trade]:
    """The user's trades, the one entered last first."""
    return Trade.objects.filter(owner_id=user_id).select_related("asset", "take", "session__replay", "session__account")


def first_takes(trades: QuerySet[Trade]) -> QuerySet[Trade]:
    """Without second tries. Of trades with the same entry one counts: the first that was ended, else the last left."""
    is_left = Q(flags__contains=[LEFT_OPEN])
    entry = {name: OuterRef(name) for name in ("session", "first_fill", "entry_ns", "contract")}
    same = Trade.objects.filter(is_retake=False, exit_ns__isnull=False, **entry)
    ended = same.exclude(is_left)
    sooner = Exists(ended.filter(take__number__lt=OuterRef("take__number")))
    later = Exists(ended) | Exists(same.filter(is_left, take__number__gt=OuterRef("take__number")))
    return trades.filter(is_retake=False).exclude(sooner).exclude(is_left & later)


def get_trade(user_id: int, trade_id: int) -> Trade:
    """One of them. Raises NoSuchTrade."""
    trade = trades_of(user_id).filter(pk=trade_id).first()
    if trade is None:
        raise NoSuchTrade("There is no such trade of yours.")
    return trade


def unread_takes(user_id: int) -> QuerySet[Take]:
    """The user's takes with fills that the journal has not read, or left since it read them, the oldest first."""
    newer = FillRecord.objects.filter(take=OuterRef("pk"), number__gt=OuterRef("reading__last_fill"))
    any_at_all = FillRecord.objects.filter(take=OuterRef("pk"))
    found = Take.objects.filter(session__owner_id=user_id)
    left = Q(reading__is_left=False) & Exists(Take.objects.filter(parent=OuterRef("pk")))
    found = found.filter(Exists(newer) | Q(reading=None) & Exists(any_at_all) | left)
    return found.select_related("session__asset", "parent").order_by("pk")


def unmeasured(user_id: int) -> QuerySet[Trade]:
    """The user's trades that are over and whose MAE and MFE have not been looked up."""
    return Trade.objects.filter(owner_id=user_id, is_measured=False, exit_ns__isnull=False)


def locks_of(user_id: int) -> QuerySet[EventRecord]:
    """When the user's accounts were locked and unlocked, and why, the newest first."""
    found = EventRecord.objects.filter(take__session__owner_id=user_id, change__in=(Change.LOCKED, Change.UNLOCKED))
    return found.select_related("take__session__account").order_by("-ns", "-pk")


def tags_of(user_id: int) -> list[str]:
    """The tags that the user has used, by name."""
    rows = Trade.objects.filter(owner_id=user_id).exclude(tags=[]).values_list("tags", flat=True)
    return sorted({tag for tags in rows for tag in tags})
