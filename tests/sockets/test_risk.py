"""Limits and locks over the wire: they hold at once, wherever they were set, and cannot be walked around."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.test import Client

from replay.models import ReplaySession
from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server, Tab
from tests.sockets.test_left import seek
from tests.sockets.test_replay import ready
from tests.sockets.test_trading import clock_of, give, has, merged, money_of, orders, orders_of, play, submit
from tests.web.test_trading_accounts import FORM
from trading import limits
from trading.limits import announce
from trading.models import Account, AccountLimits, DayLock, EventRecord, FillRecord, ForcedLimits, LoggedCommand, Take
from trading.services import default_account, open_session, save_account

ONE_CENT = Decimal("0.01")
"""Less than the fees of any fill: the first one ends the day."""


@pytest.fixture(autouse=True)
def rich(people: People) -> None:
    """The owner's money is not what stops him."""
    account = default_account(people.owner.pk)
    account.cash = Decimal(10_000_000)
    account.save()


async def in_thread(call: Callable[[], Any]) -> Any:
    return await database_sync_to_async(call)()


def set_limits(people: People, **fields: Any) -> None:
    """The owner saves limits of his first account."""
    account = default_account(people.owner.pk)
    own = limits.own_limits(account)
    for name, value in fields.items():
        setattr(own, name, value)
    save_account(account, own)


def force(people: People, **fields: Any) -> None:
    """An admin forces limits on the owner."""
    ForcedLimits.objects.update_or_create(user=people.owner, defaults=fields)
    announce(people.owner.pk)


def log_kinds(replay: ReplaySession) -> list[str]:
    rows = LoggedCommand.objects.filter(take__session__replay=replay).order_by("take__number", "seq")
    return [row.kind for row in rows]


async def rejection(tab: Tab, name: str, **fields: Any) -> str:
    """Send an order that must be rejected; the words."""
    await submit(tab, name, **fields)
    known = await orders(tab, lambda known: known.get(name, {}).get("status") == "rejected")
    words: str = known[name]["text"]
    return words


async def logged(tab: Tab, part: str) -> str:
    """Wait for a line of the log with these words, which may have come already."""

    def lines(message: dict[str, Any]) -> list[str]:
        found = message.get("log", []) + ([message["line"]] if "line" in message else [])
        return [line["text"] for line in found]

    heard = [text for message in tab.messages for text in lines(message)]
    while not (found := [text for text in heard if part in text]):
        heard += lines(await tab.next())
    return found[0]


