"""What an account may do: the user's own limits and those that an admin forces, the stricter of each two.

Limits hold at once. Whoever changes them calls `announce`; the desks of that user look here again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from redis.exceptions import RedisError

from market.facts import PRICE_SCALE
from market.models import Asset
from trading import stocks
from trading.engine.risk import market_day
from trading.engine.rules import Rules
from trading.engine.settings import MS, FillSettings
from trading.engine.terms import Preset
from trading.models import Account, AccountLimits, DayLock, ForcedLimits, Limits, TradingSession
from trading.texts import common_hours, parse_hours

log = logging.getLogger(__name__)

WARN_PERCENT, GIVEBACK_PERCENT, LEVERAGE = 80, 50, 1
"""What an empty field means."""
MINUTE_NS = 60 * 10**9


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds at an instant. settings: how fills are assumed.

    lock: why the market day is locked hard, None where it is not.
    until_ns: the instant from which this must be looked at again: another market day, or a stock's next session.
    unknown: what of a stock cannot be judged, in words; empty where all is known.
    """

    rules: Rules
    settings: FillSettings
    lock: str | None
    until_ns: int
    unknown: str = ""


def in_force(session: TradingSession, ns: int) -> InForce:
    """What holds in a trading session at a market's instant, as it is set now."""
    related = "asset", "account__limits", "account__owner__forced_limits"
    row = TradingSession.objects.select_related(*related).get(pk=session.pk)
    account, asset = row.account, row.asset
    rules, until_ns, unknown = rules_of(account, asset), market_day(ns)[1], ""
    if asset.is_stock:
        known = stocks.facts_of(asset, ns)
        rules = replace(
            rules, previous_close=known.previous_close, restricted=known.restricted, locate_fee=known.locate_fee
        )
        until_ns, unknown = min(until_ns, known.until_ns), known.unknown
    return InForce(rules, settings_of(account, session), hard_lock(account, ns), until_ns, unknown)


def hard_lock(account: Account, ns: int) -> str | None:
    """Why an account is locked for the market day of an instant.

    Where an admin forces hard locks, that of one account holds in all of its owner's.
    """
    locks = DayLock.objects.filter(market_day=market_day(ns)[0], account__owner=account.owner_id)
    forced = forced_limits(account.owner)
    if forced is None or not forced.is_hard:
        locks = locks.filter(account=account)
    return locks.order_by("at").values_list("text", flat=True).first()


def settings_of(account: Account, session: TradingSession) -> FillSettings:
    """The account's assumptions of fills; the session's jitter is its own."""
    return FillSettings(
        latency_ns=account.latency_ms * MS,
        jitter_ns=account.jitter_ms * MS,
        seed=session.pk.int % 2**31,
        preset=Preset[account.preset.upper()],
        bar_share=account.bar_share,
        slip=account.slip,
        assumed_ahead=account.assumed_ahead,
    )


def own_limits(account: Account) -> AccountLimits:
    """The user's own; those of a new account where none were saved."""
    return getattr(account, "limits", None) or AccountLimits(account=account)


def forced_limits(user: AbstractBaseUser | AnonymousUser) -> ForcedLimits | None:
    """Those that an admin forces on a user; None without any."""
    return getattr(user, "forced_limits", None)


def rules_of(account: Account, asset: Asset) -> Rules:
    """The limits of an account for trading an asset, as rules; without the facts of a stock's session."""
    own, forced = own_limits(account), forced_limits(account.owner)
    return merged([own] if forced is None else [own, forced], asset.root)


def merged(limits: Iterable[Limits], root: str) -> Rules:
    """The strictest of each limit."""
    every = list(limits)
    pauses = [each for each in every if each.cooldown_losses and each.cooldown_minutes]
    kept = [each for each in every if each.giveback_from is not None]
    hours: tuple[tuple[int, int], ...] = ()
    for each in every:
        hours = common_hours(hours, parse_hours(each.hours))
    return Rules(
        max_day_loss=_least_money(each.max_day_loss for each in every),
        max_day_loss_open=_least_money(each.max_day_loss_open for each in every),
        warn_percent=_least(each.warn_percent for each in every) or WARN_PERCENT,
        max_trade_loss=_least_money(each.max_trade_loss for each in every),
        max_order=_least(each.max_order for each in every),
        max_position_each=_least(each.max_position_of.get(root, each.max_position) for each in every),
        max_position_all=_least(each.max_position_all for each in every),
        max_trades=_least(each.max_trades for each in every),
        hours=hours,
        cooldown_losses=min((each.cooldown_losses for each in pauses), default=0),
        cooldown_ns=max((each.cooldown_minutes for each in pauses), default=0) * MINUTE_NS,
        giveback_from=_least_money(each.giveback_from for each in kept),
        giveback_percent=_least(each.giveback_percent or GIVEBACK_PERCENT for each in kept) or GIVEBACK_PERCENT,
        buying_power=any(each.buying_power for each in every),
        leverage=_least(each.leverage for each in every) or LEVERAGE,
        is_hard=any(each.is_hard for each in every),
    )


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _least_money(values: Iterable[Decimal | None]) -> int | None:
    dollars = min((value for value in values if value is not None), default=None)
    return None if dollars is None else int(dollars * PRICE_SCALE)


# --- telling the desks ---


def topic(owner_id: int) -> str:
    """The Channels group of what changes in a user's limits and locks."""
    return f"limits.{owner_id}"


def announce(owner_id: int) -> None:
    """Once this transaction is committed, have the user's desks look again."""
    transaction.on_commit(lambda: _publish(owner_id))


def _publish(owner_id: int) -> None:
    group = topic(owner_id)
    try:
        async_to_sync(get_channel_layer().group_send)(group, {"type": "hub.message", "topic": group, "body": {}})
    except (RedisError, OSError) as problem:
        # desks look for themselves every few seconds
        log.warning("limits of user %s: not told (%s)", owner_id, problem)
