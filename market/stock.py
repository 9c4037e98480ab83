"""What is stored, for people: by asset and schema."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Min, Q, Sum

from market.models import Asset, Coverage


@dataclass(frozen=True, slots=True)
class StoredSchema:
    """A schema of an asset: its first and last trade date, sessions with data, bytes, and whether files brought it."""

    schema: str
    first: date
    last: date
    sessions: int
    bytes: int
    from_files: bool


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """An asset of which something is stored."""

    asset: Asset
    schemas: list[StoredSchema]


def stored() -> list[StoredAsset]:
    """All assets with data, by root."""
    rows = (
        Coverage.objects.filter(rows__gt=0)
        .values("contract__asset", "schema")
        .annotate(
            first=Min("trade_date"),
            last=Max("trade_date"),
            sessions=Count("trade_date", distinct=True),
            size=Sum("bytes"),
            files=Count("pk", filter=Q(source=Coverage.FROM_FILE)),
        )
        .order_by("schema")
    )
    by_asset: dict[int, list[StoredSchema]] = {}
    for row in rows:
        schema = StoredSchema(row["schema"], row["first"], row["last"], row["sessions"], row["size"], row["files"] > 0)
        by_asset.setdefault(row["contract__asset"], []).append(schema)
    assets = Asset.objects.in_bulk(by_asset)
    return sorted(
        (StoredAsset(assets[key], schemas) for key, schemas in by_asset.items()), key=lambda held: held.asset.root
    )
