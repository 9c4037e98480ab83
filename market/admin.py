from django.contrib import admin
from django.http import HttpRequest

from market.models import Asset, AssetCost, Contract, Coverage, DailySpan, InstrumentId, Job, Roll


class AssetCostInline(admin.TabularInline):
    model = AssetCost
    extra = 0


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):
    list_display = ["root", "name", "exchange", "point_value", "tick_size", "tick_value", "active_months", "is_active"]
    list_filter = ["exchange", "is_active"]
    search_fields = ["root", "name"]
    inlines = [AssetCostInline]


class InstrumentIdInline(admin.TabularInline):
    model = InstrumentId
    extra = 0


@admin.register(Contract)
class ContractAdmin(admin.ModelAdmin):
    list_display = ["raw_symbol", "asset", "year", "month", "first_trade_date", "last_trade_date", "match_algorithm"]
    list_filter = ["asset", "year"]
    search_fields = ["raw_symbol"]
    inlines = [InstrumentIdInline]


@admin.register(Roll)
class RollAdmin(admin.ModelAdmin):
    list_display = [
        "asset", "trade_date", "kind", "from_contract", "to_contract", "from_volume", "to_volume", "spread_state",
    ]  # fmt: skip
    list_filter = ["asset", "kind", "spread_state"]
    list_select_related = ["asset", "from_contract", "to_contract"]


@admin.register(Coverage)
class CoverageAdmin(admin.ModelAdmin):
    list_display = ["contract", "schema", "trade_date", "state", "rows", "bytes", "source", "fetched_at"]
    list_filter = ["schema", "state", "contract__asset"]
    list_select_related = ["contract"]


@admin.register(DailySpan)
class DailySpanAdmin(admin.ModelAdmin):
    list_display = ["asset", "first_date", "end_date"]
    list_filter = ["asset"]


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    """For looking: jobs are made and moved by futsim alone."""

    list_display = ["id", "kind", "asked_by", "state", "done", "total", "message", "created_at"]
    list_filter = ["kind", "state"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False
