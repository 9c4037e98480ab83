"""Opening accounts and trading sessions, and what a take begins with."""

from datetime import date
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from market.facts import PRICE_SCALE
from market.models import Asset, AssetCost, Contract
from trading.access import accounts_of
from trading.codec import as_json
from trading.engine.settings import Instrument
from trading.limits import announce, in_force
from trading.models import Account, AccountLimits, ForcedLimits, Take, TradingSession
from trading.record import hold

FIRST_ACCOUNT = "Practice"
DEFAULT_PROTECTION = Instrument("", 1, 1).protection


class NameTaken(ValueError):
    """The user has another account of that name."""


class Kept(ValueError):
    """An account that is not deleted; the message is fit for the user."""


def default_account(owner_id: int) -> Account:
    """The user's first account; made where there is none."""
    return accounts_of(owner_id).first() or Account.objects.get_or_create(owner_id=owner_id, name=FIRST_ACCOUNT)[0]


def save_account(account: Account, limits: AccountLimits) -> None:
    """Keep an account, new or known, with its limits; those hold at once. Raises NameTaken."""
    try:
        with transaction.atomic():
            account.save()
            limits.account = account
            limits.save()
            announce(account.owner_id)
    except IntegrityError:
        raise NameTaken("You have another account of this name.") from None


def force_on_others(forced: ForcedLimits) -> int:
    """Force the same limits on every user on whom none are forced; on how many."""
    free = get_user_model().objects.filter(forced_limits=None)
    with transaction.atomic():
        for user in free:
            forced.pk, forced.user = None, user
            forced.save(force_insert=True)
            announce(user.pk)
    return len(free)


def delete_account(account: Account) -> None:
    """Delete an account in which nothing was traded; replays open in it go on in the first of the others.

    Raises Kept.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        if Take.objects.filter(session__account=account).exists():
            raise Kept(f"Orders were sent in {account}. Its record is kept, so it cannot be deleted.")
        other = accounts_of(account.owner_id).exclude(pk=account.pk).first()
        if account.sessions.exists():
            if other is None:
                raise Kept(f"A replay is open in {account}, your only account. Create another one first.")
            account.sessions.update(account=other)
        account.delete()


def open_session(*, owner_id: int, asset: Asset, kind: str, account: Account | None = None) -> TradingSession:
    """A session in which nothing has been traded; in the user's first account where none is named."""
    with transaction.atomic():
        return TradingSession.objects.create(
            owner_id=owner_id, account=account or default_account(owner_id), asset=asset, kind=kind
        )


def cash_of(session: TradingSession) -> int:
    """What the session's account begins with, 1e-9 dollars."""
    return _nano(Account.objects.get(sessions=session).cash)


def begin_take(session: TradingSession, take: Take | None, start_ns: int, instrument: Instrument) -> Take:
    """The first take, or one in which nothing was traded: with the account's settings and limits as they are now.

    Raises record.TakenOver.
    """
    account = Account.objects.get(sessions=session)
    made = take or Take(session=session, number=1)
    made.start_ns = start_ns
    made.cash = _nano(account.cash)
    now = in_force(session, start_ns)
    made.settings, made.rules = as_json(now.settings), as_json(now.rules)
    made.instruments = [as_json(instrument)]
    with transaction.atomic():
        hold(session.pk, session.epoch)
        made.save()
    return made


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
        protection=asset.protection or DEFAULT_PROTECTION,
        is_stock=asset.is_stock,
        expires_ns=_last_close(contract, trade_date),
    )


def _last_close(contract: Contract, trade_date: date) -> int:
    """UTC ns of a contract's last close; 0 where none is known, or it trades on a date after it."""
    last = contract.last_trade_date
    if last is None or last < trade_date:
        return 0
    session = contract.asset.sessions.session(last)
    known = [ns for ns in (contract.expires_ns, session and session.close_ns) if ns]
    return min(known, default=0)


def plain_instrument(asset: Asset) -> Instrument:
    """An asset as far as sizes go: without costs and margin, which are those of a contract on a date."""
    return Instrument(asset.root, asset.tick_size, _nano(asset.tick_value), is_stock=asset.is_stock)


def _nano(dollars: Decimal) -> int:
    return int(dollars * PRICE_SCALE)
