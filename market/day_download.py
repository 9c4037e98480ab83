"""Downloading one day by hand: from what was typed to requests for files, or to sessions for the store."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from market import contracts, facts, rolls, symbols
from market.databento_historical import SCHEMAS, DatasetRange, HistoricalGateway, IdInterval, Request
from market.history import ensure_history, missing_spans
from market.ingest import missing
from market.jobs import Progress
from market.models import Asset, Contract
from market.schemas import BY_NAME
from market.sessions import FIRST_DAY, Session, local_ns, to_et, utc_date

STORABLE = tuple(name for name in BY_NAME if name in SCHEMAS)
"""Schemas that futsim keeps in its store."""
HISTORY = timedelta(days=30)
"""Daily volumes from so long before a day tell its front month."""
ONE_DAY = timedelta(days=1)

_CONTINUOUS = re.compile(r"([A-Z0-9]+)\.([CNV])\.(\d+)")


class CannotDownload(Exception):
    """What was asked for cannot be downloaded; the message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed. symbols: raw symbols, roots, parents (CL.FUT) or continuous ones (CL.v.0).

    start, end: wall-clock times of the day in that zone; None for the opening and the close of the session.
    """

    day: date
    symbols: Sequence[str]
    schemas: Sequence[str]
    start: time | None
    end: time | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class _Named:
    """One symbol of a wish, its kind (a `stype_in`) and its asset; None for one that futsim does not have."""

    symbol: str
    stype: str
    asset: Asset | None

    @property
    def dataset(self) -> str:
        return self.asset.dataset if self.asset else facts.DATASET


@dataclass(frozen=True, slots=True)
class Piece:
    """A session of a contract, for the store."""

    contract: Contract
    schema: str
    session: Session


class Finder:
    """Makes requests of a wish. It asks the gateway which contracts there are, and fetches daily volumes for a root."""

    def __init__(self, gateway: HistoricalGateway, progress: Progress) -> None:
        self._gateway = gateway
        self._progress = progress
        self._ranges: dict[str, DatasetRange] = {}

    def requests(self, wish: Wish) -> list[Request]:
        """One request for each dataset and schema. Raises CannotDownload, GatewayError, BadTime."""
        _check_schemas(wish.schemas, SCHEMAS, "Databento has")
        found: dict[tuple[str, str], list[_Named]] = {}
        for each in self._named(wish):
            found.setdefault((each.dataset, each.stype), []).append(each)
        if len({dataset for dataset, _ in found}) < len(found):
            raise CannotDownload(
                "One file cannot hold raw symbols beside parents (CL.FUT) or continuous symbols (CL.v.0). "
                "Run the command for each kind, with another --out."
            )
        requests = []
        for (dataset, stype), named in found.items():
            start_ns, end_ns = _range(wish, [each.asset for each in named if each.asset])
            self._check_available(dataset, wish.day, start_ns, end_ns)
            names = tuple(dict.fromkeys(each.symbol for each in named))
            if stype == "raw_symbol":
                self._check_known(dataset, names, start_ns, end_ns)
            requests += [Request(dataset, schema, names, start_ns, end_ns, stype) for schema in wish.schemas]
        return requests

    def pieces(self, wish: Wish) -> list[Piece]:
        """The pieces of a wish that are not stored. Raises CannotDownload, GatewayError."""
        _check_schemas(wish.schemas, STORABLE, "the store keeps")
        if wish.start or wish.end:
            raise CannotDownload("The store keeps whole sessions: leave --start-time and --end-time out.")
        wanted: list[Piece] = []
        for each in self._named(wish):
            if each.asset is None or each.stype != "raw_symbol":
                raise CannotDownload(f"The store keeps contracts of its assets only, not {each.symbol}.")
            session = _session(each.asset, wish.day)
            self._check_available(each.dataset, wish.day, session.open_ns, session.close_ns)
            contract = self._contract(each.asset, each.symbol, wish.day)
            wanted += [Piece(contract, schema, session) for schema in wish.schemas]
        return [
            piece
            for piece in dict.fromkeys(wanted)
            if missing(piece.contract, piece.schema, [piece.session], piece.session.close_ns)
        ]

    # --- symbols --------------------------------------------------------------------------------------------

    def _named(self, wish: Wish) -> list[_Named]:
        if not wish.symbols:
            raise CannotDownload("Name at least one symbol, such as NQM6, or NQ for its front month.")
        return [self._name(symbol, wish.day) for symbol in wish.symbols]

    def _name(self, text: str, day: date) -> _Named:
        assets = {asset.root: asset for asset in Asset.objects.filter(from_files=False)}
        if text in assets:
            return _Named(self._front(assets[text], day).raw_symbol, "raw_symbol", assets[text])
        if Asset.objects.filter(root=text, kind=Asset.Kind.FUTURE, from_files=True).exists():
            raise CannotDownload(
                f"{text} has own files only, without daily volumes that tell its front month: "
                "name a contract, such as ESZ6, with --start-time and --end-time."
            )
        continuous = _CONTINUOUS.fullmatch(text)
        if continuous:
            root, rule, rank = continuous.groups()
            return _Named(f"{root}.{rule.lower()}.{rank}", "continuous", assets.get(root))
        if text.endswith(".FUT"):
            return _Named(text, "parent", assets.get(text.removesuffix(".FUT")))
        parts = symbols.parse(text.partition("-")[0])
        return _Named(text, "raw_symbol", assets.get(parts.root) if parts else None)

    def _front(self, asset: Asset, day: date) -> Contract:
        """Its front month on a trade date."""
        self._have_history(asset, day)
        front = rolls.fronts(asset, [day]).get(day)
        if front is None:
            raise CannotDownload(f"No contract of {asset} has traded in the {HISTORY.days} days before {day}.")
        return front

    def _contract(self, asset: Asset, symbol: str, day: date) -> Contract:
        """Whose symbol it is on a trade date."""
        self._have_history(asset, day)
        near = contracts.near(asset, day, day + ONE_DAY)
        found = contracts.owner_of(near, IdInterval(symbol, 0, day, day + ONE_DAY))
        if found is None:
            raise CannotDownload(_unknown([symbol], self._gateway.name, day))
        return found

    def _have_history(self, asset: Asset, day: date) -> None:
        """Have the contracts of a trade date, and the daily volumes before it."""
        have = self._range(asset.dataset)
        _check_begun(have, day, _session(asset, day).open_ns)
        end = min(day, utc_date(have.end_ns))
        if missing_spans(asset, end - ONE_DAY, end):
            ensure_history(asset, self._gateway, max(FIRST_DAY, end - HISTORY), end, self._progress)
        rolls.rebuild(asset)

    # --- what the gateway has ---------------------------------------------------------------------------------

    def _check_known(self, dataset: str, names: tuple[str, ...], start_ns: int, end_ns: int) -> None:
        first, last = utc_date(start_ns), utc_date(end_ns - 1)
        known = {each.symbol for each in self._gateway.instrument_ids(dataset, list(names), first, last + ONE_DAY)}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CannotDownload(_unknown(unknown, self._gateway.name, last))

    def _range(self, dataset: str) -> DatasetRange:
        if dataset not in self._ranges:
            self._ranges[dataset] = self._gateway.dataset_range(dataset)
        return self._ranges[dataset]

    def _check_available(self, dataset: str, day: date, start_ns: int, end_ns: int) -> None:
        have = self._range(dataset)
        _check_begun(have, day, start_ns)
        if end_ns > have.end_ns:
            raise CannotDownload(
                f"{day} is not over: the data reach to {_minute(have.end_ns)}. Choose an earlier --end-time, or wait."
            )


def _check_begun(have: DatasetRange, day: date, start_ns: int) -> None:
    if start_ns >= have.end_ns:
        raise CannotDownload(f"{day} has not come yet: the data reach to {_minute(have.end_ns)}.")
    if start_ns < have.start_ns:
        raise CannotDownload(f"{day} is too early: the data begin at {_minute(have.start_ns)}.")


def _minute(ns: int) -> str:
    return f"{to_et(ns):%a %Y-%m-%d %H:%M} ET"


def _unknown(names: Sequence[str], gateway: str, day: date) -> str:
    return f"{gateway} knows no {' and no '.join(names)} on {day}."


def _check_schemas(schemas: Sequence[str], known: Sequence[str], whose: str) -> None:
    for schema in schemas:
        if schema not in known:
            raise CannotDownload(f"{schema!r} is none of the schemas that {whose}: {', '.join(known)}.")


# --- times ----------------------------------------------------------------------------------------------------


def _range(wish: Wish, assets: Sequence[Asset]) -> tuple[int, int]:
    """UTC ns [start, end): the times typed, and where one is left out the bounds of the assets' sessions."""
    if wish.start and wish.end:
        start_ns, end_ns = (local_ns(wish.day, at, wish.zone, wish.zone.key) for at in (wish.start, wish.end))
    elif not assets:
        raise CannotDownload("futsim does not know the sessions of these symbols: give --start-time and --end-time.")
    else:
        sessions = [_session(asset, wish.day) for asset in assets]
        start_ns = min(session.open_ns for session in sessions)
        end_ns = max(session.close_ns for session in sessions)
        if wish.start:
            start_ns = local_ns(wish.day, wish.start, wish.zone, wish.zone.key)
        if wish.end:
            end_ns = local_ns(wish.day, wish.end, wish.zone, wish.zone.key)
    if start_ns >= end_ns:
        raise CannotDownload("The start must be before the end.")
    for asset in assets:
        if not _trades(asset, start_ns, end_ns):
            raise CannotDownload(f"{asset} does not trade between {_minute(start_ns)} and {_minute(end_ns)}.")
    return start_ns, end_ns


def _trades(asset: Asset, start_ns: int, end_ns: int) -> bool:
    near = asset.sessions.between(utc_date(start_ns) - 5 * ONE_DAY, utc_date(end_ns) + 5 * ONE_DAY)
    return any(first < end_ns and last > start_ns for session in near for first, last in session.segments)


def _session(asset: Asset, day: date) -> Session:
    session = asset.sessions.session(day)
    if session is None:
        following = asset.sessions.after(day, 1)
        later = f" The next one is {following[0].trade_date}." if following else ""
        raise CannotDownload(f"{day} is no trade date of {asset}.{later}")
    return session
