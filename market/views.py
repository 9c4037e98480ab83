"""The pages of jobs and of what downloads cost."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from market import access, jobs, ledger, queue
from market.models import Job, SpendingLimits
from market.spending import is_paid, today

PAGE = 50
FIRST_YEAR, LAST_YEAR = 2020, 2099


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """The user's jobs, for an admin everybody's, the newest first; htmx gets the list alone."""
    assert request.user.pk is not None
    found = _chosen(request)
    page = list(found[: PAGE + 1])
    context: dict[str, Any] = {
        "jobs": page[:PAGE],
        "older": page[PAGE - 1].pk if len(page) > PAGE else None,
        "chosen_user": request.GET.get("user", ""),
        "retried": queue.retried(),
        "is_paid": is_paid(),
        "standing": ledger.standing_of(request.user.pk),
        "limits": SpendingLimits.current(),
    }
    if request.headers.get("HX-Request"):
        return render(request, "market/_jobs.html", context)
    users = get_user_model().objects.filter(jobs__isnull=False).distinct().order_by("username")
    return render(request, "market/jobs.html", context | {"users": users})


def _chosen(request: HttpRequest) -> QuerySet[Job]:
    """The jobs that the address asks for: before an id, of one user."""
    found = access.jobs_of(request.user)
    try:
        if request.GET.get("before"):
            found = found.filter(pk__lt=int(request.GET["before"]))
        if request.GET.get("user"):
            found = found.filter(asked_by_id=int(request.GET["user"]))
    except ValueError:
        raise Http404("before and user are numbers") from None
    return found


@require_POST
def approve(request: HttpRequest, job_id: int) -> HttpResponse:
    """Say yes to the cost that was shown."""
    found, problem = _get_job(request, job_id), ""
    try:
        queue.approve(found, cost=request.POST.get("cost", ""))
    except queue.Stale as stale:
        problem = str(stale)
    return _answer(request, found, problem)


@require_POST
def cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Stop a job; its worker hears it at its next step."""
    found = _get_job(request, job_id)
    return _answer(request, found, "" if jobs.cancel(found) else "This job was over already.")


@require_POST
def retry(request: HttpRequest, job_id: int) -> HttpResponse:
    """Try a failed or cancelled job once more, as a new one."""
    found, problem = _get_job(request, job_id), ""
    try:
        queue.retry(found)
    except queue.Stale as stale:
        problem = str(stale)
    return _answer(request, found, problem)


def _get_job(request: HttpRequest, job_id: int) -> Job:
    try:
        return access.get_job(request.user, job_id)
    except access.NoSuchJob as problem:
        raise Http404(str(problem)) from None


def _answer(request: HttpRequest, found: Job, problem: str) -> HttpResponse:
    """The job's row for htmx, else the whole list again; with what went wrong."""
    found.refresh_from_db()
    if not request.headers.get("HX-Request"):
        if problem:
            messages.warning(request, problem)
        return redirect("market:jobs")
    row = render(request, "market/_job.html", {"job": found, "retried": queue.retried()})
    return trigger_client_event(row, "futsim:said", {"text": problem})


@require_safe
def spending(request: HttpRequest) -> HttpResponse:
    """The ledger of a month, for admins: who bought what, and today against the limits."""
    if not request.user.is_staff:
        raise PermissionDenied
    first = _month(request.GET.get("month"))
    days = ledger.month_of(first)
    context = {
        "first": first,
        "before": (first - timedelta(days=1)).replace(day=1),
        "after": (first + timedelta(days=31)).replace(day=1),
        "is_this_month": first == today().replace(day=1),
        "days": days,
        "cost": sum((day.cost for day in days), Decimal(0)),
        "standings": ledger.standings(),
        "limits": SpendingLimits.current(),
        "is_paid": is_paid(),
    }
    return render(request, "market/spending.html", context)


def _month(text: str | None) -> date:
    """The first day of "2026-11"; of this month without a text."""
    if not text:
        return today().replace(day=1)
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404("month is written as 2026-11") from None
    if not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise Http404("no such month")
    return first