async def money(tab: Tab, that: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Read on until the account fulfils `that`."""
    told = [message["money"]["account"] for message in tab.messages if "money" in message]
    while not (told and that(told[-1])):
        message = await tab.next()
        if "money" in message:
            told.append(message["money"]["account"])
    return told[-1]


async def test_the_first_command_takes_the_limits_as_they_are(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    await in_thread(lambda: set_limits(people, max_order=2))
    tab = await ready(server, replay, people.owner)
    assert await rejection(tab, "big", quantity=3) == "max order size 2: this order has 3"
    assert await in_thread(lambda: log_kinds(replay)) == ["submit"]


async def test_limits_that_the_user_changes_hold_at_once_in_a_running_replay(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one")
    await in_thread(lambda: set_limits(people, max_order=2))
    await logged(tab, "The limits of the account have changed")
    assert await in_thread(lambda: log_kinds(replay)) == ["submit", "adopt"]
    assert await rejection(tab, "big", quantity=3) == "max order size 2: this order has 3"


async def test_assumptions_of_fills_that_the_user_changes_hold_at_once_and_are_in_the_log(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one")

    def change() -> None:
        account = default_account(people.owner.pk)
        account.latency_ms, account.preset = 1_500, "optimistic"
        save_account(account, limits.own_limits(account))

    await in_thread(change)
    await logged(tab, "The account's assumptions of fills have changed")
    assert await in_thread(lambda: log_kinds(replay)) == ["submit", "assume"]
    await submit(tab, "two")
    await tab.send(type="speed", value=100)
    await tab.send(type="play")
    await orders(tab, lambda known: known.get("two", {}).get("status") == "filled")
    first, second = await in_thread(lambda: list(FillRecord.objects.order_by("order", "number")))
    assert (first.why["latency_ns"], second.why["latency_ns"]) == (200_000_000, 1_500_000_000)


async def test_limits_changed_while_nobody_watched_hold_with_the_next_command(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one", limit=70_000, type="limit")
    await tab.send(type="order.cancel_all", id="none", ref="none")
    await tab.until("done", lambda message: message["ref"] == "none")
    await server.players.stop()
    await in_thread(lambda: set_limits(people, max_order=2))
    again = await ready(server, replay, people.owner)
    assert await rejection(again, "big", quantity=3) == "max order size 2: this order has 3"
    assert await in_thread(lambda: log_kinds(replay)) == ["submit", "cancel_all", "adopt", "submit"]


async def test_what_an_admin_forces_holds_in_other_accounts_replays_and_takes(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one")
    await in_thread(lambda: force(people, max_order=2))
    await logged(tab, "The limits of the account have changed")
    words = "max order size 2: this order has 3"
    assert await rejection(tab, "a", quantity=3) == words
    # one's own, wider limit does not help
    await in_thread(lambda: set_limits(people, max_order=50))
    assert await rejection(tab, "b", quantity=3) == words
    # nor does going back to before it was forced, into another take
    await tab.send(type="step", unit="second", count=1)
    await submit(tab, "later")
    await tab.send(type="step", unit="second", count=-1)
    await logged(tab, "Take 2 begins here")
    assert await rejection(tab, "c", quantity=3) == words
    # nor another account in another replay
    other = await opened("2026-03-17 10:00")
    await in_thread(lambda: trade_in_another_account(other))
    assert await rejection(await ready(server, other, people.owner), "d", quantity=3) == words


def trade_in_another_account(replay: ReplaySession) -> None:
    account = Account.objects.create(owner=replay.owner, name="Second", cash=Decimal(10_000_000))
    replay.trading = open_session(owner_id=replay.owner_id, asset=replay.asset, kind="replay", account=account)
    replay.save(update_fields=["trading"])


async def test_the_loss_of_the_day_cancels_all_flattens_and_locks_in_one_transaction(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    await in_thread(lambda: set_limits(people, max_day_loss=ONE_CENT))
    tab = await ready(server, replay, people.owner)
    await submit(tab, "far", limit=70_000, type="limit")
    await submit(tab, "one", quantity=2)
    await tab.send(type="speed", value=60)
    await tab.send(type="play")
    known = await orders(tab, lambda known: any(each["origin"] == "risk" for each in known.values()))
    known = await closed(tab, known)
    assert known["far"]["status"] == "cancelled"
    words = "max loss per day $0.01 (realised): −$"
    assert (await logged(tab, words)).startswith("Locked: ")
    account = await money(tab, lambda account: account["lock"] is not None)
    assert account["lock"].startswith(words)
    assert account["hard"] is False
    assert (await in_thread(transactions_of_the_lock)) == 1
    assert (await rejection(tab, "again")).startswith("the account is locked: max loss per day $0.01 (realised)")


async def closed(tab: Tab, known: dict[str, Any]) -> dict[str, Any]:
    """Read on until the order with which the rules closed the position is filled."""
    while not any(each["origin"] == "risk" and each["status"] == "filled" for each in known.values()):
        known = merged(known, await tab.next())
    return known


def transactions_of_the_lock() -> int:
    """Transactions that wrote the lock, the cancels and the closing order, which must all be there."""
    lock = EventRecord.objects.get(change="locked")
    rows = EventRecord.objects.filter(ns=lock.ns, number__gte=lock.number)
    assert {("locked", ""), ("cancelled", "far")} <= {(row.change, row.name) for row in rows}
    assert any(row.change == "pending" and row.name.startswith(".risk") for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT xmin::text) FROM trading_eventrecord WHERE id = ANY(%s)", [[row.pk for row in rows]]
        )
        count: int = cursor.fetchone()[0]
    return count


async def lock_hard(tab: Tab) -> None:
    await tab.send(type="lock", id="enough", reason="enough for today", hard=True, ref="enough")
    await tab.until("done", lambda message: message["ref"] == "enough")


async def test_a_hard_lock_holds_in_every_replay_of_the_account_on_that_market_day(
    people: People, opened: OpenReplay, server: Server
) -> None:
    first, running, day_before = await opened(), await opened("2026-03-17 11:00"), await opened("2026-03-16 11:00")
    tab = await ready(server, first, people.owner)
    beside = await ready(server, running, people.owner)
    await submit(beside, "one", limit=70_000, type="limit")
    await lock_hard(tab)
    locked = "the account is locked: enough for today"
    # in a replay that runs, at once: its orders are cancelled
    known = await orders(beside, lambda known: known.get("one", {}).get("status") == "cancelled")
    assert known["one"]["text"] == "the account is locked"
    assert await in_thread(lambda: log_kinds(running)) == ["submit", "lock"]
    # in one that is opened later, with the first command
    later = await opened("2026-03-17 14:00")
    assert await rejection(await ready(server, later, people.owner), "two") == locked
    assert await in_thread(lambda: log_kinds(later)) == ["lock", "submit"]
    # on the market day before nothing is locked, until the replay comes to 17:00 ET
    free = await ready(server, day_before, people.owner)
    await submit(free, "gtc", limit=70_000, type="limit", tif="gtc")
    assert await in_thread(lambda: log_kinds(day_before)) == ["submit"]
    await free.send(type="seek", et="2026-03-16 18:30")
    known = await orders(free, lambda known: known.get("gtc", {}).get("status") == "cancelled")
    assert await rejection(free, "three") == locked
    assert await in_thread(lambda: list(DayLock.objects.values_list("market_day", flat=True))) == [date(2026, 3, 17)]


async def test_a_hard_lock_holds_after_a_rewind_and_in_no_other_account(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await tab.send(type="step", unit="second", count=1)
    await submit(tab, "lock2", limit=70_000, type="limit")  # an id that the broker once used itself
    await lock_hard(tab)
    await tab.send(type="step", unit="second", count=-1)
    await logged(tab, "Take 2 begins here")
    assert await rejection(tab, "again") == "the account is locked: enough for today"
    other = await opened("2026-03-17 10:00")
    await in_thread(lambda: trade_in_another_account(other))
    free = await ready(server, other, people.owner)
    await submit(free, "free", limit=70_000, type="limit")
    await orders(free, lambda known: known.get("free", {}).get("status") == "pending")
    assert await in_thread(lambda: Take.objects.filter(session__replay=other).count()) == 1


async def test_where_hard_locks_are_forced_another_account_is_no_way_out(
    people: People, opened: OpenReplay, server: Server
) -> None:
    await in_thread(lambda: force(people, is_hard=True))
    tab = await ready(server, await opened(), people.owner)
    await lock_hard(tab)
    other = await opened("2026-03-17 10:00")
    await in_thread(lambda: trade_in_another_account(other))
    words = await rejection(await ready(server, other, people.owner), "free")
    assert words == "the account is locked: enough for today"


async def test_a_change_is_noticed_without_a_message(
    people: People, opened: OpenReplay, server: Server, monkeypatch: Any
) -> None:
    """In an outage of Valkey: the desk looks for itself every few seconds."""
    monkeypatch.setattr("trading.ruling.LOOK_SECONDS", 0.2)
    tab = await ready(server, await opened(), people.owner)
    await submit(tab, "one")
    account = await in_thread(lambda: default_account(people.owner.pk))
    await in_thread(lambda: AccountLimits.objects.create(account=account, max_order=2))
    await logged(tab, "The limits of the account have changed")
    assert await rejection(tab, "big", quantity=3) == "max order size 2: this order has 3"


# --- what the rules close with ---


async def lose_paused(tab: Tab) -> None:
    """Long 2 with an open loss, and the clock stands."""
    await submit(tab, "one", quantity=2)
    for minute in range(31, 60):
        await seek(tab, f"2026-03-17 09:{minute}")
        positions = money_of(tab)["positions"]
        if positions and Decimal(positions[0]["open"]) < 0:
            return
    raise AssertionError(orders_of(tab))


@pytest.mark.parametrize("hard", [False, True])
async def test_the_order_with_which_the_rules_close_a_position_is_not_the_trader_s(
    people: People, opened: OpenReplay, server: Server, hard: bool
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await lose_paused(tab)
    await in_thread(lambda: set_limits(people, max_day_loss_open=ONE_CENT, is_hard=hard))
    known = await orders(tab, lambda known: any(each["origin"] == "risk" for each in known.values()))
    (own,) = [each for each in known.values() if each["origin"] == "risk"]
    assert (own["fixed"], own["over"], known["one"]["fixed"]) == (True, False, False)
    await give(tab, "order.cancel", "x", order=own["id"])
    await give(tab, "order.replace", "y", order=own["id"], quantity=1)
    await give(tab, "order.cancel_all", "z")
    await play(tab, lambda known: known[own["id"]]["over"])
    assert orders_of(tab)[own["id"]]["status"] == "filled"
    assert money_of(tab)["positions"][0]["quantity"] == 0
    words = "the account's rules close the position with it, and it stays as it is"
    refused = await in_thread(lambda: list(EventRecord.objects.filter(change="refused").values_list("name", "text")))
    assert refused == [(own["id"], words)] * 2


async def test_a_log_from_before_there_were_editions_comes_out_as_it_was_and_goes_on_by_the_new_rules(
    people: People, opened: OpenReplay, server: Server
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one", quantity=2)
    await play(tab, has("one", "filled"))
    await server.players.stop()

    def make_old() -> None:
        take = Take.objects.get()
        del take.settings["edition"]
        take.save()

    await in_thread(make_old)
    again = await ready(server, replay, people.owner)
    await submit(again, "two", limit=70_000, type="limit")
    assert await in_thread(lambda: log_kinds(replay)) == ["submit", "assume", "submit"]
    assert "assumptions" not in str([message for message in again.messages if message["type"] == "log"])
    assert await in_thread(lambda: Take.objects.count()) == 1


def wait_for_record(ns: int) -> None:
    """Where the clock stands is written down every second."""
    while not ReplaySession.objects.filter(playhead_ns=ns).exists():
        time.sleep(0.05)


async def test_a_limit_that_is_passed_already_is_asked_about_and_told(
    people: People, opened: OpenReplay, server: Server
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await lose_paused(tab)
    contract = money_of(tab)["positions"][0]["contract"]
    await in_thread(lambda: wait_for_record(int(clock_of(tab)["playhead"])))
    browser, account = Client(), await in_thread(lambda: default_account(people.owner.pk))
    await in_thread(lambda: browser.force_login(people.owner))
    form = FORM | {"name": account.name, "cash": "10000000", "max_day_loss_open": "0.01"}

    def post(**more: str) -> Any:
        return browser.post(f"/accounts/{account.pk}/", form | more)

    asked = await in_thread(post)
    words = f"Saving this closes long 2 {contract} at the market and locks the day."
    assert asked.status_code == 422
    assert "NQ: max loss per day $0.01 (with what is open): −$" in asked.content.decode()
    assert words in asked.content.decode()
    assert 'name="confirmed"' in asked.content.decode()
    assert not await in_thread(AccountLimits.objects.exclude(max_day_loss_open=None).exists)
    done = await in_thread(lambda: post(confirmed="yes"))
    assert done.status_code == 302
    page = (await in_thread(lambda: browser.get("/accounts/"))).content.decode()
    assert f"Long 2 {contract} is closed at the market, and the day is locked." in page
    await orders(tab, lambda known: any(each["origin"] == "risk" for each in known.values()))
    # a limit that is not passed is saved without a question
    assert (await in_thread(lambda: post(max_day_loss_open="900000"))).status_code == 302
