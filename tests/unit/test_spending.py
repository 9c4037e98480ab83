"""The cost guard: what is asked, what is refused, what is written down. Real client, real sockets."""

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum

from market import ingest, jobs, queue, spending, tasks
from market.databento_historical import Request
from market.models import Asset, Coverage, Job, Purchase, SpendingLimits
from market.models.spending import spent
from market.money import dollars, estimate
from market.plans import Window
from market.spending import LimitReached, NeedsApproval, Purse
from tests.conftest import People
from tests.filegateway import Records
from tests.unit.test_ingest import window

ONE = Request("GLBX.MDP3", "ohlcv-1s", ("NQM6",), 0, 1)
TWO = Request("GLBX.MDP3", "ohlcv-1s", ("NQM6",), 1, 2)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests call the task where they want it to have run."""
    monkeypatch.setattr(tasks.prepare_window, "delay", lambda job_id: None)


@pytest.fixture
def limits(db: None) -> SpendingLimits:
    """Ask above $1, $20 a user and $100 in all a day."""
    return SpendingLimits.current()


def change(limits: SpendingLimits, **values: str) -> None:
    for name, value in values.items():
        setattr(limits, name, Decimal(value))
    limits.save()


def running(user: Any = None, **fields: Any) -> Job:
    return Job.objects.create(kind="replay data", asked_by=user, state="running", **fields)


def costs(*prices: str) -> Any:
    """A gateway's prices: of ONE, and of TWO."""
    return dict(zip((ONE, TWO), map(Decimal, prices), strict=False)).__getitem__


def buy(user: Any, cost: str, job: Job | None = None) -> Purchase:
    return Purchase.objects.create(
        day=spending.today(), user=user, job=job, source="Databento", dataset="GLBX.MDP3", schema="ohlcv-1s",
        symbols="NQM6", start_ns=0, end_ns=1, records=1, cost=Decimal(cost),
    )  # fmt: skip


# --- asking -----------------------------------------------------------------------------------------


def test_what_costs_no_more_than_the_budget_is_not_asked(limits: SpendingLimits) -> None:
    job = running()
    Purse(job).afford([ONE, TWO], costs("0.40", "0.60"))
    job.refresh_from_db()
    assert (job.cost, job.reserved) == (1, 1)


def test_what_costs_more_is_asked_with_its_sum(limits: SpendingLimits) -> None:
    job = running()
    with pytest.raises(NeedsApproval, match=r"about \$1.01\.") as question:
        Purse(job).afford([ONE, TWO], costs("0.40", "0.601"))
    assert question.value.cost == Decimal("1.001")
    job.refresh_from_db()
    assert (job.cost, job.reserved) == (None, 0)


def test_what_the_job_bought_before_counts(limits: SpendingLimits) -> None:
    job = running()
    buy(None, "0.70", job)
    with pytest.raises(NeedsApproval) as question:
        Purse(job).afford([ONE], costs("0.40"))
    assert question.value.cost == Decimal("0.40")


def test_what_was_approved_is_not_asked_again_and_what_costs_clearly_more_is(limits: SpendingLimits) -> None:
    job = running(approved=Decimal("5.00"))
    Purse(job).afford([ONE], costs("5.50"))
    with pytest.raises(NeedsApproval):
        Purse(job).afford([ONE], costs("5.51"))


def test_what_is_free_is_neither_asked_nor_set_aside(limits: SpendingLimits) -> None:
    change(limits, confirm_above="0", user_daily="0", installation_daily="0")
    job = running()
    Purse(job).afford([ONE], costs("0"))
    job.refresh_from_db()
    assert (job.cost, job.reserved) == (None, 0)


def test_a_request_that_was_not_announced_is_a_question_of_its_own(limits: SpendingLimits) -> None:
    purse = Purse(running())
    with pytest.raises(NeedsApproval):
        purse.begin(TWO, costs("0", "3"))
    purse.afford([ONE], costs("0.5"))
    purse.begin(ONE, costs("0.5"))
    with pytest.raises(NeedsApproval):
        purse.begin(TWO, costs("0", "3"))


