"""Loading what futsim knows from the start."""

from datetime import date

from django.conf import settings
from django.db import transaction

from market.facts import ASSETS, AssetFacts
from market.models import Asset, AssetCost, Coverage, DailySpan

COSTS_FROM = date(2010, 1, 1)


class MixedSources(Exception):
    """The database holds data of another source; the message says which."""


def live_source() -> str:
    """The source of sessions that were recorded live."""
    return f"{settings.MARKET_SOURCE} live"


def check_source() -> None:
    """Raises MixedSources when invented and real data would share this database; imported files may be in any."""
    welcome = [settings.MARKET_SOURCE, live_source(), Coverage.FROM_FILE]
    others = [
        table.objects.exclude(source__in=welcome).values_list("source", flat=True).first()
        for table in (Coverage, DailySpan)
    ]
    for other in filter(None, others):
        raise MixedSources(
            f"This database holds data from {other}, but futsim now gets it from {settings.MARKET_SOURCE}. "
            "Name another DATABASE_URL and FUTSIM_DATA_ROOT."
        )


def load_assets() -> int:
    """Add the assets that are missing and return how many; what an admin edited stays as it is."""
    known = set(Asset.objects.values_list("root", flat=True))
    missing = [facts for facts in ASSETS if facts.root not in known]
    with transaction.atomic():
        for facts in missing:
            add_asset(facts)
    return len(missing)


def add_asset(facts: AssetFacts, *, from_files: bool = False) -> Asset:
    """Add one with its costs; from_files: it has users' files only."""
    asset = Asset.objects.create(
        from_files=from_files,
        root=facts.root,
        name=facts.name,
        exchange=facts.exchange,
        dataset=facts.dataset,
        point_value=facts.point_value,
        tick_size=facts.tick_size,
        decimals=facts.decimals,
        price_display=facts.price_display,
        active_months=facts.active_months,
        listed_months=facts.listed_months,
        calendar=facts.calendar,
    )
    AssetCost.objects.create(
        asset=asset,
        effective_from=COSTS_FROM,
        fee_exchange=facts.fee_exchange,
        fee_broker=facts.fee_broker,
        margin=facts.margin,
        margin_kind=facts.margin_kind,
    )
    return asset
