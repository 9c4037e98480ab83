"""Opening accounts and trading sessions, and what a take begins with."""

from datetime import date
from decimal import Decimal

from django.db import transaction

from market.facts import PRICE_SCALE
from market.models import Asset, AssetCost, Contract
from trading.codec import as_json
from trading.engine.settings import MS, FillSettings, Instrument
from trading.engine.terms import Preset
from trading.limits import rules_of
from trading.models import Account, Take, TradingSession
from trading.record import hold

FIRST_ACCOUNT = "Practice"


def default_account(owner_id: int) -> Account:
    """The user's first account; made where there is none."""
    first = Account.objects.filter(owner_id=owner_id).order_by("pk").first()
    return first or Account.objects.get_or_create(owner_id=owner_id, name=FIRST_ACCOUNT)[0]


def open_session(*, owner_id: int, asset: Asset, kind: str, account: Account | None = None) -> TradingSession:
    """A session in which nothing has been traded; in the user's first account where none is named."""
    with transaction.atomic():
        return TradingSession.objects.create(
            owner_id=owner_id, account=account or default_account(owner_id), asset=asset, kind=kind
        )


def cash_of(session: TradingSession) -> int:
    """What the session's account begins with, 1e-9 dollars."""
    return _nano(Account.objects.get(pk=session.account_id).cash)


def begin_take(session: TradingSession, take: Take | None, start_ns: int, instrument: Instrument) -> Take:
    """The first take, or one in which nothing was traded: with the account's settings and limits as they are now.

    Raises record.TakenOver.
    """
    account = Account.objects.get(pk=session.account_id)
    made = take or Take(session=session, number=1)
    made.start_ns = start_ns
    made.cash = _nano(account.cash)
    made.settings = as_json(settings_of(account, seed=session.id.int % 2**31))
    made.rules = as_json(rules_of(account, session.asset))
    made.instruments = [as_json(instrument)]
    with transaction.atomic():
        hold(session.pk, session.epoch)
        made.save()
    return made


def settings_of(account: Account, seed: int) -> FillSettings:
    """The account's assumptions of fills; seed: of the jitter."""
    return FillSettings(
        latency_ns=account.latency_ms * MS,
        jitter_ns=account.jitter_ms * MS,
        seed=seed,
        preset=Preset[account.preset.upper()],
        bar_share=account.bar_share,
        slip=account.slip,
        assumed_ahead=account.assumed_ahead,
    )


def instrument(contract_id: int, trade_date: date) -> Instrument:
    """A contract with its costs and margin as of a trade date; without costs where none are known."""
    contract = Contract.objects.select_related("asset").get(pk=contract_id)
    asset = contract.asset
    cost = AssetCost.objects.filter(asset=asset, effective_from__lte=trade_date).order_by("-effective_from").first()
    is_percent = cost is not None and cost.margin_kind == AssetCost.MarginKind.PCT_NOTIONAL
    return Instrument(
        name=contract.raw_symbol,
        tick=asset.tick_size,
        tick_value=_nano(asset.tick_value),
        fee=_nano(cost.fee_exchange + cost.fee_broker) if cost else 0,
        margin=(int(cost.margin * 10_000) if is_percent else _nano(cost.margin)) if cost else 0,
        margin_kind="pct_notional" if is_percent else "usd",
        is_stock=asset.is_stock,
    )


def plain_instrument(asset: Asset) -> Instrument:
    """An asset as far as sizes go: without costs and margin, which are those of a contract on a date."""
    return Instrument(asset.root, asset.tick_size, _nano(asset.tick_value), is_stock=asset.is_stock)


def _nano(dollars: Decimal) -> int:
    return int(dollars * PRICE_SCALE)
