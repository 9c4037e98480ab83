"""Importing made-up files into an installation that has the 19 assets and ES."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from market import facts, ingest
from market.importing.importer import import_file
from market.importing.report import Report
from market.models import Asset, Coverage
from market.store import Columns

Importer = Callable[..., Report]


@pytest.fixture
def es(assets: None) -> Asset:
    """ES, known from a definition file."""
    return Asset.objects.create(
        root="ES",
        name="ES (CME)",
        exchange="CME",
        point_value=Decimal(50),
        tick_size=250_000_000,
        decimals=2,
        active_months="HMUZ",
        listed_months="HMUZ",
        calendar=facts.EQUITY,
        from_files=True,
    )


@pytest.fixture
def take(db: None) -> Importer:
    """Import a file under its own name, or another."""

    def run(path: Path, name: str | None = None) -> Report:
        return import_file(path, name or path.name)

    return run


def stored(schema: str, symbol: str, day: date) -> Columns:
    """The columns of a stored piece, held against its checksum."""
    row = Coverage.objects.select_related("contract__asset").get(
        schema=schema, contract__raw_symbol=symbol, trade_date=day
    )
    return ingest.read_piece(row)


def reasons(report: Report) -> dict[str, int]:
    """How many rows were refused for each reason."""
    return {each["reason"]: each["rows"] for each in report.as_json()["reasons"]}


def refused_rows(report: Report) -> list[int]:
    return [each["row"] for each in report.as_json()["rows"]]
