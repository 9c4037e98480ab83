from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from market.models import (
    Asset,
    AssetCost,
    Contract,
    Coverage,
    DailyBar,
    DailySpan,
    DayCondition,
    InstrumentId,
    Job,
    Purchase,
    Roll,
    SpendingLimits,
)
from market.sessions import to_et


class LookOnly:
    """For looking: these rows are made and changed by futsim alone."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class AssetCostInline(admin.TabularInline):
    model = AssetCost
    extra = 0


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):
    list_display = ["root", "name", "exchange", "point_value", "tick_size", "tick_value", "active_months", "is_active"]
    list_filter = ["exchange", "is_active"]
    search_fields = ["root", "name"]
    inlines = [AssetCostInline]


class InstrumentIdInline(LookOnly, admin.TabularInline):
    model = InstrumentId
    can_delete = False


@admin.register(Contract)
class ContractAdmin(admin.ModelAdmin):
    list_display = ["raw_symbol", "asset", "year", "month", "first_trade_date", "last_trade_date", "match_algorithm"]
    list_filter = ["asset", "year"]
    search_fields = ["raw_symbol"]
    inlines = [InstrumentIdInline]


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
        "asset", "trade_date", "kind", "from_contract", "to_contract", "from_volume", "to_volume", "spread_state",
    ]  # fmt: skip
    list_filter = ["asset", "kind", "spread_state"]
    list_select_related = ["asset", "from_contract", "to_contract"]


@admin.register(Coverage)
class CoverageAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["contract", "schema", "trade_date", "state", "rows", "bytes", "source", "fetched_at"]
    list_filter = ["schema", "state", "contract__asset"]
    list_select_related = ["contract"]
    exclude = ["until_ns"]
    readonly_fields = ["available_until"]

    @admin.display(description="data was available up to")
    def available_until(self, coverage: Coverage) -> str:
        return f"{to_et(coverage.until_ns):%Y-%m-%d %H:%M:%S} ET"


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
class PurchaseAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["at", "user", "schema", "symbols", "records", "cost", "job", "source"]
    list_filter = ["schema", "day", "user"]
    list_select_related = ["user", "job"]
    search_fields = ["symbols", "user__username"]
    date_hierarchy = "day"

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
