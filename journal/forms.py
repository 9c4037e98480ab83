"""What a trader may ask of the journal, and write into it."""

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet

from journal.models import NOTE_LENGTH, TAG_LENGTH, Trade
from journal.statistics import IS_OVER, LOST, WON

MOST_TAGS = 12
BAD_DATE = "Write the date as 2026-03-18."
RESULTS = {"winners": WON & IS_OVER, "losers": LOST & IS_OVER, "open": Q(exit_ns=None)}
SIDES = {"long": Trade.Side.LONG, "short": Trade.Side.SHORT}


def _choice(label: str, empty: str, *values: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", empty), *((value, value) for value in values)])


def _day() -> forms.DateField:
    return forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": BAD_DATE})


class FilterForm(forms.Form):
    """Which trades to look at. Each field left empty leaves all; of takes, empty is the first ones only."""

    asset = forms.CharField(required=False, max_length=10)
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
            "side": SIDES.get(data["side"]),
            "trade_date__gte": data["first"],
            "trade_date__lte": data["last"],
            "grade": data["grade"],
            "tags__contains": [data["tag"].lower()] if data["tag"] else None,
        }
        found = trades.filter(**{name: value for name, value in asked.items() if value})
        return found.filter(RESULTS.get(data["result"], Q()))

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
