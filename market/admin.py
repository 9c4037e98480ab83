from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from market import refresh, roll_page
from market.models import (
    Asset,
    AssetCost,
    Contract,
    Coverage,
    DailyBar,
    DailySpan,
    DayCondition,
    ImportedFile,
    InstrumentId,
    Job,
    Purchase,
    Roll,
    SpendingLimits,
)
from market.sessions import to_et
from market.tasks import ask_for_refresh


def et_text(ns: int | None) -> str:
    """An instant (UTC ns) as the admin shows it."""
    return "—" if ns is None else f"{to_et(ns):%Y-%m-%d %H:%M:%S} ET"


def _no_history(assets: QuerySet[Asset]) -> str:
    """Why none of the assets can be rebuilt."""
    if assets.filter(from_files=False).exists():
        return "None of these has daily volumes. Load a replay first."
    return "Own files have no history: rolls follow from the contracts that were imported."


class LookOnly:
    """For looking: these rows are made and changed by futsim alone."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class KeptForEver(LookOnly):
    """Rows that nobody deletes either."""

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class AssetCostInline(admin.TabularInline):
    model = AssetCost
    extra = 0


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):
    list_display = [
        "root", "name", "exchange", "point_value", "tick_size", "tick_value", "active_months", "is_active", "rolls",
        "locate_fee",
    ]  # fmt: skip
    list_filter = ["exchange", "is_active", "kind"]
    search_fields = ["root", "name"]
    inlines = [AssetCostInline]
    actions = ["rebuild"]

    @admin.display(description="")
    def rolls(self, asset: Asset) -> SafeString:
        page = reverse("admin:market_roll_changelist")
        return format_html('<a href="{}?asset__id__exact={}">Rolls</a>', page, asset.pk)

    @admin.action(description="Rebuild: fetch new daily volumes, compute all rolls again", permissions=["change"])
    def rebuild(self, request: HttpRequest, assets: QuerySet[Asset]) -> None:
        roots = [asset.root for asset in refresh.assets_with_history(list(assets.values_list("root", flat=True)))]
        if not roots:
            self.message_user(request, _no_history(assets), messages.WARNING)
            return
        try:
            job = ask_for_refresh(request.user.pk, roots)
        except refresh.Busy as problem:
            self.message_user(request, str(problem), messages.WARNING)
        else:
            page = reverse("admin:market_job_change", args=[job.pk])
            told = format_html('{} will be rebuilt: <a href="{}">job {}</a>.', ", ".join(roots), page, job.pk)
            self.message_user(request, told, messages.SUCCESS)


class InstrumentIdInline(LookOnly, admin.TabularInline):
    model = InstrumentId
    can_delete = False


@admin.register(Contract)
class ContractAdmin(admin.ModelAdmin):
    list_display = ["raw_symbol", "asset", "year", "month", "first_trade_date", "last_trade_date", "match_algorithm"]
    list_filter = ["asset", "year"]
    search_fields = ["raw_symbol"]
    inlines = [InstrumentIdInline]
    exclude = ["expires_ns", "defined_ns"]
    readonly_fields = ["expires", "defined"]

    @admin.display(description="trades until")
    def expires(self, contract: Contract) -> str:
        return et_text(contract.expires_ns)

    @admin.display(description="as defined on")
    def defined(self, contract: Contract) -> str:
        return et_text(contract.defined_ns)


@admin.register(DailyBar)
class DailyBarAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["contract", "date", "open", "high", "low", "close", "volume"]
    list_filter = ["contract__asset"]
    list_select_related = ["contract"]
    search_fields = ["contract__raw_symbol"]
    ordering = ["-date"]
    show_full_result_count = False


@admin.register(DailySpan)
class DailySpanAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["asset", "first_date", "end_date"]
    list_filter = ["asset"]


@admin.register(Roll)
class RollAdmin(LookOnly, admin.ModelAdmin):
    list_display = [
        "trade_date", "asset", "kind", "from_contract", "to_contract", "volumes", "from_volume", "to_volume",
        "spread_state", "spread_price",
    ]  # fmt: skip
    list_filter = ["asset", "kind", "spread_state"]
    list_select_related = ["asset", "from_contract", "to_contract"]
    list_per_page = 50  # each row asks for its volumes
    ordering = ["asset__root", "-trade_date"]
    change_form_template = "admin/market/roll/change_form.html"

    @admin.display(description="volumes around it")
    def volumes(self, roll: Roll) -> SafeString:
        return render_to_string("admin/market/roll/_spark.html", {"spark": roll_page.spark(roll)})

    @admin.display(description="spread")
    def spread_price(self, roll: Roll) -> str:
        return roll_page.price_text(roll, roll.spread, "+") if roll.spread_state == Roll.Spread.COMPLETE else "—"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        roll = self.get_object(request, unquote(object_id))
        if roll is not None and self.has_view_permission(request, roll):
            extra_context = (extra_context or {}) | {"page": roll_page.page(roll)}
        return super().change_view(request, object_id, form_url, extra_context)


@admin.register(Coverage)
class CoverageAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["contract", "schema", "trade_date", "state", "rows", "bytes", "source", "fetched_at"]
    list_filter = ["schema", "state", "contract__asset"]
    list_select_related = ["contract"]
    exclude = ["until_ns"]
    readonly_fields = ["available_until"]

    @admin.display(description="data was available up to")
    def available_until(self, coverage: Coverage) -> str:
        return et_text(coverage.until_ns)


@admin.register(ImportedFile)
class ImportedFileAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["id", "name", "user", "created_at", "bytes", "accepted", "refused", "report_page"]
    list_display_links = None
    list_filter = ["user"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]

    @admin.display(description="accepted")
    def accepted(self, file: ImportedFile) -> object:
        return file.report.get("accepted")

    @admin.display(description="refused")
    def refused(self, file: ImportedFile) -> object:
        return "the file" if file.report.get("problem") else file.report.get("refused")

    @admin.display(description="")
    def report_page(self, file: ImportedFile) -> SafeString | str:
        if not file.report:
            return "not over"
        return format_html('<a href="{}">Report</a>', reverse("data:report", args=[file.pk]))


@admin.register(Job)
class JobAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["id", "kind", "asked_by", "state", "done", "total", "message", "created_at"]
    list_filter = ["kind", "state"]


@admin.register(DayCondition)
class DayConditionAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["date", "condition", "dataset"]
    list_filter = ["condition", "dataset"]


@admin.register(SpendingLimits)
class SpendingLimitsAdmin(admin.ModelAdmin):
    """One row: its list is its form."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)  # refuses
        return HttpResponseRedirect(reverse("admin:market_spendinglimits_change", args=[SpendingLimits.current().pk]))


@admin.register(Purchase)
class PurchaseAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["at", "user", "schema", "symbols", "records", "cost", "job", "source"]
    list_filter = ["schema", "day", "user"]
    list_select_related = ["user", "job"]
    search_fields = ["symbols", "user__username"]
    date_hierarchy = "day"
