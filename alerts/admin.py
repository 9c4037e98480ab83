"""Alerts of all users and the shared ones, what has fired, and how the evaluators stand."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter, SimpleListFilter
from django.db.models import QuerySet, Sum
from django.forms import ModelForm
from django.http import HttpRequest

from alerts import services
from alerts.forms import AnyAlertForm
from alerts.models import Alert, AlertFiring, AlertSettings, AlertState, Progress, value_text
from market.admin import KeptForEver, LookOnly, et_text
from market.sessions import SECOND_NS


class WhoseFilter(SimpleListFilter):
    """Shared alerts, or users' own."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("shared", "shared"), ("own", "of a user")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(owner__isnull=self.value() == "shared")


class ReplayedFilter(SimpleListFilter):
    """Live firings, or those of replays."""

    title = "fired"
    parameter_name = "fired"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "live"), ("replayed", "in a replay")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(replay_key__isnull=self.value() == "live")


@admin.register(Alert)
class AlertAdmin(admin.ModelAdmin):
    """Shared alerts are made here; users make their own in the panel Alerts.

    To pause, resume or delete those of one user, filter by him and choose all; without a filter it is those of all.
    """

    form = AnyAlertForm
    list_display = ["__str__", "whose", "repeat", "is_active", "paused_reason", "expires_at", "fired", "changed_at"]
    list_filter = [
        WhoseFilter,
        ("owner", RelatedOnlyFieldListFilter),
        ("asset", RelatedOnlyFieldListFilter),
        "metric",
        "timeframe",
        "is_active",
    ]
    list_select_related = ["owner", "asset"]
    search_fields = ["note", "owner__username", "asset__root"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["is_active", "paused_reason"]
    actions = ["pause", "resume"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        found: QuerySet[Alert] = super().get_queryset(request)
        return found.annotate(fired=Sum("states__fire_count", default=0))

    def get_readonly_fields(self, request: HttpRequest, obj: Alert | None = None) -> list[str]:
        return [*self.readonly_fields, *([] if obj is None else ["owner"])]

    @admin.display(description="whose", ordering="owner__username")
    def whose(self, alert: Alert) -> str:
        return "shared" if alert.owner is None else str(alert.owner)

    @admin.display(description="fired", ordering="fired")
    def fired(self, alert: Any) -> int:
        return int(alert.fired)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, alerts: QuerySet[Alert]) -> None:
        self._said(request, services.pause(alerts=alerts), "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, alerts: QuerySet[Alert]) -> None:
        self._said(request, services.resume(alerts=alerts), "watched again")

    def _said(self, request: HttpRequest, count: int, what: str) -> None:
        words = "1 alert is" if count == 1 else f"{count} alerts are"
        self.message_user(request, f"{words} {what}.", messages.SUCCESS if count else messages.WARNING)

    def save_model(self, request: HttpRequest, obj: Alert, form: ModelForm, change: bool) -> None:
        terms = AnyAlertForm.terms_of(obj)
        saved = (
            services.change(alert=obj, terms=terms) if change else services.create(owner_id=obj.owner_id, terms=terms)
        )
        obj.pk, obj._state.adding = saved.pk, False

    def delete_model(self, request: HttpRequest, obj: Alert) -> None:
        services.delete(alerts=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        services.delete(alerts=queryset)


@admin.register(AlertFiring)
class AlertFiringAdmin(LookOnly, admin.ModelAdmin):
    list_display = [
        "sentence", "whose", "rounded", "n", "moment", "fired", "is_replayed", "webhook", "mail",
    ]  # fmt: skip
    exclude = ["value", "fired_at", "market_ns", "bar_start_ns"]
    readonly_fields = ["rounded", "moment", "bar", "fired"]
    list_filter = [
        ReplayedFilter,
        ("owner", RelatedOnlyFieldListFilter),
        ("asset", RelatedOnlyFieldListFilter),
        "metric",
        "timeframe",
        "webhook",
        "mail",
        "fired_at",
    ]
    list_select_related = ["owner", "asset"]
    search_fields = ["sentence", "note", "owner__username"]
    show_full_result_count = False

    @admin.display(description="whose", ordering="owner__username")
    def whose(self, firing: AlertFiring) -> str:
        return "shared" if firing.owner is None else str(firing.owner)

    @admin.display(description="market's time", ordering="market_ns")
    def moment(self, firing: AlertFiring) -> str:
        return et_text(firing.market_ns)

    @admin.display(description="value", ordering="value")
    def rounded(self, firing: AlertFiring) -> str:
        return f"{value_text(firing.value)} %"

    @admin.display(description="bar")
    def bar(self, firing: AlertFiring) -> str:
        return et_text(firing.bar_start_ns)

    @admin.display(description="fired", ordering="fired_at")
    def fired(self, firing: AlertFiring) -> str:
        return et_text(int(firing.fired_at.timestamp()) * SECOND_NS)

    @admin.display(description="replayed", boolean=True)
    def is_replayed(self, firing: AlertFiring) -> bool:
        return firing.replay_key is not None


@admin.register(AlertState)
class AlertStateAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["alert", "asset", "is_true", "rounded", "fire_count", "bar", "evaluated"]
    list_filter = [("alert__owner", RelatedOnlyFieldListFilter), ("asset", RelatedOnlyFieldListFilter), "is_true"]
    list_select_related = ["alert__asset", "asset"]
    show_full_result_count = False

    @admin.display(description="value", ordering="last_value")
    def rounded(self, state: AlertState) -> str:
        return "—" if state.last_value is None else f"{value_text(state.last_value)} %"

    @admin.display(description="bar")
    def bar(self, state: AlertState) -> str:
        return et_text(state.bar_start_ns)

    @admin.display(description="evaluated until")
    def evaluated(self, state: AlertState) -> str:
        return et_text(state.evaluated_ns)


@admin.register(Progress)
class ProgressAdmin(KeptForEver, admin.ModelAdmin):
    list_display = ["asset", "evaluated", "epoch"]
    list_select_related = ["asset"]

    @admin.display(description="evaluated until", ordering="until_ns")
    def evaluated(self, progress: Progress) -> str:
        return et_text(progress.until_ns)


@admin.register(AlertSettings)
class AlertSettingsAdmin(LookOnly, admin.ModelAdmin):
    list_display = ["user", "has_sound", "volume", "minutes_before"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
