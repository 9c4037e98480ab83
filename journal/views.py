"""The journal: the list of trades, what is written beside them, and their way out."""

from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url, trigger_client_event

from journal import access, ledger, services, table
from journal.access import NoSuchTrade, get_trade, trades_of
from journal.forms import FilterForm, NoteForm
from journal.models import Trade
from journal.statistics import totals
from journal.tasks import bring_up_to_date
from market.sessions import to_et
from trading.access import accounts_of

PAGE = 50
MOST_LOCKS = 100
"""The newest; the page folds them away."""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The trades that are asked for and their totals; htmx gets the list alone."""
    is_read = _catch_up(request)
    form = FilterForm(request.GET)
    context = {"form": form, "waits": _waits(request, is_read)} | _list(request, form)
    status = 200 if form.is_valid() else 422
    if request.headers.get("HX-Request"):
        listed = render(request, "journal/_trades.html", context, status=status)
        return replace_url(listed, f"{request.path}?{form.address}" if form.address else request.path)
    roots = trades_of(_user_id(request)).order_by("asset__root").values_list("asset__root", flat=True).distinct()
    context |= {"roots": roots, "tags": access.tags_of(_user_id(request)), "choices": form.choices}
    return render(request, "journal/home.html", context, status=status)


def _list(request: HttpRequest, form: FilterForm) -> dict[str, Any]:
    """A page of the list with the totals over all pages; nothing of either where the form is wrong."""
    everything = trades_of(_user_id(request))
    if not form.is_valid():
        return {"has_any": True, "page": None}
    found, hidden = _chosen(everything, form)
    accounts = list(accounts_of(_user_id(request)))
    pages = Paginator(found, PAGE)
    page = pages.get_page(request.GET.get("page"))
    return {
        "page": page,
        "numbers": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "totals": totals(found),
        "hidden": hidden,
        "accounts": accounts if len(accounts) > 1 else [],
        "locks": [(to_et(event.ns), event) for event in form.locks(access.locks_of(_user_id(request)))[:MOST_LOCKS]],
        "has_any": pages.count > 0 or everything.exists(),
    }


def _chosen(everything: QuerySet[Trade], form: FilterForm) -> tuple[QuerySet[Trade], int]:
    """The trades asked for, and how many retakes are left out of them."""
    found = form.chosen(everything)
    if form.shows_all_takes:
        return found, 0
    first = access.first_takes(found)
    return first, found.count() - first.count()


@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """All trades that are asked for, as CSV."""
    services.read_new(_user_id(request))
    form = FilterForm(request.GET)
    if not form.is_valid():
        raise Http404("no such filter")
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="futsim-trades.csv"'
    table.write(_chosen(trades_of(_user_id(request)), form)[0].iterator(), answer)
    return answer


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """For what the page still waits; it asks again until that is done, and then draws its list anew."""
    waits = _waits(request, not access.unread_takes(_user_id(request)).exists())
    answer = render(request, "journal/_progress.html", {"waits": waits, "was_waiting": True})
    return answer if waits else trigger_client_event(answer, "journal:ready", after="swap")


def _catch_up(request: HttpRequest) -> bool:
    """Read what is new, as far as it is little; the rest is the workers'. Whether all of it is read."""
    user_id = _user_id(request)
    is_read = services.read_new(user_id, at_most=services.FILLS_AT_ONCE)
    if not is_read or access.unmeasured(user_id).exists():
        # robust: without Valkey the journal is shown as far as it is read
        transaction.on_commit(lambda: bring_up_to_date.delay(user_id), robust=True)
    return is_read


def _waits(request: HttpRequest, is_read: bool) -> str:
    """For what the page waits, in words; empty for nothing."""
    if not is_read:
        return "Many new fills are being read from the record."
    is_measured = not access.unmeasured(_user_id(request)).exists()
    return "" if is_measured else "MAE and MFE are being looked up in the tapes."


@require_safe
def fills(request: HttpRequest, trade_id: int) -> HttpResponse:
    """What a trade was made of, with why each fill was one."""
    trade = _get_trade(request, trade_id)
    return render(request, "journal/_fills.html", {"trade": trade, "lines": ledger.lines(trade)})


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: HttpRequest, trade_id: int) -> HttpResponse:
    """The note and tags of a trade; a POST writes them. What cannot be kept comes back with the reason."""
    trade = _get_trade(request, trade_id)
    if request.method != "POST":
        return render(request, "journal/_note.html", {"trade": trade})
    form = NoteForm(request.POST)
    if not form.is_valid():
        return render(request, "journal/_note_form.html", {"trade": trade, "form": form}, status=422)
    services.write_note(trade=trade, note=form.cleaned_data["note"], tags=form.cleaned_data["tags"])
    return render(request, "journal/_note.html", {"trade": trade, "tags": access.tags_of(_user_id(request))})


@require_safe
def edit(request: HttpRequest, trade_id: int) -> HttpResponse:
    """The form for note and tags."""
    trade = _get_trade(request, trade_id)
    form = NoteForm(initial={"note": trade.note, "tags": ", ".join(trade.tags)})
    return render(request, "journal/_note_form.html", {"trade": trade, "form": form})


def _get_trade(request: HttpRequest, trade_id: int) -> Trade:
    try:
        return get_trade(_user_id(request), trade_id)
    except NoSuchTrade as problem:
        raise Http404(str(problem)) from None


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None
    return request.user.pk
