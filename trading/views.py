"""The pages of a user's accounts."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from trading.access import NoSuchAccount, accounts_of, get_account
from trading.foresight import Hit, hits
from trading.forms import LIMIT_GROUPS, NAME_TAKEN, AccountForm, AccountLimitsForm
from trading.limits import forced_limits, own_limits
from trading.models import Account
from trading.services import FIRST_ACCOUNT, Kept, NameTaken, delete_account, save_account
from trading.wording import forced_words, limit_words

LATENCIES = (0, 50, 150, 200)
"""Milliseconds offered at one click: a server beside the exchange, a good line, a usual one, the first one's."""


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """All accounts of the user."""
    found = accounts_of(_user_id(request)).select_related("limits")
    shown = [(each, limit_words(own_limits(each))) for each in found]
    forced = limit_words(forced_limits(request.user))
    return render(request, "trading/accounts.html", {"accounts": shown, "forced": forced})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Another account."""
    is_first = not accounts_of(_user_id(request)).exists()
    return _edit(request, Account(owner_id=_user_id(request), name=FIRST_ACCOUNT if is_first else ""))


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """One account with its limits: shown, or saved."""
    return _edit(request, _get_account(request, account_id))


@require_POST
def delete(request: HttpRequest, account_id: int) -> HttpResponse:
    """Delete an account in which nothing was traded; else say why not."""
    found = _get_account(request, account_id)
    try:
        delete_account(found)
    except Kept as why:
        messages.error(request, str(why))
    else:
        messages.success(request, f"{found.name} is deleted.")
    return _go(request, reverse("trading:accounts"))


def _edit(request: HttpRequest, found: Account) -> HttpResponse:
    limits = own_limits(found)
    data = request.POST if request.method == "POST" else None
    forms = AccountForm(data, instance=found), AccountLimitsForm(data, instance=limits)
    if data is None:
        return render(request, "trading/account.html", _context(request, *forms))
    ended = _ended_by(found, *forms)
    is_asked = bool(ended) and "confirmed" not in request.POST
    if not is_asked and _is_saved(*forms):
        messages.success(request, f"{found.name} is saved. Limits and assumptions of fills hold from now on.")
        for hit in ended:
            messages.warning(request, hit.after)
        return _go(request, reverse("trading:accounts"))
    template = "trading/_account_form.html" if request.headers.get("HX-Request") else "trading/account.html"
    asked = {"asked": [hit.before for hit in ended]} if is_asked else {}
    return render(request, template, _context(request, *forms) | asked, status=422)


def _ended_by(found: Account, account_form: AccountForm, limits_form: AccountLimitsForm) -> list[Hit]:
    """What saving would end at once; nothing where it cannot be saved as it is."""
    if found.pk is None or not all([account_form.is_valid(), limits_form.is_valid()]):
        return []
    return hits(found, limits_form.instance)


def _is_saved(account_form: AccountForm, limits_form: AccountLimitsForm) -> bool:
    """Save what is valid; else the forms say what is not."""
    if not all([account_form.is_valid(), limits_form.is_valid()]):
        return False
    try:
        save_account(account_form.instance, limits_form.instance)
    except NameTaken:
        account_form.add_error("name", NAME_TAKEN)
        return False
    return True


def _context(request: HttpRequest, account_form: AccountForm, limits_form: AccountLimitsForm) -> dict[str, Any]:
    forced = forced_words(forced_limits(request.user))
    saved = Account.objects.filter(pk=account_form.instance.pk).first()
    return {
        "account": saved,
        "title": saved.name if saved else "New account",
        "action": reverse("trading:account", args=[saved.pk]) if saved else reverse("trading:new"),
        "form": account_form,
        "groups": [
            (title, [(limits_form[name], forced.get(name, "")) for name in names])
            for title, names in LIMIT_GROUPS.items()
        ],
        "problems": [*account_form.non_field_errors(), *limits_form.non_field_errors()],
        "latencies": LATENCIES,
    }


def _go(request: HttpRequest, target: str) -> HttpResponse:
    return HttpResponseClientRedirect(target) if request.headers.get("HX-Request") else redirect(target)


def _get_account(request: HttpRequest, account_id: int) -> Account:
    try:
        return get_account(_user_id(request), account_id)
    except NoSuchAccount as problem:
        raise Http404(str(problem)) from None


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None
    return request.user.pk
