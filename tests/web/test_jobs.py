"""The page of jobs: one's own, an admin's of everybody; cancel, yes, retry."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from market import spending
from market.gateway_errors import GatewayError
from market.models import Job, Purchase, SpendingLimits
from tests.conftest import People
from tests.web.conftest import logged_in

PARAMS = {
    "root": "NQ", "first": "2026-03-04", "last": "2026-03-25", "entry": "2026-03-18", "history_from": "2025-03-18",
}  # fmt: skip
HTMX = {"HX-Request": "true"}


def make(user: Any, state: str, **fields: Any) -> Job:
    return Job.objects.create(kind="replay data", asked_by=user, state=state, params=PARAMS, **fields)


def asking(user: Any, cost: str = "2.43") -> Job:
    text = f"This download costs about ${cost}."
    return make(user, "asking", cost=Decimal(cost), message=text)


def page_of(browser: Client, address: str = "/jobs/", **headers: str) -> str:
    answer = browser.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def rows_in(page: str) -> list[str]:
    return [part.split("</tr>")[0] for part in page.split('<tr id="job-')[1:]]


def post(browser: Client, job: Job | int, action: str, *, htmx: bool = True, **form: str) -> Any:
    number = job if isinstance(job, int) else job.pk
    return browser.post(f"/jobs/{number}/{action}", form, headers=HTMX if htmx else {})


# --- the list ---------------------------------------------------------------------------------------


def test_a_user_sees_his_own_jobs_the_newest_first(owner: Client, people: People) -> None:
    first, _, third = make(people.owner, "done"), make(people.colleague, "done"), make(people.owner, "queued")
    rows = rows_in(page_of(owner))
    assert [row.split('"')[0] for row in rows] == [str(third.pk), str(first.pk)]


def test_an_admin_sees_everybodys_and_chooses_a_user(admin: Client, people: People) -> None:
    mine, theirs, nobodys = (make(user, "done") for user in (people.owner, people.colleague, None))
    page = page_of(admin)
    assert len(rows_in(page)) == 3
    assert ">colleague</option>" in page
    assert ">futsim</td>" in page
    (row,) = rows_in(page_of(admin, f"/jobs/?user={people.colleague.pk}"))
    assert row.startswith(str(theirs.pk))
    assert {mine.pk, nobodys.pk} == {job.pk for job in Job.objects.exclude(pk=theirs.pk)}


def test_a_row_tells_what_it_is_and_how_it_stands(owner: Client, people: People) -> None:
    make(people.owner, "running", done=5, total=20, rate=2.5, message="NQM6 ohlcv-1s: stored 2026-03-18")
    (row,) = rows_in(page_of(owner))
    for part in (
        "replay data", "NQ 2026-03-04 to 2026-03-25", ">running<", 'aria-valuenow="25"', "5 of 20",
        'data-rate="2.5000" data-eta="6"', "NQM6 ohlcv-1s: stored 2026-03-18", ">Cancel</button>",
    ):  # fmt: skip
        assert part in row
    assert ">Retry</button>" not in row


def test_a_question_stands_in_its_row_with_both_buttons(owner: Client, people: People) -> None:
    asking(people.owner)
    (row,) = rows_in(page_of(owner))
    for part in ("This download costs about $2.43.", ">Download</button>", ">Cancel</button>", 'value="$2.43"'):
        assert part in row


def test_why_a_job_failed_is_told_in_the_gateways_words_with_what_to_do(owner: Client, people: People) -> None:
    problem = GatewayError(402, "account_insufficient_funds", "Account balance is too low.", {})
    make(people.owner, "failed", message=str(problem))
    (row,) = rows_in(page_of(owner))
    assert "402: Account balance is too low. The Databento account lacks funds. Add funds" in row
    assert ">Retry</button>" in row


def test_what_a_job_cost_is_shown(owner: Client, people: People) -> None:
    job = make(people.owner, "done")
    for cost in ("1.20", "0.36"):
        buy(people.owner, cost, job)
    (row,) = rows_in(page_of(owner))
    assert "$1.56" in row


def test_a_message_is_shown_as_it_is(owner: Client, people: People) -> None:
    make(people.owner, "failed", message="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page_of(owner)


def test_fifty_jobs_are_a_page(owner: Client, people: People) -> None:
    Job.objects.bulk_create(Job(kind="x", asked_by=people.owner, state="done") for _ in range(51))
    page = page_of(owner)
    last = rows_in(page)[-1].split('"')[0]
    assert len(rows_in(page)) == 50
    assert f'href="?before={last}"' in page
    assert len(rows_in(page_of(owner, f"/jobs/?before={last}"))) == 1


def test_htmx_gets_the_list_alone(owner: Client, people: People) -> None:
    make(people.owner, "done")
    page = page_of(owner, **HTMX)
    assert page.lstrip().startswith('<div id="jobs"')
    assert "<html" not in page


def test_the_page_is_linked_on_every_page(owner: Client) -> None:
    assert '<a href="/jobs/">Jobs</a>' in page_of(owner, "/replay/")


@pytest.mark.parametrize("query", ["user=x", "before=x", "user=1.5", "before=-", "user=%00"])
def test_an_address_that_means_nothing_is_a_404(owner: Client, admin: Client, query: str) -> None:
    for browser in (owner, admin):
        assert browser.get(f"/jobs/?{query}").status_code == 404


@pytest.mark.parametrize("query", ["user=99999999999999999999", "before=99999999999999999999", "before=-1"])
def test_an_address_far_out_shows_what_there_is(admin: Client, people: People, query: str) -> None:
    make(people.owner, "done")
    assert admin.get(f"/jobs/?{query}").status_code == 200


def test_a_user_does_not_see_anothers_by_asking_for_him(owner: Client, people: People) -> None:
    make(people.colleague, "done")
    assert rows_in(page_of(owner, f"/jobs/?user={people.colleague.pk}")) == []


# --- what is spent ----------------------------------------------------------------------------------


def buy(user: Any, cost: str, job: Job | None = None, day: date | None = None) -> None:
    Purchase.objects.create(
        day=day or spending.today(), user=user, job=job, source="Databento", dataset="GLBX.MDP3", schema="ohlcv-1s",
        symbols="NQM6", start_ns=0, end_ns=1, records=7, cost=Decimal(cost),
    )  # fmt: skip


def test_a_user_sees_what_he_spent_today(owner: Client, people: People) -> None:
    buy(people.owner, "3.456")
    buy(people.owner, "9.00", day=date(2026, 1, 2))
    buy(people.colleague, "5.00")
    make(people.owner, "running", reserved=Decimal("1.50"))
    page = page_of(owner)
    assert "Spent today: <b>$3.46</b> of your $20.00, $1.50 more is being downloaded" in page
    assert "All spending" not in page


def test_the_synthetic_market_costs_nothing(owner: Client, settings: Any) -> None:
    settings.SYNTHETIC_MARKET = True
    assert "Downloads from the synthetic market cost nothing." in page_of(owner)
    SpendingLimits.objects.update(counts_synthetic=True)
    assert "Spent today" in page_of(owner)


# --- answers ----------------------------------------------------------------------------------------


def test_a_yes_queues_the_job(
    owner: Client, people: People, queued: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    job = asking(people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(owner, job, "approve", cost="$2.43")
    job.refresh_from_db()
    assert (job.state, job.approved, queued) == ("queued", Decimal("2.43"), [job.pk])
    assert answer.status_code == 200
    assert answer.content.decode().startswith(f'<tr id="job-{job.pk}"')


def test_a_yes_to_another_figure_is_refused_and_said_so(owner: Client, people: People, queued: list[int]) -> None:
    job = asking(people.owner)
    for cost in ("$2.42", "", "2.43"):
        answer = post(owner, job, "approve", cost=cost)
        assert "has changed" in answer.headers["HX-Trigger"]
    job.refresh_from_db()
    assert (job.state, queued) == ("asking", [])


@pytest.mark.parametrize("state", ["queued", "asking", "running"])
def test_a_job_that_is_not_over_is_cancelled(owner: Client, people: People, state: str) -> None:
    job = make(people.owner, state)
    row = post(owner, job, "cancel").content.decode()
    job.refresh_from_db()
    assert (job.state, job.message) == ("cancelled", "Cancelled.")
    assert ">Retry</button>" in row


@pytest.mark.parametrize(
    ("state", "action", "words"),
    [
        ("done", "cancel", "was over already"),
        ("done", "retry", "did not fail"),
        ("running", "retry", "did not fail"),
        ("running", "approve", "has changed"),
    ],
)
def test_what_cannot_be_done_is_said_so(owner: Client, people: People, state: str, action: str, words: str) -> None:
    job = make(people.owner, state)
    assert words in post(owner, job, action).headers["HX-Trigger"]
    assert words in owner.get(post(owner, job, action, htmx=False).url).content.decode()
    job.refresh_from_db()
    assert (job.state, Job.objects.count()) == (state, 1)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_retry_is_a_new_job(
    owner: Client, people: People, queued: list[int], django_capture_on_commit_callbacks: Any, state: str
) -> None:
    job = make(people.owner, state)
    with django_capture_on_commit_callbacks(execute=True):
        assert post(owner, job, "retry", htmx=False).url == "/jobs/"
    new = Job.objects.exclude(pk=job.pk).get()
    assert (new.kind, new.params, new.asked_by, new.state) == (job.kind, PARAMS, people.owner, "queued")
    assert queued == [new.pk]


def test_a_job_of_the_console_is_not_tried_again_here(owner: Client, people: People) -> None:
    job = Job.objects.create(kind="download day", asked_by=people.owner, state="failed", params={"what": "NQM6 trades"})
    (row,) = rows_in(page_of(owner))
    assert "NQM6 trades" in row
    assert ">Retry</button>" not in row
    assert "run it again" in post(owner, job, "retry").headers["HX-Trigger"]


def test_a_refresh_is_not_tried_again_beside_another(admin: Client) -> None:
    failed, _ = (
        Job.objects.create(kind="history", state=state, params={"roots": None}) for state in ("failed", "queued")
    )
    assert "being done already" in post(admin, failed, "retry").headers["HX-Trigger"]
    assert "all assets" in page_of(admin)


def test_an_admin_answers_for_others(admin: Client, people: People) -> None:
    job = asking(people.owner)
    post(admin, job, "approve", cost="$2.43")
    job.refresh_from_db()
    assert (job.state, job.asked_by) == ("queued", people.owner)


# --- strangers --------------------------------------------------------------------------------------

ACTIONS = ["approve", "cancel", "retry"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("htmx", [True, False])
def test_a_colleague_cannot_tell_somebody_elses_job_from_none(
    colleague: Client, people: People, action: str, htmx: bool
) -> None:
    for job in (asking(people.owner), make(people.owner, "failed"), make(None, "running")):
        before = Job.objects.values().get(pk=job.pk)
        theirs, none = (post(colleague, each, action, htmx=htmx, cost="$2.43") for each in (job, 999_999))
        assert (theirs.status_code, none.status_code) == (404, 404)
        assert Job.objects.values().get(pk=job.pk) == before
    assert Job.objects.count() == 3


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_no_link(owner: Client, people: People, action: str) -> None:
    assert owner.get(f"/jobs/{asking(people.owner).pk}/{action}").status_code == 405


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_of_another_site_does_nothing(people: People, action: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    job = asking(people.owner)
    assert post(browser, job, action, cost="$2.43").status_code == 403
    assert Job.objects.get().state == "asking"


@pytest.mark.parametrize("number", ["99999999999999999999", "x", "-1", "1.5"])
def test_a_number_of_no_job_is_a_404(admin: Client, number: str) -> None:
    assert admin.post(f"/jobs/{number}/cancel").status_code == 404


def test_who_is_not_logged_in_is_asked_to(people: People) -> None:
    job = asking(people.owner)
    assert Client().get("/jobs/").url == "/account/login/?next=/jobs/"
    assert Client().post(f"/jobs/{job.pk}/cancel").url.startswith("/account/login/")


# --- the ledger -------------------------------------------------------------------------------------


def test_the_ledger_sums_purchases_by_day_user_and_schema(admin: Client, people: People) -> None:
    for cost in ("1.00", "2.50"):
        buy(people.owner, cost, day=date(2026, 1, 2))
    buy(None, "0.25", day=date(2026, 1, 2))
    buy(people.owner, "7.00", day=date(2026, 1, 3))
    buy(people.owner, "9.00", day=date(2026, 2, 1))
    page = page_of(admin, "/spending/?month=2026-01")
    days = [part.split("</tbody>")[0] for part in page.split('<tr class="list-sum">')[1:]]
    assert [day.split(">")[1].split("<")[0] for day in days] == ["Sat 2026-01-03", "Fri 2026-01-02"]
    assert "$7.00" in days[0]
    for part in ("$3.75", "$3.50", "$0.25", ">owner<", ">futsim<", ">14<", ">2<"):
        assert part in days[1]
    assert "$10.75" in page
    assert 'href="?month=2025-12"' in page
    assert 'href="?month=2026-02"' in page


def test_the_ledger_shows_today_against_the_limits(admin: Client, people: People) -> None:
    buy(people.owner, "5.00")
    make(people.owner, "running", reserved=Decimal(5))
    page = page_of(admin, "/spending/")
    today = page.split("</table>")[0]
    for part in ("All users", "$100.00", "owner", "$20.00", 'aria-valuenow="50"', 'aria-valuenow="10"'):
        assert part in today


def test_the_ledger_of_a_month_without_purchases(admin: Client) -> None:
    assert "Nothing was bought in this month." in page_of(admin, "/spending/?month=2026-01")


@pytest.mark.parametrize("month", ["x", "2026", "2026-13", "9999-12", "0001-01", "2026-01-05"])
def test_a_month_that_is_none_is_a_404(admin: Client, month: str) -> None:
    assert admin.get(f"/spending/?month={month}").status_code == 404


def test_the_ledger_is_for_admins(owner: Client, people: People) -> None:
    assert owner.get("/spending/").status_code == 403
    assert Client().get("/spending/").status_code == 302
    people.owner.is_staff = True
    people.owner.save()
    assert logged_in(people.owner).get("/spending/").status_code == 200
