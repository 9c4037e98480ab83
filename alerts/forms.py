"""What a user may say of an alert, and of how he hears of firings."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.utils import timezone

from alerts.models import (
    NOTE_LENGTH,
    TIMEFRAME_CHOICES,
    Alert,
    AlertFiring,
    AlertSettings,
    Metric,
    Operator,
    Repeat,
    Sound,
)
from alerts.services import ARMING, MOST, Terms, Twin, check_twin
from alerts.webhooks import is_plainly_private
from market.access import NotOffered, get_asset
from market.models import Asset
from market.sessions import FIRST_DAY, LAST_DAY, SECOND_NS, BadTime, parse_et, to_et
from market.timeframes import TIMEFRAMES
from ranks.models import DEFAULT_LOOKBACK, LONGEST_LOOKBACK

BAD_THRESHOLD = "A threshold is a percentile rank from 0 to 100, with at most one decimal."
BAD_LOOKBACK = f"A lookback has 1 to {LONGEST_LOOKBACK:,} days."
BAD_TIMEFRAME = f"Timeframes are {', '.join(TIMEFRAMES)}."
BAD_EXPIRY = "Write the expiry as 2026-03-18 16:00 or 16:00, in Eastern time."
BAD_MOMENT = "An expiry is in the future, and before the year 2200."
BAD_WEBHOOK = "Write the webhook as https://example.org/path."
PRIVATE_WEBHOOK = "This installation sends webhooks to public addresses only, not to itself or a private network."
NO_ADDRESS = "Your account has no e-mail address. An admin can enter one."
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
FIRST_NS, LAST_NS = (parse_et(f"{day} 12:00") for day in (FIRST_DAY, LAST_DAY))


def _choice(label: str, choices: Any, problem: str, initial: str) -> forms.ChoiceField:
    messages = dict.fromkeys(("required", "invalid_choice"), problem)
    return forms.ChoiceField(label=label, choices=choices, error_messages=messages, initial=initial)


def _whole(label: str, least: int, most: int, problem: str, initial: int) -> forms.IntegerField:
    messages = dict.fromkeys(("required", "invalid", "min_value", "max_value"), problem)
    return forms.IntegerField(label=label, min_value=least, max_value=most, error_messages=messages, initial=initial)


class AlertForm(forms.Form):
    """An alert in one row. user: whose it is to be; he needs an address for e-mails."""

    asset = forms.CharField(label="Asset", required=False)
    metric = _choice("Metric", Metric.choices, "Choose one of the four metrics.", Metric.VOL_PENDING)
    operator = _choice("Operator", Operator.choices, "Choose ≥ or ≤.", Operator.GTE)
    threshold = forms.DecimalField(
        label="Threshold",
        min_value=0,
        max_value=100,
        max_digits=4,
        decimal_places=1,
        initial=90,
        error_messages=dict.fromkeys(
            (
                "required", "invalid", "min_value", "max_value", "max_digits", "max_decimal_places", "max_whole_digits",
            ),
            BAD_THRESHOLD,
        ),
    )  # fmt: skip
    timeframe = _choice("Timeframe", TIMEFRAME_CHOICES, BAD_TIMEFRAME, "5m")
    lookback_days = _whole("Lookback", 1, LONGEST_LOOKBACK, BAD_LOOKBACK, DEFAULT_LOOKBACK)
    repeat = _choice("Repeat", Repeat.choices, "Choose how often it fires.", Repeat.EDGE)
    expires_at = forms.CharField(
        label="Expires (ET)", required=False, widget=forms.TextInput(attrs={"placeholder": "never"})
    )
    sound = _choice("Sound", Sound.choices, "Choose one of the sounds.", Sound.BEEP)
    webhook_url = forms.CharField(
        label="Webhook",
        required=False,
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"], message=BAD_WEBHOOK)],
        error_messages={"max_length": "A webhook's address has at most 500 characters."},
    )
    email = forms.BooleanField(label="E-mail", required=False)
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=NOTE_LENGTH,
        error_messages={"max_length": f"A note has at most {NOTE_LENGTH} characters."},
    )

    def __init__(self, data: Any = None, *, user: AbstractBaseUser | AnonymousUser, **more: Any) -> None:
        super().__init__(data, **more)
        self._user = user

    @classmethod
    def of(cls, alert: Alert, user: AbstractBaseUser | AnonymousUser) -> "AlertForm":
        """The form filled in with an alert, not bound."""
        initial = {name: getattr(alert, name) for name in cls.base_fields} | {
            "asset": alert.asset.root if alert.asset else "",
            "threshold": f"{alert.threshold:g}" if alert.threshold % 1 else int(alert.threshold),
            "expires_at": expiry_text(alert),
        }
        return cls(user=user, initial=initial, auto_id=f"alert-{alert.pk}-%s")

    def clean_asset(self) -> Asset | None:
        """The asset of that root; None for all."""
        root = self.cleaned_data["asset"]
        if not root:
            return None
        try:
            asset = get_asset(root)
        except NotOffered as problem:
            raise forms.ValidationError(str(problem)) from None
        if asset.from_files:
            raise forms.ValidationError(f"{asset} is made of own files: it has no live market to watch.")
        return asset

    def clean_expires_at(self) -> datetime | None:
        """The instant of a text in Eastern time; a time alone is the next one; None for never."""
        text = self.cleaned_data["expires_at"].replace("T", " ")
        if not text:
            return None
        try:
            moment = datetime.fromtimestamp(_next(text) / SECOND_NS, UTC)
        except (BadTime, OverflowError, ValueError, OSError):
            raise forms.ValidationError(BAD_EXPIRY) from None
        if not timezone.now() < moment < LATEST:
            raise forms.ValidationError(BAD_MOMENT)
        return moment

    def clean_email(self) -> bool:
        """Whether to write e-mails; only to somebody with an address."""
        wanted = bool(self.cleaned_data["email"])
        if wanted and not getattr(self._user, "email", ""):
            raise forms.ValidationError(NO_ADDRESS)
        return wanted

    def clean_webhook_url(self) -> str:
        """Names are looked up when it is sent; what is plainly private is refused at once."""
        return _public_webhook(self.cleaned_data["webhook_url"])

    @property
    def terms(self) -> Terms:
        """What was said, of a valid form."""
        return Terms(**self.cleaned_data)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """What is wrong: the field's name for people, and why."""
        return [(self._label(name), str(text)) for name, texts in self.errors.items() for text in texts]

    def _label(self, name: str) -> str:
        return str(self.fields[name].label) if name in self.fields else ""


