from django.contrib import admin
from django.http import HttpRequest

from live.models import FeedEvent, FrontMonth


class ReadOnly(admin.ModelAdmin):
    """Decided by the feed; looked at by people."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(FrontMonth)
class FrontMonthAdmin(ReadOnly):
    list_display = ("asset", "trade_date", "contract", "decided_at")
    list_filter = ("asset",)
    date_hierarchy = "trade_date"


@admin.register(FeedEvent)
class FeedEventAdmin(ReadOnly):
    list_display = ("at", "kind", "text")
    list_filter = ("kind",)
