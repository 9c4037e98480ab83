"""What the database refuses in the rooms that trade, one bad row for each rule."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from journal.models import Trade
from journal.services import read_new
from live.models import FrontMonth
from market.models import Contract
from tests.conftest import People
from tests.journaling import take_of
from trading.models import (
    Account,
    DayLock,
    EventRecord,
    FillRecord,
    LoggedCommand,
    OrderRecord,
    Pin,
    Take,
)

DAY = date(2026, 3, 17)


class Desk:
    """A take of the owner with an entry and an exit, and rows to add to it."""

    def __init__(self, people: People) -> None:
        self.owner = people.owner
        self.take = take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2))
        self.account = self.take.session.account
        self.june = Contract.objects.get_or_create(
            asset=self.take.session.asset, year=2026, month=6, defaults={"raw_symbol": "NQM6"}
        )[0]
        read_new(people.owner.pk)
        self.trade = Trade.objects.get()

    def again(self, model: Any, **changed: Any) -> Any:
        """The take's first row of a model once more, with other fields."""
        row = model.objects.filter(take=self.take).order_by("pk")[0]
        row.pk = None
        row._state.adding = True
        for name, value in changed.items():
            setattr(row, name, value)
        row.save(force_insert=True)

    def command(self, **changed: Any) -> None:
        good = {"take": self.take, "seq": 1, "playhead_ns": 1, "kind": "cancel_all", "name": "a", "payload": {}}
        LoggedCommand.objects.create(**good | changed)

    def order(self) -> None:
        OrderRecord.objects.create(
            take=self.take, number=9, name="a", contract="NQM6", side=1, type="market", tif="day", quantity=1,
            filled=0, status="working", cause="user", is_exit=False, is_short=False, origin="ticket", placed_ns=1,
        )  # fmt: skip

    def pin(self) -> None:
        Pin.objects.create(take=self.take, contract=self.june, trade_date=DAY, grade="bars", checksums={})

    def account_with(self, **changed: Any) -> None:
        Account.objects.create(**{"owner": self.owner, "name": "Second"} | changed)

    def change(self, model: Any, **changed: Any) -> None:
        model.objects.filter(pk=self.trade.pk).update(**changed)

    def lock(self) -> None:
        DayLock.objects.create(account=self.account, market_day=DAY, text="loss")

    def front(self) -> None:
        FrontMonth.objects.create(asset=self.june.asset, trade_date=DAY, contract=self.june)


@pytest.fixture
def desk(assets: None, people: People) -> Desk:
    return Desk(people)


BAD_ROWS: list[tuple[str, Callable[[Desk], Any]]] = [
    ("trading_account_once", lambda desk: desk.account_with(name=desk.account.name)),
    ("trading_account_cash", lambda desk: desk.account_with(cash=0)),
    ("trading_account_share", lambda desk: desk.account_with(bar_share=101)),
    ("day_lock_once", lambda desk: [desk.lock(), desk.lock()]),
    ("take_once", lambda desk: Take.objects.create(
        session=desk.take.session, number=1, start_ns=1, cash=1, settings={}, rules={}, instruments=[])),
    ("take_fork", lambda desk: Take.objects.create(
        session=desk.take.session, number=2, start_ns=1, cash=1, settings={}, rules={}, instruments=[])),
    ("take_left", lambda desk: Take.objects.update(left_ns=1)),
    ("pin_once", lambda desk: [desk.pin(), desk.pin()]),
    ("command_once", lambda desk: [desk.command(), desk.command(name="b")]),
    ("command_name_once", lambda desk: [desk.command(), desk.command(seq=2)]),
    ("order_once", lambda desk: [desk.order(), desk.order()]),
    ("event_once", lambda desk: desk.again(EventRecord)),
    ("fill_once", lambda desk: desk.again(FillRecord)),
    ("fill_quantity", lambda desk: desk.again(FillRecord, number=9, quantity=0)),
    ("trade_once", lambda desk: desk.again(Trade)),
    ("trade_quantity", lambda desk: desk.change(Trade, quantity=0)),
    ("trade_exit", lambda desk: desk.change(Trade, exit_ns=None)),
    ("trade_net", lambda desk: desk.change(Trade, net=12345)),
    ("front_month_once", lambda desk: [desk.front(), desk.front()]),
]  # fmt: skip


@pytest.mark.parametrize(("constraint", "make"), BAD_ROWS)
def test_the_database_refuses_a_bad_row(desk: Desk, constraint: str, make: Callable[[Desk], Any]) -> None:
    with pytest.raises(IntegrityError, match=f'"{constraint}"'), transaction.atomic():
        make(desk)


def test_every_constraint_has_its_bad_row() -> None:
    ours = [model for app in ("trading", "journal", "live") for model in apps.get_app_config(app).get_models()]
    named = {constraint.name for model in ours for constraint in model._meta.constraints}
    assert named == {name for name, _ in BAD_ROWS}