def _public_webhook(url: str) -> str:
    if is_plainly_private(url):
        raise forms.ValidationError(PRIVATE_WEBHOOK)
    return url


def _next(text: str) -> int:
    """UTC ns of "2026-03-18 16:00", or of the next "16:00". Raises BadTime."""
    if ":" not in text or " " in text:
        return parse_et(text)
    now = timezone.now()
    today = to_et(int(now.timestamp()) * SECOND_NS).date()
    moments = (parse_et(f"{day} {text:0>5}") for day in (today, today + timedelta(days=1)))
    return next(ns for ns in moments if ns > now.timestamp() * SECOND_NS)


def expiry_text(alert: Alert) -> str:
    """ "2026-03-18 16:00" in Eastern time; empty for never."""
    if alert.expires_at is None:
        return ""
    return f"{to_et(int(alert.expires_at.timestamp()) * SECOND_NS):%Y-%m-%d %H:%M}"


class LookBackForm(forms.Form):
    """From when on to look back: the playhead of the replay whose page asks; empty for the live market's time."""

    until_ns = forms.IntegerField(required=False, min_value=FIRST_NS, max_value=LAST_NS)


class AnyAlertForm(forms.ModelForm):
    """An alert as the admin has it: of any user, or shared."""

    class Meta:
        model = Alert
        fields = [
            "owner", "asset", "metric", "operator", "threshold", "timeframe", "lookback_days", "repeat", "expires_at",
            "sound", "webhook_url", "email", "note",
        ]  # fmt: skip

    def clean_webhook_url(self) -> str:
        """As in the form of a user."""
        return _public_webhook(self.cleaned_data["webhook_url"])

    def clean(self) -> dict[str, Any]:
        """Not more than there may be, and none twice."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        owner = data.get("owner") if self.instance.pk is None else self.instance.owner
        if self.instance.pk is None and Alert.objects.filter(owner=owner).count() >= MOST:
            raise forms.ValidationError(f"There are {MOST} alerts of {owner or 'everybody'}, which is the most.")
        if not self.errors:
            self._check_twin(data, owner and owner.pk)
        return data

    def _check_twin(self, data: dict[str, Any], owner_id: int | None) -> None:
        terms = Terms(**{field.name: data[field.name] for field in dataclasses.fields(Terms)})
        if self.instance.pk is not None and not any(name in ARMING for name in self.changed_data):
            return
        try:
            check_twin(owner_id, terms, but=self.instance.pk or 0)
        except Twin as problem:
            raise forms.ValidationError(str(problem)) from None

    @staticmethod
    def terms_of(alert: Alert) -> Terms:
        """The terms of an alert as the form has filled it in."""
        return Terms(**{field.name: getattr(alert, field.name) for field in dataclasses.fields(Terms)})


class SettingsForm(forms.ModelForm):
    """How the user hears of firings."""

    class Meta:
        model = AlertSettings
        fields = ["has_sound", "volume", "minutes_before"]
        error_messages = {
            "volume": dict.fromkeys(("required", "invalid", "min_value", "max_value"), "The volume is 0 to 100."),
            "minutes_before": dict.fromkeys(
                ("required", "invalid", "min_value", "max_value"), "A replay begins 0 to 600 minutes before a firing."
            ),
        }


class HistoryForm(forms.Form):
    """Which firings to look at; each field left empty leaves all."""

    asset = forms.CharField(required=False, max_length=12)
    kind = forms.ChoiceField(
        label="Fired",
        required=False,
        choices=[("", "live"), ("replayed", "in replays"), ("all", "live and in replays")],
    )

    @property
    def address(self) -> str:
        """What is asked for as the query of an address, without what is left empty."""
        return urlencode({name: self.data[name] for name in self.fields if self.data.get(name)})

    def chosen(self, firings: QuerySet[AlertFiring]) -> QuerySet[AlertFiring]:
        """Those that are asked for; live ones where nothing is said, and where it cannot be understood."""
        self.is_valid()
        root, kind = self.cleaned_data.get("asset", "").upper(), self.cleaned_data.get("kind", "")
        found = firings.filter(asset__root=root) if root else firings
        return found if kind == "all" else found.filter(replay_key__isnull=kind != "replayed")
