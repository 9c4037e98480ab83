"""What was spent: today against the limits, and a month of the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Sum

from market.models import Purchase, SpendingLimits
from market.models.spending import spent
from market.spending import on_its_way, today


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's ET day: dollars spent, set aside by running jobs, and the limit."""

    name: str
    spent: Decimal
    on_its_way: Decimal
    limit: Decimal

    @property
    def percent(self) -> int:
        """How much of the limit is gone, 0 to 100."""
        gone = self.spent + self.on_its_way
        return min(100, int(gone * 100 / self.limit)) if self.limit else 100


@dataclass(frozen=True, slots=True)
class Day:
    """The purchases of an ET date: a row for each user and schema, and their sum."""

    day: date
    rows: list[dict[str, Any]]

    @property
    def cost(self) -> Decimal:
        return sum((row["cost"] for row in self.rows), Decimal(0))


def standing_of(user_id: int, name: str = "") -> Standing:
    """A user's day."""
    limit = SpendingLimits.current().user_daily
    return Standing(name, spent(today(), user_id), on_its_way(user_id=user_id), limit)


def standings() -> list[Standing]:
    """All users together first, then who has spent something today."""
    day, users = today(), get_user_model().objects
    buyers = users.filter(purchases__day=day).distinct().order_by("username")
    everybody = Standing("All users", spent(day), on_its_way(), SpendingLimits.current().installation_daily)
    return [everybody, *(standing_of(user.pk, user.get_username()) for user in buyers)]


def month_of(first: date) -> list[Day]:
    """The purchases of the month that begins at a date, the last day first."""
    following = (first + timedelta(days=31)).replace(day=1)
    bought = Purchase.objects.filter(day__gte=first, day__lt=following)
    rows = (
        bought.values("day", "user__username", "schema", "source")
        .annotate(downloads=Count("pk"), records=Sum("records"), cost=Sum("cost"))
        .order_by("-day", "user__username", "schema")
    )
    return list(_by_day(rows))


def _by_day(rows: Any) -> Iterator[Day]:
    for day, group in groupby(rows, key=lambda row: row["day"]):
        yield Day(day, list(group))
