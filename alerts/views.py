"""The panel of alerts, the history of what has fired, and how a user hears of it. htmx asks for most of it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event
from kombu.exceptions import OperationalError as BrokerError

from accounts.models import User
from alerts import access, live_clock, looking_back, services, tasks
from alerts.access import NoSuchAlert
from alerts.board import has_expired
from alerts.forms import AlertForm, HistoryForm, LookBackForm, SettingsForm, expiry_text
from alerts.looking_back import Question
from alerts.models import Alert, AlertFiring, Sound, value_text
from alerts.replaying import load_fields
from alerts.services import Refused
from market.access import offered
from market.sessions import to_et
from ranks.models import DEFAULT_LOOKBACK

MORE = ("webhook_url", "email", "note")
"""Fields that are folded away where they are empty."""
NO_WORKER = "The workers cannot be reached now. Try again in a minute."
PAGE = 50
NEWEST = 30


# --- the panel ---


@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """The form, the list, and the settings."""
    context = _list(request) | _form(AlertForm(user=request.user, auto_id="alert-new-%s")) | _settings(request)
    return render(request, "alerts/_panel.html", context)


@require_safe
def alert_list(request: HttpRequest) -> HttpResponse:
    """All alerts of the user and the shared ones."""
    return render(request, "alerts/_list.html", _list(request))


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Another alert of the user. The form comes back as it was: the next one is often like it."""
    form = AlertForm(request.POST, user=request.user, auto_id="alert-new-%s")
    if not _is_saved(form, lambda: services.create(owner_id=_user_id(request), terms=form.terms)):
        return render(request, "alerts/_form.html", _form(form), status=422)
    return render(request, "alerts/_made.html", _form(form) | _list(request))


