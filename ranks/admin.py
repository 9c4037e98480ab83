from django.contrib import admin

from market.admin import LookOnly
from ranks.models import KeptWarm, Summary, SummaryMonth


@admin.register(KeptWarm)
class KeptWarmAdmin(admin.ModelAdmin):
    list_display = ["asset", "lookback_days"]
    list_select_related = ["asset"]


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
