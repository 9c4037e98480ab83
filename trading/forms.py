"""What a user may set of his accounts, and an admin of anybody's limits."""

from typing import Any, ClassVar

from django import forms

from market.models import Asset
from trading.models import Account, AccountLimits, ForcedLimits
from trading.texts import hours_text, parse_hours, parse_positions, positions_text

NAME_TAKEN = "You have another account of this name."
LIMIT_GROUPS = {
    "Losses": (
        "max_day_loss", "max_day_loss_open", "warn_percent", "max_trade_loss", "giveback_from", "giveback_percent",
        "is_hard",
    ),
    "Sizes": (
        "max_order", "max_position", "max_position_of", "max_position_all", "max_trades", "buying_power", "leverage",
    ),
    "Times": ("hours", "cooldown_losses", "cooldown_minutes"),
}  # fmt: skip
LIMITS = tuple(name for names in LIMIT_GROUPS.values() for name in names)


class AccountForm(forms.ModelForm):
    """An account, but for its limits."""

    class Meta:
        model = Account
        fields = ("name", "cash", "latency_ms", "jitter_ms", "preset", "bar_share", "slip", "assumed_ahead")
        labels: ClassVar = {"preset": "Queue preset"}

    def clean_name(self) -> str:
        """A name that no other account of the user has."""
        name: str = self.cleaned_data["name"]
        others = Account.objects.filter(owner=self.instance.owner_id, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(NAME_TAKEN)
        return name


class AnyAccountForm(AccountForm):
    """An admin's: whose it is is chosen when it is made."""

    class Meta(AccountForm.Meta):
        fields = ("owner", *AccountForm.Meta.fields)  # type: ignore[assignment]


class LimitsForm(forms.ModelForm):
    """Limits as people write them: hours and positions of single assets are text."""

    max_position_of = forms.CharField(
        label="Position of single assets",
        required=False,
        max_length=400,
        help_text="As NQ 2, ES 5; they count in the place of the one above.",
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.initial["max_position_of"] = positions_text(self.instance.max_position_of)
        for name in ("cooldown_losses", "cooldown_minutes"):
            self.fields[name].required = False

    def clean_max_position_of(self) -> dict[str, int]:
        """Lots by root."""
        try:
            return parse_positions(self.cleaned_data["max_position_of"], list(_roots()))
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None

    def clean_hours(self) -> str:
        """The hours in order and in one way of writing."""
        try:
            return hours_text(parse_hours(self.cleaned_data["hours"]))
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None

    def clean(self) -> dict[str, Any]:
        """A pause has both its parts, or none."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        parts = {name: data.get(name) or 0 for name in ("cooldown_losses", "cooldown_minutes")}
        data.update(parts)
        missing = [name for name, value in parts.items() if not value and name not in self.errors]
        if len(missing) == 1 and not self.errors.keys() & parts.keys():
            words = "After how many losses?" if missing[0] == "cooldown_losses" else "For how many minutes?"
            self.add_error(missing[0], words)
        if data.get("giveback_percent") and data.get("giveback_from") is None and "giveback_from" not in self.errors:
            self.add_error("giveback_from", "From which profit on?")
        return data


def _roots() -> Any:
    return Asset.objects.values_list("root", flat=True)


class AccountLimitsForm(LimitsForm):
    """The user's own."""

    class Meta:
        model = AccountLimits
        fields = LIMITS


class ForcedLimitsForm(LimitsForm):
    """Those that an admin forces."""

    class Meta:
        model = ForcedLimits
        fields = ("user", *LIMITS)
