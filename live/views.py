"""The live page, its status page, and what live tells over HTTP."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe
from redis.exceptions import RedisError

from alerts import pulse
from live import fronts, status
from live.lines import lines_of
from market.timeframes import TIMEFRAMES

DEFAULT_ROOT, DEFAULT_TIMEFRAME = "NQ", "5m"

LONGEST_NAME = 12
"""What is repeated of a name that nobody knows."""
EXACT = 1 << 53
"""JavaScript would round a whole number beyond it: such ones are sent as text."""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The live market of the asset that the address names; of the usual one where there is none of that name."""
    assets = fronts.followed()
    roots = [asset.root for asset in assets]
    wanted = request.GET.get("asset") or DEFAULT_ROOT
    root = next((root for root in (wanted.upper(), DEFAULT_ROOT, *roots) if root in roots), "")
    asked = request.GET.get("timeframe") or DEFAULT_TIMEFRAME
    timeframe = asked if asked in TIMEFRAMES else DEFAULT_TIMEFRAME
    unknown = []
    if root and wanted.upper() not in roots:
        unknown.append(f"There is no live market of {wanted[:LONGEST_NAME]!r}; {root} is shown.")
    if asked != timeframe:
        unknown.append(f"There is no timeframe {asked[:LONGEST_NAME]!r}; {timeframe} is shown.")
    context = {"assets": assets, "root": root, "timeframe": timeframe, "unknown": " ".join(unknown)}
    return render(request, "live/page.html", context)


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """How the feed stands, asset by asset; staff see the reasons too. It comes again every two seconds."""
    state = status.for_user(is_staff=request.user.is_staff)
    template = "live/_status.html" if request.headers.get("HX-Request") else "live/status.html"
    context = {"state": state, "lines": lines_of(state), "is_staff": request.user.is_staff}
    return render(request, template, context | {"alerts_silent_ns": _alerts_silent_ns()})


def _alerts_silent_ns() -> int | None:
    try:
        return pulse.silent_since_ns()
    except (RedisError, OSError):
        return 0  # without Valkey nobody evaluates


@require_GET
def show_status(request: HttpRequest) -> JsonResponse:
    """How the feed stands, also when it is dead; staff see the reasons too."""
    return JsonResponse(_exact(status.for_user(is_staff=request.user.is_staff)))


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return str(value) if isinstance(value, int) and abs(value) >= EXACT else value
