"""What a trader may type when opening a replay."""

import re
from datetime import date, time
from typing import Any, ClassVar

from django import forms

from market.access import NotOffered, get_asset
from market.models import Asset
from market.sessions import FIRST_DAY, LAST_DAY, BadTime, et_ns
from market.timeframes import TIMEFRAMES
from ranks.models import LONGEST_LOOKBACK
from trading.access import NoSuchAccount, get_account
from trading.models import Account

LOOKBACK_MIN, LOOKBACK_MAX = 1, LONGEST_LOOKBACK

BAD_DATE = "Write the date as 2026-03-18."
BAD_TIME = "Write the time as 09:30 or 09:30:15."
BAD_TIMEFRAME = f"Timeframes are {', '.join(TIMEFRAMES)}."
BAD_ACCOUNT = "Choose one of your accounts."
BAD_LOOKBACK = f"A lookback has {LOOKBACK_MIN:,} to {LOOKBACK_MAX:,} days."

# not strptime's: its "%H%M" reads 130 as 13:00
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{1,2}):?([0-9]{2})(?::([0-9]{2}))?")


def _asset(root: str) -> Asset:
    try:
        return get_asset(root)
    except NotOffered as problem:
        raise forms.ValidationError(str(problem)) from None


class MonthForm(forms.Form):
    """An asset and a month of the exchange's calendar, as 2026-03; its first day comes out."""

    root = forms.CharField()
    month = forms.RegexField(r"^[0-9]{4}-[0-9]{2}$")

    def clean_root(self) -> Asset:
        """The asset of that root."""
        return _asset(self.cleaned_data["root"])

    def clean_month(self) -> date:
        """The first day of the month; the nearest that there is for one before or after all of them."""
        try:
            first = date.fromisoformat(f"{self.cleaned_data['month']}-01")
        except ValueError:
            raise forms.ValidationError("Write the month as 2026-03.") from None
        return min(max(first, FIRST_DAY.replace(day=1)), LAST_DAY.replace(day=1))


class DayField(forms.DateField):
    """A date; one that is written well and is none is told apart."""

    default_error_messages: ClassVar[dict[str, Any]] = dict.fromkeys(("required", "invalid"), BAD_DATE)

    def to_python(self, value: Any) -> date | None:
        """The date that was typed."""
        try:
            return super().to_python(value)
        except forms.ValidationError:
            text = str(value).strip()
            if _DATE.fullmatch(text):
                raise forms.ValidationError(f"There is no day {text}.") from None
            raise


class OpenForm(forms.Form):
    """Asset, entry (ET), timeframe and lookback of a new replay, and the account that trades in it."""

    root = forms.CharField(error_messages={"required": "Choose an asset."})
    entry_date = DayField()
    entry_time = forms.CharField(error_messages={"required": BAD_TIME})
    timeframe = forms.ChoiceField(
        choices=[(name, name) for name in TIMEFRAMES],
        error_messages={"required": BAD_TIMEFRAME, "invalid_choice": BAD_TIMEFRAME},
    )
    lookback_days = forms.IntegerField(
        min_value=LOOKBACK_MIN,
        max_value=LOOKBACK_MAX,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), BAD_LOOKBACK),
    )
    account = forms.RegexField(r"^[0-9]{1,18}$", required=False, error_messages={"invalid": BAD_ACCOUNT})

    def __init__(self, data: Any, owner_id: int) -> None:
        super().__init__(data)
        self._owner_id = owner_id

    def clean_root(self) -> Asset:
        """The asset of that root."""
        return _asset(self.cleaned_data["root"])

    def clean_account(self) -> Account | None:
        """The user's account of that number; None where none is chosen."""
        number = self.cleaned_data["account"]
        try:
            return get_account(self._owner_id, int(number)) if number else None
        except NoSuchAccount:
            raise forms.ValidationError(BAD_ACCOUNT) from None

    def clean_entry_time(self) -> time:
        """The time of "9:30", "0930", "930" or "09:30:15"."""
        match = _TIME.fullmatch(self.cleaned_data["entry_time"])
        try:
            if match is None:
                raise ValueError
            return time(int(match[1]), int(match[2]), int(match[3] or 0))
        except ValueError:
            raise forms.ValidationError(BAD_TIME) from None

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
