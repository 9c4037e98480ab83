import time
from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from market.admin import LookOnly
from market.models import Job
from market.sessions import to_et
from ranks import access, series, services
from ranks.models import KeptWarm, Summary, SummaryMonth


@admin.register(KeptWarm)
class KeptWarmAdmin(admin.ModelAdmin):
    list_display = ["asset", "lookback_days", "summarised", "stored", "stale", "missing"]
    list_select_related = ["asset"]
    actions = ["refresh", "rebuild"]

    @admin.display(description="summarised, of sessions")
    def summarised(self, kept: KeptWarm) -> str:
        state = _state(kept)
        return f"{len(state.summarised)} of {len(state.wanted)}"

    @admin.display(description="stored")
    def stored(self, kept: KeptWarm) -> int:
        return len(_state(kept).stored)

    @admin.display(description="stale")
    def stale(self, kept: KeptWarm) -> int:
        return len(_state(kept).stale)

    @admin.display(description="stored, not summarised")
    def missing(self, kept: KeptWarm) -> int:
        return len(_state(kept).missing)

    @admin.action(description="Refresh: fetch what the lookback lacks, summarise it", permissions=["change"])
    def refresh(self, request: HttpRequest, rows: QuerySet[KeptWarm]) -> None:
        self._ask(request, rows, services.ask_for_refresh)

    @admin.action(description="Rebuild: make all summaries again", permissions=["change"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[KeptWarm]) -> None:
        self._ask(request, rows, services.rebuild)

    def _ask(self, request: HttpRequest, rows: QuerySet[KeptWarm], ask: Callable[..., Job]) -> None:
        for kept in rows.select_related("asset"):
            try:
                job = ask(asset=kept.asset, lookback_days=kept.lookback_days, asked_by_id=request.user.pk)
            except services.Busy as problem:
                self.message_user(request, str(problem), messages.WARNING)
            else:
                told = format_html('{}: <a href="{}">job {}</a>.', kept.asset, reverse("market:jobs"), job.pk)
                self.message_user(request, told, messages.SUCCESS)


def _state(kept: KeptWarm) -> series.State:
    """How its sessions stand, looked up once for a row of the page."""
    found: series.State | None = kept.__dict__.get("_ranks")
    if found is None:
        today = to_et(time.time_ns()).date()
        found = kept.__dict__["_ranks"] = access.state(kept.asset, today, kept.lookback_days)
    return found


@admin.register(SummaryMonth)
class SummaryMonthAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["contract", "month", "bytes", "written_at"]
    list_filter = ["contract__asset"]
    list_select_related = ["contract"]


@admin.register(Summary)
class SummaryAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["contract", "trade_date", "source", "made_with"]
    list_filter = ["contract__asset"]
    list_select_related = ["contract"]
