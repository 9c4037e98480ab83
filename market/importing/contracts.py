"""Whose rows they are: from a symbol of a file to the asset and the contract."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from market import facts, symbols
from market.facts import MONTH_CODES
from market.importing.naming import is_of_stocks
from market.importing.parts import Part
from market.models import Asset, Contract, InstrumentId
from market.services import add_asset
from market.sessions import SECOND_NS, SessionCalendar, calendar
from market.symbols import Symbol

STOCK_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.]{0,9}")
STOCK_TICK = 10_000_000
STOCK_GRID = 100_000
"""Stocks are quoted in cents, yet traded between them, to a hundredth of a cent."""
TWIN = ".FILE"
"""Ends the root of the asset that keeps the files of one whose own market is invented."""
STOCK_TWIN = ".US"
"""Ends the root of a stock that has the letters of a future."""
LONGEST_LIST = 12


class Unknown(LookupError):
    """A symbol that is not known or cannot be kept; the message says why and what to do."""


@dataclass(frozen=True)
class Instrument:
    """A future's delivery month or a stock, before its contract is looked up.

    grid: all prices are multiples of it (1e-9). asset: None for a stock, whose asset is made with its first piece.
    """

    label: str
    dataset: str
    grid: int
    calendar: str
    asset: Asset | None = None
    symbol: Symbol | None = None
    contract: Contract | None = None

    @property
    def sessions(self) -> SessionCalendar:
        return calendar(self.calendar)

    @property
    def can_be_negative(self) -> bool:
        """Futures have traded below zero."""
        return self.asset is not None

    def contract_on(self, day: date) -> Contract:
        """The contract that had the symbol on a trade date, made where it is missing. Raises Unknown."""
        if self.contract is not None:
            return self.contract
        if self.asset is None or self.symbol is None:
            return stock_contract(self.label, self.dataset)[0]
        year, month = self.symbol.year_after(day), self.symbol.month
        known = self.asset.contracts.filter(year=year, month=month).select_related("asset").first()
        return known or self._new_contract(self.asset, self.symbol, year)

    def _new_contract(self, asset: Asset, symbol: Symbol, year: int) -> Contract:
        code = MONTH_CODES[symbol.month - 1]
        if asset.from_files:
            add_months(asset, code)
        elif code not in asset.listed_months:
            raise Unknown(
                f"{asset} lists no contract of month {code}, only {asset.listed_months}. "
                f"Import a definition file with {self.label} first."
            )
        usual = symbols.usual(symbol.root, year, symbol.month)
        return Contract.objects.get_or_create(
            asset=asset, year=year, month=symbol.month, defaults={"raw_symbol": usual}
        )[0]


class Instruments:
    """Finds the instruments of one file."""

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._found: dict[tuple[str | None, int, date], Instrument | Unknown] = {}

    def of(self, part: Part) -> Instrument:
        """Whose rows a part has. Raises Unknown."""
        # instrument ids are unique within a day only
        day = datetime.fromtimestamp(max(0, int(part.columns[part.schema.time][0])) // SECOND_NS, UTC).date()
        key = part.symbol, part.instrument_id, day
        if key not in self._found:
            try:
                self._found[key] = self._find(part.symbol, part.instrument_id, day)
            except Unknown as problem:
                self._found[key] = problem
        found = self._found[key]
        if isinstance(found, Unknown):
            raise found
        return found

    def _find(self, symbol: str | None, instrument_id: int, day: date) -> Instrument:
        if is_of_stocks(self._dataset):
            if symbol is None:
                raise Unknown(_no_outright(symbol, instrument_id))
            return Instrument(stock_symbol(symbol), self._dataset, STOCK_GRID, facts.US_STOCKS)
        if symbol is not None and (parsed := symbols.parse(symbol)):
            return self._future(symbol, parsed)
        known = self._by_id(instrument_id, day)
        if known is not None:
            asset = known.asset
            return Instrument(known.raw_symbol, self._dataset, asset.tick_size, asset.calendar, asset, contract=known)
        raise Unknown(_no_outright(symbol, instrument_id))

    def _future(self, label: str, symbol: Symbol) -> Instrument:
        asset = future_asset(symbol.root, self._dataset)
        if asset is None:
            raise Unknown(_no_asset(symbol.root, self._dataset))
        return Instrument(label, self._dataset, asset.tick_size, asset.calendar, asset, symbol)

    def _by_id(self, instrument_id: int, day: date) -> Contract | None:
        """The contract whose definition file told this id for that day."""
        named = InstrumentId.objects.filter(
            instrument_id=instrument_id,
            first_date__lte=day,
            end_date__gt=day,
            contract__asset__dataset=self._dataset,
        ).select_related("contract__asset")
        contracts = {row.contract for row in named}
        return contracts.pop() if len(contracts) == 1 else None


def _no_outright(symbol: str | None, instrument_id: int) -> str:
    if symbol is None:
        return (
            f"The file does not say what instrument {instrument_id} is. "
            "Import a definition file of it first, or write it with map_symbols=True."
        )
    shown = symbol[:LONGEST_LIST]
    if re.fullmatch(r".+\.[cnv]\.\d+", symbol):
        return (
            f"{shown} does not say which contract it is. Import a definition file of these days first, "
            "or get the file with raw symbols."
        )
    if "-" in symbol or ":" in symbol or " " in symbol:
        return f"{shown} is a spread or an option; futsim replays outright futures and stocks."
    return f"{shown} is no symbol of a future, such as ESH4."


def _no_asset(root: str, dataset: str) -> str:
    known = Asset.objects.filter(root=root, kind=Asset.Kind.FUTURE).first() or facts.KNOWN_IN_FILES.get(root)
    if known is None or known.dataset == dataset:
        return f"{root} is not among the assets: import a definition file of it first, or let an admin add it."
    return (
        f"{root} is of {known.dataset}, but by its name or columns the file is of {dataset}. "
        f"Name it as Databento does: {known.dataset}.2025-06-02.ohlcv-1m.csv."
    )


def future_asset(root: str, dataset: str) -> Asset | None:
    """The asset that keeps the files of a root, made where its facts are known; None where they are not.

    Where the market of an asset is invented, its files go to an asset beside it: what was recorded and what was
    invented never mix.
    """
    asset = Asset.objects.filter(root=root, dataset=dataset, kind=Asset.Kind.FUTURE).first()
    if asset is None:
        return _well_known(root, dataset)
    if asset.from_files or not settings.SYNTHETIC_MARKET:
        return asset
    twin = Asset.objects.filter(root=f"{root}{TWIN}").first()
    return twin or _twin_of(asset)


def _well_known(root: str, dataset: str) -> Asset | None:
    known = facts.KNOWN_IN_FILES.get(root)
    if known is None or known.dataset != dataset or Asset.objects.filter(root=root).exists():
        return None
    with transaction.atomic():
        return add_asset(known, from_files=True)


def _twin_of(asset: Asset) -> Asset:
    kept = [field.attname for field in Asset._meta.concrete_fields if not field.primary_key]
    values = {name: getattr(asset, name) for name in kept} | {
        "root": f"{asset.root}{TWIN}",
        "name": f"{asset.name}, own files",
        "from_files": True,
    }
    return Asset.objects.get_or_create(root=values.pop("root"), defaults=values)[0]


def add_months(asset: Asset, code: str) -> None:
    """An asset of files lists the months that were seen."""
    if asset.from_files and code not in asset.listed_months:
        months = "".join(letter for letter in MONTH_CODES if letter in asset.listed_months + code)
        asset.listed_months = asset.active_months = months
        asset.save(update_fields=["listed_months", "active_months"])


def stock_symbol(symbol: str) -> str:
    """A stock's symbol as futsim writes it: BRK.B also where a venue writes BRK/B or BRK B. Raises Unknown."""
    written = re.sub(r"[ /-]", ".", symbol.strip())
    if not STOCK_SYMBOL.fullmatch(written):
        raise Unknown(f"{symbol[:LONGEST_LIST]} is no symbol of a stock, such as NVDA or BRK.B.")
    return written


def stock_contract(symbol: str, dataset: str) -> tuple[Contract, bool]:
    """The one contract of a stock, and whether it is new."""
    asset = Asset.objects.filter(root=_stock_root(symbol)).first() or _new_stock(symbol, dataset)
    return Contract.objects.get_or_create(asset=asset, year=None, month=None, defaults={"raw_symbol": symbol})


def _stock_root(symbol: str) -> str:
    taken = Asset.objects.filter(root=symbol, kind=Asset.Kind.FUTURE).exists()
    return f"{symbol}{STOCK_TWIN}" if taken else symbol


def _new_stock(symbol: str, dataset: str) -> Asset:
    root = _stock_root(symbol)
    values = {
        "kind": Asset.Kind.STOCK,
        "name": f"{symbol} (stock)",
        "exchange": dataset.partition(".")[0],
        "dataset": dataset,
        "point_value": Decimal(1),
        "tick_size": STOCK_TICK,
        "decimals": 2,
        "active_months": "",
        "listed_months": "",
        "calendar": facts.US_STOCKS,
        "from_files": True,
    }
    return Asset.objects.get_or_create(root=root, defaults=values)[0]