@require_safe
def row(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One alert as it stands in the list."""
    return _row(request, alert_id)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, alert_id: int) -> HttpResponse:
    """An alert's form in its place; a POST saves it."""
    alert = _get(lambda: access.changeable(_user(request), alert_id))
    if request.method != "POST":
        return render(request, "alerts/_edit.html", _form(AlertForm.of(alert, request.user)) | {"alert": alert})
    form = AlertForm(request.POST, user=request.user, auto_id=f"alert-{alert.pk}-%s")
    if not _is_saved(form, lambda: services.change(alert=alert, terms=form.terms)):
        return render(request, "alerts/_edit.html", _form(form) | {"alert": alert}, status=422)
    return _row(request, alert_id)


@require_POST
def pause(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Do not watch it for now."""
    services.pause(alerts=[_get(lambda: access.changeable(_user(request), alert_id))])
    return _row(request, alert_id)


@require_POST
def resume(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Watch it again."""
    services.resume(alerts=[_get(lambda: access.changeable(_user(request), alert_id))])
    return _row(request, alert_id)


@require_POST
def delete(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Delete it; what it fired stays."""
    services.delete(alerts=[_get(lambda: access.changeable(_user(request), alert_id))])
    return render(request, "alerts/_list.html", _list(request))


@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Delete all alerts of the user; the page has asked him."""
    services.clear_all(owner_id=_user_id(request))
    return render(request, "alerts/_list.html", _list(request))


@require_POST
def mute(request: HttpRequest, alert_id: int) -> HttpResponse:
    """The user wants to hear no more of a shared one."""
    services.mute(user_id=_user_id(request), alert=_get(lambda: access.shared_alert(_user_id(request), alert_id)))
    return _row(request, alert_id)


@require_POST
def unmute(request: HttpRequest, alert_id: int) -> HttpResponse:
    """He wants to hear of it again."""
    services.unmute(user_id=_user_id(request), alert=_get(lambda: access.shared_alert(_user_id(request), alert_id)))
    return _row(request, alert_id)


def _is_saved(form: AlertForm, save: Callable[[], object]) -> bool:
    """Save what is valid; else the form says what is not."""
    if not form.is_valid():
        return False
    try:
        save()
    except Refused as problem:
        form.add_error(None, str(problem))
    except Alert.DoesNotExist:
        raise Http404("It was deleted meanwhile.") from None
    return form.is_valid()


def _row(request: HttpRequest, alert_id: int) -> HttpResponse:
    alert = _get(lambda: access.own_or_shared(_user_id(request), alert_id))
    return render(request, "alerts/_alert.html", {"line": _line(request, alert)})


def _list(request: HttpRequest) -> dict[str, Any]:
    return {"lines": [_line(request, alert) for alert in access.visible(_user_id(request))]}


def _line(request: HttpRequest, alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert,
        "threshold": f"{float(alert.threshold):g}",
        "expires": expiry_text(alert),
        "has_expired": has_expired(alert),
        "may_change": not alert.is_shared or access.manages_shared(_user(request)),
    }


def _form(form: AlertForm) -> dict[str, Any]:
    assets = offered().filter(from_files=False).order_by("root").values("root", "name")
    has_more = any(form[name].value() for name in MORE)
    return {"form": form, "assets": assets, "has_more": has_more}


# --- looking back ---


@require_POST
def look_back(request: HttpRequest) -> HttpResponse:
    """Have computed what the alert that stands in the form would have fired; the form is not saved."""
    form, when = AlertForm(request.POST, user=request.user), LookBackForm(request.POST)
    if not form.is_valid() or not when.is_valid():
        return render(request, "alerts/_look_back.html", {"problems": form.problems}, status=422)
    try:
        until_ns = when.cleaned_data["until_ns"] or live_clock.now_ns()
        key = looking_back.ask(Question.of(form.terms, until_ns), tasks.look_back.delay)
    except BrokerError:
        return render(request, "alerts/_look_back.html", {"problems": [("", NO_WORKER)]}, status=422)
    return _looked_back(request, key)


@require_safe
def looked_back(request: HttpRequest, key: str) -> HttpResponse:
    """How far it is, or what came of it; the page asks until it is over."""
    return _looked_back(request, key)


def _looked_back(request: HttpRequest, key: str) -> HttpResponse:
    told = None
    with suppress(BrokerError):
        told = looking_back.told(key, tasks.look_back.delay)
    context: dict[str, Any] = {"told": told, "key": key}
    if told is not None and told["answer"] is not None:
        context |= _answer(request, told["question"], told["answer"])
    return render(request, "alerts/_look_back.html", context)


def _answer(request: HttpRequest, question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    minutes = access.settings_of(_user_id(request)).minutes_before
    assets = {asset.root: asset for asset in offered()}
    same = question["timeframe"], question["lookback_days"], minutes
    rows = [
        row
        | {
            "at": to_et(row["market_ns"]),
            "text": value_text(row["value"]),
            "load": load_fields(assets[row["root"]], row["market_ns"], *same),
        }
        for row in answer["rows"]
        if row["root"] in assets
    ]
    lacks = answer["sessions"] - answer["stored"]
    return {"answer": answer, "rows": rows, "lacks": lacks, "minutes": minutes, "question": question}


# --- the history ---


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """What has fired, page by page; htmx gets the list alone."""
    form = HistoryForm(request.GET)
    everything = access.firings(_user_id(request))
    page = Paginator(form.chosen(everything), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "firings": _firings(request, list(page)),
        "form": form,
    }
    if request.headers.get("HX-Request"):
        return render(request, "alerts/_history.html", context)
    roots = everything.order_by("asset__root").values_list("asset__root", flat=True).distinct()
    return render(request, "alerts/history.html", context | _settings(request) | {"roots": roots})


@require_safe
def newest(request: HttpRequest) -> HttpResponse:
    """The newest live firings: what the drawer of every page shows."""
    found = access.told_firings(_user_id(request)).filter(replay_key=None)[:NEWEST]
    seen = access.seen_until(_user_id(request))
    return render(request, "alerts/_newest.html", {"firings": _firings(request, list(found)), "seen": seen})


def _firings(request: HttpRequest, found: list[AlertFiring]) -> list[dict[str, Any]]:
    minutes = access.settings_of(_user_id(request)).minutes_before
    return [
        {
            "firing": each,
            "at": to_et(each.market_ns),
            "value": value_text(each.value),
            "is_all": each.alert is not None and each.alert.asset_id is None,
            "is_shared": each.alert is not None and each.alert.is_shared,
            "lookback": None if each.lookback_days == DEFAULT_LOOKBACK else each.lookback_days,
            "load": load_fields(each.asset, each.market_ns, each.timeframe, each.lookback_days, minutes),
        }
        for each in found
    ]


# --- the settings ---


@require_POST
def settings(request: HttpRequest) -> HttpResponse:
    """How the user hears of firings; his pages are told."""
    form = SettingsForm(request.POST, instance=access.settings_of(_user_id(request)))
    if not form.is_valid():
        return render(request, "alerts/_settings.html", {"settings": form, "sounds": _sounds()}, status=422)
    services.save_settings(user_id=_user_id(request), **form.cleaned_data)
    if not request.headers.get("HX-Request"):
        return redirect("alerts:history")
    answer = render(request, "alerts/_settings.html", _settings(request))
    return trigger_client_event(answer, "alerts:settings", after="settle")


def _settings(request: HttpRequest) -> dict[str, Any]:
    return {"settings": SettingsForm(instance=access.settings_of(_user_id(request))), "sounds": _sounds()}


def _sounds() -> list[tuple[str, str]]:
    return [(value, label) for value, label in Sound.choices if value != Sound.NONE]


def _get(find: Callable[[], Alert]) -> Alert:
    try:
        return find()
    except NoSuchAlert as problem:
        raise Http404(str(problem)) from None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None
    return request.user.pk