def test_a_download_that_is_made_twice_is_paid_twice_and_asked_when_it_is_too_much(limits: SpendingLimits) -> None:
    job = running()
    purse = Purse(job)
    purse.afford([ONE], costs("0.8"))
    purse.begin(ONE, costs("0.8"))
    purse.pay(ONE, 7, "Databento")
    with pytest.raises(NeedsApproval):
        purse.begin(ONE, costs("0.8"))
    assert Purchase.objects.count() == 1


# --- limits -----------------------------------------------------------------------------------------


def test_a_users_day_ends_at_his_limit_with_figures(limits: SpendingLimits, people: People) -> None:
    buy(people.owner, "18.40")
    job = running(people.owner, approved=Decimal(9))
    with pytest.raises(LimitReached) as reached:
        Purse(job).afford([ONE], costs("3.10"))
    assert str(reached.value) == (
        "Your limit is $20.00 a day; $18.40 is spent and this needs about $3.10. Ask an admin, or try again tomorrow."
    )
    Purse(job).afford([ONE], costs("1.60"))


def test_anothers_spending_is_not_ones_own(limits: SpendingLimits, people: People) -> None:
    buy(people.colleague, "19.90")
    Purse(running(people.owner, approved=Decimal(9))).afford([ONE], costs("3.10"))


def test_all_users_together_have_a_limit_too(limits: SpendingLimits, people: People) -> None:
    change(limits, installation_daily="25")
    buy(people.colleague, "19.00")
    buy(None, "5.00")
    job = running(people.owner, approved=Decimal(9))
    with pytest.raises(LimitReached, match=r"all users together is \$25.00 a day; \$24.00 is spent"):
        Purse(job).afford([ONE], costs("1.01"))


def test_yesterdays_spending_does_not_count(limits: SpendingLimits, people: People) -> None:
    buy(people.owner, "20.00")
    Purchase.objects.update(day=date(2026, 1, 1))
    Purse(running(people.owner)).afford([ONE], costs("0.50"))


def test_what_never_fits_into_a_day_is_not_put_off_until_tomorrow(limits: SpendingLimits, people: People) -> None:
    with pytest.raises(LimitReached, match="Ask an admin, or choose less"):
        Purse(running(people.owner, approved=Decimal(99))).afford([ONE], costs("30"))


def test_a_limit_is_told_before_a_question_is_asked(limits: SpendingLimits, people: People) -> None:
    with pytest.raises(LimitReached):
        Purse(running(people.owner)).afford([ONE], costs("30"))


