import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from market.admin import LookOnly
from market.models import Job
from market.sessions import to_et
from ranks import access, series, services, summaries
from ranks.models import KeptWarm, Summary, SummaryMonth


class KeptWarmForm(ModelForm):
    class Meta:
        model = KeptWarm
        fields: ClassVar = ["asset", "lookback_days"]
        error_messages: ClassVar = {
            "asset": {"unique": "This asset is on the list. Change its lookback there: one serves all shorter ones."}
        }


@admin.register(KeptWarm)
class KeptWarmAdmin(admin.ModelAdmin):
    list_display = ["asset", "lookback_days", "summarised", "stored", "stale", "missing"]
    list_select_related = ["asset"]
    actions = ["refresh", "rebuild"]
    form = KeptWarmForm

    def save_model(self, request: HttpRequest, obj: KeptWarm, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.message_user(request, f"{obj}: what it lacks is fetched at 17:40 ET; the action Refresh does it now.")

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


class Rebuilt(LookOnly, admin.ModelAdmin):
    """Rows that workers make, and can be asked to make again."""

    list_filter = ["contract__asset"]
    list_select_related = ["contract__asset"]
    actions = ["rebuild"]

    def has_rebuild_permission(self, request: HttpRequest) -> bool:
        """Who may have them made again."""
        return request.user.has_perm("ranks.change_keptwarm")

    @admin.action(description="Make these summaries again", permissions=["rebuild"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        count = services.make_again(self.chosen(rows))
        self.message_user(request, f"{count:,} summaries are stale now and made again within a minute.")

    def chosen(self, rows: QuerySet[Any]) -> QuerySet[Summary]:
        """The summaries of these rows."""
        raise NotImplementedError


@admin.register(SummaryMonth)
class SummaryMonthAdmin(Rebuilt):
    list_display = ["contract", "month", "bytes", "written_at"]

    def chosen(self, rows: QuerySet[SummaryMonth]) -> QuerySet[Summary]:
        same = rows.filter(
            contract=OuterRef("contract"),
            month__year=OuterRef("trade_date__year"),
            month__month=OuterRef("trade_date__month"),
        )
        return Summary.objects.filter(Exists(same))


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those of the column."""
        return [("fresh", "fresh"), ("stale", "stale")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Summary]) -> QuerySet[Summary]:
        """Those in that state; what another calendar made stale no query can tell, so each is looked at."""
        if self.value() is None:
            return queryset
        return queryset.filter(pk__in=summaries.in_state(queryset, fresh=self.value() == "fresh"))


@admin.register(Summary)
class SummaryAdmin(Rebuilt):
    list_display = ["contract", "trade_date", "state", "source_start", "made_with"]
    list_filter = ["contract__asset", StateFilter]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Summary]:
        """With the checksum of the piece that is stored now."""
        return summaries.with_pieces(super().get_queryset(request))

    @admin.display(description="state")
    def state(self, row: Summary) -> str:
        return "fresh" if summaries.is_fresh(row) else "stale"

    @admin.display(description="made of (start of its SHA-256)")
    def source_start(self, row: Summary) -> str:
        return row.source[:12] or "nobody traded"

    def chosen(self, rows: QuerySet[Summary]) -> QuerySet[Summary]:
        return rows
