"""What a trader may ask of the journal, and write into it."""

import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet

from journal.models import NOTE_LENGTH, TAG_LENGTH, Trade
from journal.statistics import IS_OVER, LOST, WON
from market.sessions import et_ns
from trading.engine.risk import MARKET_DAY_ENDS
from trading.models import EventRecord

MOST_TAGS = 12
BAD_DATE = "Write the date as 2026-03-18."
RESULTS = {"winners": WON & IS_OVER, "losers": LOST & IS_OVER, "open": Q(exit_ns=None)}
EARLIEST, LATEST = date(1970, 1, 2), date(2200, 1, 1)
"""Instants of days beyond these are no int64 nanoseconds."""
SIDES = {"long": Trade.Side.LONG, "short": Trade.Side.SHORT}


def _choice(label: str, empty: str, *values: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", empty), *((value, value) for value in values)])


def _day() -> forms.DateField:
    return forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": BAD_DATE})


class FilterForm(forms.Form):
    """Which trades to look at. Each field left empty leaves all; of takes, empty is the first ones only."""

    asset = forms.CharField(required=False, max_length=10)
    account = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    side = _choice("Side", "both", *SIDES)
    first = _day()
    last = _day()
    tag = forms.CharField(required=False, max_length=TAG_LENGTH)
    grade = _choice("Data", "all", *Trade.Grade.values)
    result = _choice("Result", "all", *RESULTS)
    takes = forms.ChoiceField(label="Takes", required=False, choices=[("", "first only"), ("all", "all")])

    def clean(self) -> dict[str, Any]:
        """Days in order."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if isinstance(first, date) and isinstance(last, date) and last < first:
            self.add_error("last", "The last day is before the first.")
        return data

    def chosen(self, trades: QuerySet[Trade]) -> QuerySet[Trade]:
        """Those of the trades that are asked for, retakes among them: see `shows_all_takes`."""
        data = self.cleaned_data
        asked = {
            "asset__root": data["asset"].upper(),
            "session__account_id": data["account"],
            "side": SIDES.get(data["side"]),
            "trade_date__gte": data["first"],
            "trade_date__lte": data["last"],
            "grade": data["grade"],
            "tags__contains": [data["tag"].lower()] if data["tag"] else None,
        }
        found = trades.filter(**{name: value for name, value in asked.items() if value})
        return found.filter(RESULTS.get(data["result"], Q()))

    def locks(self, events: QuerySet[EventRecord]) -> QuerySet[EventRecord]:
        """Those of the locks and unlocks that are of the account and the market days asked for."""
        account, first, last = (self.cleaned_data[name] for name in ("account", "first", "last"))
        asked = {
            "take__session__account_id": account,
            "ns__gte": first and _day_ends(first - timedelta(days=1) if first > EARLIEST else EARLIEST),
            "ns__lt": last and _day_ends(last),
        }
        return events.filter(**{name: value for name, value in asked.items() if value})

    @property
    def choices(self) -> list[forms.BoundField]:
        """The fields to choose from a list that is always the same."""
        return [self[name] for name in ("side", "result", "grade", "takes")]

    @property
    def shows_all_takes(self) -> bool:
        return bool(self.cleaned_data["takes"] == "all")

    @property
    def address(self) -> str:
        """What is asked for as the query of an address, without what is left empty."""
        return urlencode({name: self.data[name] for name in self.fields if self.data.get(name)})


def _day_ends(day: date) -> int:
    """UTC ns at which a market day ends and the next begins."""
    return et_ns(min(max(day, EARLIEST), LATEST), MARKET_DAY_ENDS)


class NoteForm(forms.Form):
    """What is written beside a trade. tags: separated by commas, a list of lower-case words comes out."""

    tags = forms.CharField(required=False, max_length=MOST_TAGS * (TAG_LENGTH + 2))
    note = forms.CharField(
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea,
        error_messages={"max_length": f"A note has at most {NOTE_LENGTH:,} characters."},
    )

    def clean_tags(self) -> list[str]:
        """Each tag once, in the order typed."""
        typed = (re.sub(r"\s+", " ", part).strip().lower() for part in self.cleaned_data["tags"].split(","))
        tags = list(dict.fromkeys(tag for tag in typed if tag))
        too_long = next((tag for tag in tags if len(tag) > TAG_LENGTH), None)
        if too_long is not None:
            raise forms.ValidationError(f"“{too_long}” is too long: a tag has at most {TAG_LENGTH} letters.")
        if len(tags) > MOST_TAGS:
            raise forms.ValidationError(f"These are {len(tags)} tags; a trade has at most {MOST_TAGS}.")
        return tags
