"""What a trader may type when opening a replay."""

from datetime import date, time
from typing import Any

from django import forms

from market.access import NotOffered, get_asset
from market.models import Asset
from market.sessions import BadTime, et_ns
from market.timeframes import TIMEFRAMES

LOOKBACK_MIN, LOOKBACK_MAX = 30, 3_650


class OpenForm(forms.Form):
    """Asset, entry (ET), timeframe and lookback of a new replay."""

    root = forms.CharField(max_length=6)
    entry_date = forms.DateField(error_messages={"invalid": "Write the date as 2026-03-18."})
    entry_time = forms.TimeField(error_messages={"invalid": "Write the time as 09:30."})
    timeframe = forms.ChoiceField(
        choices=[(name, name) for name in TIMEFRAMES],
        error_messages={"invalid_choice": f"Timeframes are {', '.join(TIMEFRAMES)}."},
    )
    lookback_days = forms.IntegerField(
        min_value=LOOKBACK_MIN,
        max_value=LOOKBACK_MAX,
        error_messages={"invalid": "Lookback is a number of days."},
    )

    def clean_root(self) -> Asset:
        """The asset of that root."""
        try:
            return get_asset(self.cleaned_data["root"])
        except NotOffered as problem:
            raise forms.ValidationError(str(problem)) from None

    def clean(self) -> dict[str, Any]:
        """Add entry_ns, the entry in UTC ns."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        day, at = data.get("entry_date"), data.get("entry_time")
        if isinstance(day, date) and isinstance(at, time):
            try:
                data["entry_ns"] = et_ns(day, at)
            except BadTime as problem:
                self.add_error("entry_time", str(problem))
            except OverflowError:
                self.add_error("entry_date", "That moment is in the future. Choose one that has been.")
        return data