def test_what_another_job_of_the_user_is_downloading_counts(limits: SpendingLimits, people: People) -> None:
    running(people.owner, reserved=Decimal(15))
    job = running(people.owner, approved=Decimal(9))
    with pytest.raises(LimitReached, match=r"\$0.00 is spent, \$15.00 more is being downloaded and this needs"):
        Purse(job).afford([ONE], costs("6"))
    Job.objects.filter(reserved=15).update(state="cancelled")
    Purse(job).afford([ONE], costs("6"))


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_do_not_overrun_the_limit_together(people: People) -> None:
    start, refused = threading.Barrier(4), []
    tasks_ = [running(people.owner, approved=Decimal(9)) for _ in range(4)]

    def spend(job: Job) -> None:
        start.wait()
        try:
            Purse(job).afford([ONE], costs("9"))
        except LimitReached:
            refused.append(job)
        finally:
            connection.close()

    threads = [threading.Thread(target=spend, args=[job]) for job in tasks_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 2
    assert Job.objects.aggregate(total=Sum("reserved"))["total"] == 18


# --- the ledger -------------------------------------------------------------------------------------


def test_a_download_is_written_down_and_leaves_what_was_set_aside(limits: SpendingLimits, people: People) -> None:
    job = running(people.owner)
    purse = Purse(job)
    purse.afford([ONE, TWO], costs("0.40", "0.25"))
    purse.begin(ONE, costs("0.40"))
    purse.pay(ONE, 1_234, "Databento")
    bought = Purchase.objects.get()
    assert (bought.day, bought.user, bought.job, bought.records) == (spending.today(), people.owner, job, 1_234)
    assert (bought.source, bought.schema, bought.symbols, bought.cost) == (
        "Databento", "ohlcv-1s", "NQM6", Decimal("0.40"),
    )  # fmt: skip
    job.refresh_from_db()
    assert job.reserved == Decimal("0.25")
    assert (spent(spending.today()), spent(spending.today(), people.colleague.pk)) == (Decimal("0.40"), 0)


def test_many_symbols_are_written_down_as_the_first_and_the_last(limits: SpendingLimits) -> None:
    purse, many = Purse(running()), Request("X", "ohlcv-1d", tuple(f"CLA{n:04}" for n in range(60)), 0, 1, "raw_symbol")
    purse.begin(many, lambda request: Decimal("0.1"))
    purse.pay(many, 1, "Databento")
    assert Purchase.objects.get().symbols == "CLA0000 … CLA0059 (60)"


def test_the_ledger_waits_for_a_database_that_is_restarted(
    limits: SpendingLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failures = Purse._write, [OperationalError(), OperationalError()]

    def flaky(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        write(*arguments)

    monkeypatch.setattr(Purse, "_write", flaky)
    monkeypatch.setattr(spending, "LEDGER_PAUSE_SECONDS", 0)
    monkeypatch.setattr(spending.connection, "close", lambda: None)
    purse = Purse(running())
    purse.begin(ONE, costs("0.1"))
    purse.pay(ONE, 1, "Databento")
    assert Purchase.objects.count() == 1


# --- a whole job ------------------------------------------------------------------------------------


@pytest.fixture
def paid(small_market: Records) -> Records:
    """The small market at a tenth of a cent a record: some seven dollars for `window()`."""
    small_market.dollars_a_record = 0.001
    return small_market


def job_for(user: Any, wanted: Window | None = None) -> Job:
    params = tasks.window_params(wanted or window())
    return queue.submit(kind=tasks.REPLAY_DATA, params=params, asked_by_id=user.pk)


def run(job: Job) -> Job:
    tasks.prepare_window(job.pk)
    job.refresh_from_db()
    return job


def test_a_dear_download_waits_for_a_yes_and_then_happens(paid: Records, people: People) -> None:
    job = run(job_for(people.owner))
    assert job.state == "asking"
    assert job.cost is not None
    assert job.message == f"This download costs about {estimate(job.cost)}."
    assert Coverage.objects.count() == 0
    queue.approve(job, cost=estimate(job.cost))
    assert run(job).state == "done"
    rows = Coverage.objects.aggregate(rows=Sum("rows"))["rows"]
    seconds = Purchase.objects.filter(schema="ohlcv-1s").aggregate(Sum("records"), Sum("cost"))
    assert seconds == {"records__sum": rows, "cost__sum": job.cost}
    assert set(Purchase.objects.values_list("user", "job", "day")) == {(people.owner.pk, job.pk, spending.today())}
    assert job.reserved == 0


def test_a_cheap_download_is_not_asked(paid: Records, people: People) -> None:
    paid.dollars_a_record = 0.00001
    assert run(job_for(people.owner)).state == "done"
    assert Purchase.objects.exists()


def test_the_worker_goes_on_with_other_work_while_a_job_asks(paid: Records, people: People) -> None:
    asking = run(job_for(people.owner))
    paid.dollars_a_record = 0
    assert run(job_for(people.colleague)).state == "done"
    asking.refresh_from_db()
    assert asking.state == "asking"


def test_running_a_job_again_writes_nothing_more_down(paid: Records, people: People) -> None:
    paid.dollars_a_record = 0.00001
    job = run(job_for(people.owner))
    before = list(Purchase.objects.values())
    Job.objects.filter(pk=job.pk).update(state="running")
    assert run(job).state == "done"
    assert list(Purchase.objects.values()) == before


def test_a_download_that_came_counts_although_its_job_crashed(
    paid: Records, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid.dollars_a_record = 0.00001
    job = job_for(people.owner)
    with monkeypatch.context() as crashing:
        crashing.delattr(ingest, "record")
        with pytest.raises(NameError):
            run(job)
    lost = Purchase.objects.filter(schema="ohlcv-1s").get()
    assert run(job_for(people.owner)).state == "done"
    again = Purchase.objects.filter(schema="ohlcv-1s", start_ns=lost.start_ns, symbols=lost.symbols)
    assert again.count() == 2


def test_a_job_that_became_clearly_dearer_asks_again(paid: Records, people: People) -> None:
    job = run(job_for(people.owner))
    cheap = job.cost
    assert cheap is not None
    queue.approve(job, cost=estimate(cheap))
    paid.dollars_a_record *= 2
    assert run(job).state == "asking"
    assert job.cost == 2 * cheap


def test_a_yes_holds_for_the_figure_that_was_shown(paid: Records, people: People) -> None:
    job = run(job_for(people.owner))
    with pytest.raises(queue.Stale, match="has changed"):
        queue.approve(job, cost="$0.01")
    job.refresh_from_db()
    assert job.state == "asking"


def test_a_job_that_does_not_ask_takes_no_yes(paid: Records, people: People) -> None:
    job = run(job_for(people.owner))
    assert job.cost is not None
    jobs.cancel(job)
    with pytest.raises(queue.Stale, match="not waiting"):
        queue.approve(job, cost=estimate(job.cost))
    assert run(job).state == "cancelled"


def test_a_limit_fails_the_job_with_its_figures(paid: Records, people: People, limits: SpendingLimits) -> None:
    change(limits, user_daily="1.00")
    job = run(job_for(people.owner))
    assert job.state == "failed"
    assert job.message.startswith("Your limit is $1.00 a day; $")
    assert Coverage.objects.count() == 0


def test_the_synthetic_market_is_free_unless_the_limits_are_tried_out(
    paid: Records, people: People, limits: SpendingLimits, settings: Any
) -> None:
    settings.SYNTHETIC_MARKET = True
    limits.counts_synthetic = True
    limits.save()
    assert run(job_for(people.owner)).state == "asking"
    limits.counts_synthetic = False
    limits.save()
    assert run(job_for(people.owner)).state == "done"
    assert not Purchase.objects.filter(schema="ohlcv-1s").exists()
    assert sum("get_cost" in call for call in paid.calls) > 0


def test_nobody_is_asked_for_what_is_stored(paid: Records, people: People) -> None:
    paid.dollars_a_record = 0
    run(job_for(people.owner))
    paid.dollars_a_record, before = 1.0, len(paid.calls)
    assert run(job_for(people.owner)).state == "done"
    assert not [call for call in paid.calls[before:] if "get_cost" in call or "get_range" in call]


def test_a_retry_is_a_new_job_with_the_same_work(paid: Records, people: People) -> None:
    job = run(job_for(people.owner))
    with pytest.raises(queue.Stale):
        queue.retry(job)
    jobs.cancel(job)
    again = queue.retry(job)
    assert (again.kind, again.params, again.asked_by, again.state) == (job.kind, job.params, people.owner, "queued")
    assert (again.pk, again.approved) != (job.pk, job.approved)


@pytest.mark.parametrize(
    ("amount", "as_spent", "as_estimate"),
    [
        ("0", "$0.00", "$0.00"),
        ("0.001", "$0.00", "$0.01"),
        ("2.425", "$2.43", "$2.43"),
        ("1018.4", "$1,018.40", "$1,018.40"),
    ],
)
def test_dollars_are_written_as_people_read_them(amount: str, as_spent: str, as_estimate: str) -> None:
    assert (dollars(Decimal(amount)), estimate(Decimal(amount))) == (as_spent, as_estimate)


def test_the_limits_are_one_row(limits: SpendingLimits) -> None:
    assert SpendingLimits.current() == limits
    assert Asset.objects.count() == 0
