"""Which contract live follows in which session: decided from daily bars before the session opens, then kept."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connections

from live.engine.front import NEAR, DayVolume, front
from live.models import FeedEvent, FrontMonth
from market import rolls, symbols
from market.databento_historical import HistoricalGateway
from market.facts import MONTH_CODES
from market.gateway import available_range, gateway
from market.gateway_errors import GatewayError
from market.history import ensure_history, missing_spans
from market.jobs import Progress
from market.models import Asset, Contract, DailyBar, Job
from market.sessions import SECOND_NS, Session, utc_date
from market.spending import LimitReached, NeedsApproval, purse_for

log = logging.getLogger(__name__)

JOB_KIND = "front months"
LEAD_NS = 30 * 60 * SECOND_NS
"""So long before a session opens its front month is decided."""
DAY_NS = 24 * 3_600 * SECOND_NS
HISTORY = timedelta(days=10)
"""Daily bars of so many days: the longest holidays, and a weekend."""
PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Front:
    """The contract of an asset on a trade date. symbols: the raw symbols it may have, one of which resolves."""

    root: str
    trade_date: date
    contract_id: int
    symbol: str
    symbols: tuple[str, str]


def followed() -> list[Asset]:
    """The assets that live follows: those offered to users that the gateway has."""
    return list(Asset.objects.filter(is_active=True, from_files=False, kind=Asset.Kind.FUTURE))


def sessions_around(asset: Asset, now_ns: int) -> list[Session]:
    """The sessions that a replay of the last day touches, the current or next one, and one that opens soon."""
    first = asset.sessions.first_closing_after(now_ns - DAY_NS)
    current = asset.sessions.first_closing_after(now_ns)
    following = asset.sessions.after(current.trade_date, 1)
    soon = [session for session in following if session.open_ns - LEAD_NS <= now_ns]
    return [*asset.sessions.between(first.trade_date, current.trade_date), *soon]


def next_decision(assets: Iterable[Asset], now_ns: int) -> int:
    """When the next front month is to be decided (UTC ns, after now)."""
    upcoming = []
    for asset in assets:
        current = asset.sessions.first_closing_after(now_ns)
        following = [current, *asset.sessions.after(current.trade_date, 2)]
        upcoming += [at for session in following if (at := session.open_ns - LEAD_NS) > now_ns][:1]
    return min(upcoming)


def resolve(assets: Sequence[Asset], now_ns: int) -> tuple[list[Front], dict[str, str]]:
    """The fronts of the sessions around an instant, and by root, why one could not be decided.

    Decides those that are still open, several assets at a time. now_ns: UTC ns in the market.
    """
    undecided = [asset for asset in assets if _undecided(asset, now_ns)]
    problems = _decide_all(undecided, now_ns) if undecided else {}
    return [each for asset in assets for each in _fronts(asset, now_ns)], problems


def _fronts(asset: Asset, now_ns: int) -> list[Front]:
    dates = [session.trade_date for session in sessions_around(asset, now_ns)]
    rows = FrontMonth.objects.filter(asset=asset, trade_date__in=dates).select_related("contract__asset")
    return [_front(row) for row in rows.order_by("trade_date")]


def _front(row: FrontMonth) -> Front:
    contract = row.contract
    return Front(contract.asset.root, row.trade_date, contract.pk, contract.raw_symbol, both_symbols(contract))


def both_symbols(contract: Contract) -> tuple[str, str]:
    """The raw symbol with one digit of the year and with two: the gateway knows one of them."""
    assert contract.year is not None and contract.month is not None
    stem = f"{contract.asset.root}{MONTH_CODES[contract.month - 1]}"
    return symbols.usual(contract.asset.root, contract.year, contract.month), f"{stem}{contract.year % 100:02}"


# --- deciding ---------------------------------------------------------------------------------------------


def _undecided(asset: Asset, now_ns: int) -> list[Session]:
    """Sessions that are not over and have no front month yet."""
    open_or_next = [session for session in sessions_around(asset, now_ns) if session.close_ns > now_ns]
    decided = set(asset.front_months.values_list("trade_date", flat=True).order_by("-trade_date")[:10])
    return [session for session in open_or_next if session.trade_date not in decided]


def _decide_all(assets: Sequence[Asset], now_ns: int) -> dict[str, str]:
    """Why not, of each root for which it did not work."""
    job = Job.objects.create(kind=JOB_KIND, state=Job.State.RUNNING, params={"roots": [each.root for each in assets]})

    def decide(asset: Asset) -> str | None:
        try:
            return _decide(asset, now_ns, job)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = dict(zip([asset.root for asset in assets], pool.map(decide, assets), strict=True))
    problems = {root: why for root, why in answers.items() if why}
    _finish(job, problems)
    return problems


def _finish(job: Job, problems: dict[str, str]) -> None:
    text = "\n".join(f"{root}: {why}" for root, why in problems.items()) or "The front months are known."
    Progress(job).finish(Job.State.FAILED if problems else Job.State.DONE, text)


def _decide(asset: Asset, now_ns: int, job: Job) -> str | None:
    """Store the front month of the sessions without one; why not, where it did not work."""
    problem = _carry_on_history(asset, now_ns, job)
    chosen = front(_volumes(asset, utc_date(now_ns)), utc_date(now_ns))
    if chosen is None:
        return problem or f"no contract of {asset.root} has traded lately"
    for session in _undecided(asset, now_ns):
        _store(asset, session.trade_date, chosen)
    return None


def _store(asset: Asset, trade_date: date, contract_id: int) -> None:
    before = asset.front_months.filter(trade_date__lt=trade_date).order_by("-trade_date").first()
    row, is_new = FrontMonth.objects.get_or_create(
        asset=asset, trade_date=trade_date, defaults={"contract_id": contract_id}
    )
    if is_new and before is not None and before.contract_id != row.contract_id:
        text = f"{asset.root}: {before.contract} → {row.contract} from the session of {trade_date} on"
        FeedEvent.objects.create(kind=FeedEvent.Kind.ROLL, text=text)


def _volumes(asset: Asset, today: date) -> list[DayVolume]:
    """What the asset's contracts near a UTC date traded in the days before."""
    rows = DailyBar.objects.filter(
        contract__asset=asset, contract__month__isnull=False, date__gte=today - HISTORY, date__lt=today
    ).select_related("contract__asset")
    return [
        DayVolume(row.contract_id, row.contract.delivery, row.date, row.volume)
        for row in rows
        if abs(row.contract.delivery - today) <= NEAR
    ]


def _carry_on_history(asset: Asset, now_ns: int, job: Job) -> str | None:
    """Have the daily bars of the last days, as far as the gateway has them; its words where it refuses."""
    today = utc_date(now_ns)
    try:
        end = min(today, utc_date(available_range(asset.dataset).end_ns))
        if missing_spans(asset, today - HISTORY, end):
            door: HistoricalGateway = gateway(purse=purse_for(job))
            ensure_history(asset, door, today - HISTORY, end, _Quiet(job))
            rolls.rebuild(asset)
    except (GatewayError, LimitReached, NeedsApproval) as problem:
        log.warning("%s: daily volumes could not be carried on: %s", asset.root, problem)
        return str(problem)
    return None


class _Quiet(Progress):
    """Several threads work on one job, whose row counts nothing."""

    def expect(self, units: int) -> None:
        return

    def say(self, message: str, units: int = 0, *, here: bool = False) -> None:
        log.debug("%s", message)
