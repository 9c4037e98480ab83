from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from journal import services
from journal.models import Trade
from market.admin import LookOnly


@admin.register(Trade)
class TradeAdmin(LookOnly, admin.ModelAdmin):
    """What follows from the record; notes and tags are their trader's alone."""

    list_display = [
        "id", "owner", "trade_date", "contract", "side", "quantity", "net", "worst", "best", "is_measured", "grade",
        "is_retake",
    ]  # fmt: skip
    list_filter = ["owner", "asset", "grade", "is_retake", "is_measured"]
    list_select_related = ["owner"]
    exclude = ["note", "tags"]
    actions = ["read_again"]

    @admin.action(description="Read again: figures from the record, MAE and MFE from the tapes", permissions=["view"])
    def read_again(self, request: HttpRequest, trades: QuerySet[Trade]) -> None:
        count = services.read_again(list(trades))
        told = f"{count} trades are read again when their owners look at them next."
        self.message_user(request, told, messages.SUCCESS)
