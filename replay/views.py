"""The replay page."""

import time
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from market.access import offered
from market.gateway_errors import GatewayError
from market.months import weeks_of
from market.plans import NoMarket
from market.sessions import FIRST_DAY, LAST_DAY, to_et
from market.timeframes import TIMEFRAMES
from replay.access import NoSuchSession, get_session
from replay.forms import MonthForm, OpenForm
from replay.models import ReplaySession
from replay.services import BadMoment, account_of, delete_replay, open_replay, recent_replays
from trading.access import accounts_of

DEFAULT_ROOT, DEFAULT_TIMEFRAME, DEFAULT_LOOKBACK = "NQ", "5m", 365
DEFAULT_DAYS_BACK = 7


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The workspace without a replay. The address may fill in the Load form."""
    asked = {name: request.GET[name] for name in OpenForm.base_fields if name in request.GET}
    return render(request, "replay/workspace.html", _context(request, _first_choice() | asked))


@require_safe
def session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """The workspace on one of the user's replays."""
    replay = _get_replay(request, session_id)
    shown = {"session_id": str(replay.pk), "account": account_of(replay)}
    return render(request, "replay/workspace.html", _context(request, _choice_of(replay)) | shown)


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """The days of a month on which an asset can be entered: the calendar of the Entry field."""
    form = MonthForm(request.GET)
    if not form.is_valid():
        raise Http404("no such month of no such asset")
    first: date = form.cleaned_data["month"]
    context = {
        "first": first,
        "before": first - timedelta(days=1) if first > FIRST_DAY.replace(day=1) else None,
        "after": first + timedelta(days=31) if first < LAST_DAY.replace(day=1) else None,
        "weeks": weeks_of(form.cleaned_data["root"], first, time.time_ns()),
        "chosen": request.GET.get("chosen", ""),
    }
    return render(request, "replay/_month.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Open a replay and go to it; with a bad form, the reasons and nothing changed."""
    assert request.user.pk is not None
    form = OpenForm(request.POST, owner_id=request.user.pk)
    replay = _open(request, form) if form.is_valid() else None
    if replay is not None:
        target = reverse("replay:session", args=[replay.pk])
        return HttpResponseClientRedirect(target) if request.headers.get("HX-Request") else redirect(target)
    errors = [{"field": name, "message": text} for name, texts in form.errors.items() for text in texts]
    if request.headers.get("HX-Request"):
        return render(request, "replay/_open_errors.html", {"errors": errors})
    typed = {name: request.POST.get(name, "") for name in OpenForm.base_fields}
    return render(request, "replay/workspace.html", _context(request, typed) | {"errors": errors}, status=422)


@require_POST
def delete(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Delete one of the user's replays. The page that showed it gives way to the one without a replay."""
    delete_replay(replay=_get_replay(request, session_id))
    if not request.headers.get("HX-Request"):
        return redirect("replay:home")
    shown = urlsplit(request.headers.get("HX-Current-URL", "")).path
    if shown == reverse("replay:session", args=[session_id]):
        return HttpResponseClientRedirect(reverse("replay:home"))
    return HttpResponse()


def _get_replay(request: HttpRequest, session_id: uuid.UUID) -> ReplaySession:
    assert request.user.pk is not None
    try:
        return get_session(request.user.pk, session_id)
    except NoSuchSession as problem:
        raise Http404(str(problem)) from None


def _open(request: HttpRequest, form: OpenForm) -> ReplaySession | None:
    """The new replay; None after adding to the form why there is none."""
    assert request.user.pk is not None
    data = form.cleaned_data
    try:
        return open_replay(
            owner_id=request.user.pk,
            asset=data["root"],
            entry_ns=data["entry_ns"],
            timeframe=data["timeframe"],
            lookback_days=data["lookback_days"],
            account=data["account"],
        )
    except (BadMoment, NoMarket) as problem:
        form.add_error("entry_date", str(problem))
    except GatewayError as problem:
        form.add_error(None, str(problem))
    return None


def _context(request: HttpRequest, initial: Mapping[str, object]) -> dict[str, Any]:
    assert request.user.pk is not None
    return {
        "assets": list(offered().values("root", "name")),
        "timeframes": list(TIMEFRAMES),
        "initial": initial,
        "session_id": None,
        "accounts": [(str(account.pk), account.name) for account in accounts_of(request.user.pk)],
        "lookback": OpenForm.base_fields["lookback_days"],
        "recent": [(replay, to_et(replay.entry_ns)) for replay in recent_replays(request.user.pk)],
        "open_url": reverse("replay:open"),
        "sessions_url": reverse("replay:sessions"),
    }


def _first_choice() -> dict[str, object]:
    """A recent regular open, so that Load works at once."""
    asset = offered().filter(root=DEFAULT_ROOT).first() or offered().first()
    day = to_et(time.time_ns()).date() - timedelta(days=DEFAULT_DAYS_BACK)
    if asset is not None:
        day = asset.sessions.before(day, 1)[-1].trade_date
    return {
        "root": asset.root if asset else "",
        "entry_date": day.isoformat(),
        "entry_time": "09:30",
        "timeframe": DEFAULT_TIMEFRAME,
        "lookback_days": DEFAULT_LOOKBACK,
    }


def _choice_of(replay: ReplaySession) -> dict[str, object]:
    entry = to_et(replay.entry_ns)
    return {
        "root": replay.asset.root,
        "entry_date": entry.date().isoformat(),
        "entry_time": f"{entry:%H:%M:%S}".removesuffix(":00"),
        "timeframe": replay.timeframe,
        "lookback_days": replay.lookback_days,
        "account": str(replay.trading.account_id) if replay.trading is not None else "",
    }
