from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from market.admin import KeptForEver, et_text
from trading.forms import AccountLimitsForm, AnyAccountForm, ForcedLimitsForm
from trading.limits import announce
from trading.models import (
    Account,
    AccountLimits,
    DayLock,
    EventRecord,
    FillRecord,
    ForcedLimits,
    LoggedCommand,
    OrderRecord,
    Take,
    TradingSession,
)
from trading.services import force_on_others
from trading.wording import limit_words


class AccountLimitsInline(admin.StackedInline):
    model = AccountLimits
    form = AccountLimitsForm
    extra = 0
    can_delete = False


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    form = AnyAccountForm
    list_display = ["name", "owner", "cash", "latency_ms", "preset", "created_at"]
    list_filter = ["preset", ("owner", RelatedOnlyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    autocomplete_fields = ["owner"]
    inlines = [AccountLimitsInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        return [] if obj is None else ["owner"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        announce(form.instance.owner_id)


@admin.register(ForcedLimits)
class ForcedLimitsAdmin(admin.ModelAdmin):
    """Force on a user: of each two limits, his own and these, the stricter counts, in all his accounts and at once."""

    form = ForcedLimitsForm
    list_display = ["user", "in_words"]
    list_filter = ["is_hard"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]
    actions = ["force_on_others"]

    @admin.display(description="limits")
    def in_words(self, forced: ForcedLimits) -> str:
        return " · ".join(limit_words(forced)) or "none"

    def get_readonly_fields(self, request: HttpRequest, obj: ForcedLimits | None = None) -> list[str]:
        return [] if obj is None else ["user"]

    def save_model(self, request: HttpRequest, obj: ForcedLimits, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        announce(obj.user_id)

    def delete_model(self, request: HttpRequest, obj: ForcedLimits) -> None:
        super().delete_model(request, obj)
        announce(obj.user_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ForcedLimits]) -> None:
        users = list(queryset.values_list("user_id", flat=True))
        super().delete_queryset(request, queryset)
        for user_id in users:
            announce(user_id)

    @admin.action(description="Force the same on every user on whom nothing is forced", permissions=["add"])
    def force_on_others(self, request: HttpRequest, chosen: QuerySet[ForcedLimits]) -> None:
        forced = list(chosen)
        if len(forced) != 1:
            self.message_user(request, "Choose the one whose limits the others get.", messages.WARNING)
            return
        name = str(forced[0].user)
        self.message_user(request, f"The limits of {name} are forced on {force_on_others(forced[0])} more.")


@admin.register(DayLock)
class DayLockAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["market_day", "account", "owner", "text", "at"]
    list_filter = ["market_day", ("account__owner", RelatedOnlyFieldListFilter)]
    list_select_related = ["account__owner"]
    search_fields = ["text", "account__name", "account__owner__username"]

    @admin.display(description="user")
    def owner(self, lock: DayLock) -> str:
        return str(lock.account.owner)


# --- the record: for looking ---


@admin.register(TradingSession)
class TradingSessionAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["id", "owner", "account", "asset", "kind", "created_at"]
    list_filter = ["kind", ("asset", RelatedOnlyFieldListFilter), ("owner", RelatedOnlyFieldListFilter)]
    list_select_related = ["owner", "account", "asset"]
    search_fields = ["id", "owner__username"]
    exclude = ["epoch"]


@admin.register(Take)
class TakeAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["id", "number", "owner", "asset", "begins", "forks", "parent", "created_at"]
    list_filter = [("session__asset", RelatedOnlyFieldListFilter), ("session__owner", RelatedOnlyFieldListFilter)]
    list_select_related = ["session__owner", "session__asset", "parent__session__asset"]
    search_fields = ["session__id", "session__owner__username"]

    @admin.display(description="user")
    def owner(self, take: Take) -> str:
        return str(take.session.owner)

    @admin.display(description="asset")
    def asset(self, take: Take) -> str:
        return str(take.session.asset)

    @admin.display(description="begins")
    def begins(self, take: Take) -> str:
        return et_text(take.start_ns)

    @admin.display(description="forks at")
    def forks(self, take: Take) -> str:
        return et_text(take.fork_ns)


class OfTakeAdmin(KeptForEver, admin.ModelAdmin):
    """Rows of a take."""

    list_select_related = ["take__session__owner"]
    show_full_result_count = False
    whose = ("take__session__owner", RelatedOnlyFieldListFilter)
    which = ("take__session__asset", RelatedOnlyFieldListFilter)
    search_fields = ["name", "take__session__id", "take__session__owner__username"]

    @admin.display(description="user")
    def owner(self, row: Any) -> str:
        return str(row.take.session.owner)

    @admin.display(description="market's time")
    def moment(self, row: Any) -> str:
        return et_text(getattr(row, "ns", None) or getattr(row, "playhead_ns", None) or getattr(row, "placed_ns", None))


@admin.register(LoggedCommand)
class LoggedCommandAdmin(OfTakeAdmin):
    list_display = ["take_id", "seq", "owner", "kind", "name", "moment", "at"]
    list_filter = ["kind", OfTakeAdmin.which, OfTakeAdmin.whose]
    ordering = ["-pk"]


@admin.register(OrderRecord)
class OrderRecordAdmin(OfTakeAdmin):
    list_display = [
        "take_id", "number", "owner", "name", "contract", "side", "type", "quantity", "filled", "status", "cause",
        "moment",
    ]  # fmt: skip
    list_filter = ["status", "type", "cause", "contract", OfTakeAdmin.whose]
    ordering = ["-pk"]


@admin.register(EventRecord)
class EventRecordAdmin(OfTakeAdmin):
    list_display = ["take_id", "number", "owner", "change", "reason", "name", "text", "moment", "at"]
    list_filter = ["change", "reason", OfTakeAdmin.which, OfTakeAdmin.whose]
    search_fields = [*OfTakeAdmin.search_fields, "text"]
    ordering = ["-pk"]


@admin.register(FillRecord)
class FillRecordAdmin(OfTakeAdmin):
    list_display = ["take_id", "number", "owner", "contract", "side", "quantity", "text", "moment", "at"]
    list_filter = ["contract", OfTakeAdmin.which, OfTakeAdmin.whose]
    ordering = ["-pk"]
