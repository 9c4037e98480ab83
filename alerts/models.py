"""What is watched, how it stands, and what has fired."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import F, Q

from market.models import Asset
from market.timeframes import TIMEFRAMES
from ranks.models import DEFAULT_LOOKBACK, LONGEST_LOOKBACK

NOTE_LENGTH = 500
TIMEFRAME_CHOICES = [(name, name) for name in TIMEFRAMES]
PERCENTILE = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))]


def value_text(value: float) -> str:
    """ "96.3": the one rounding of a value that fired, of all that shows it."""
    return f"{value:.1f}"


class Metric(models.TextChoices):
    """In the order of `ranks.engine.metrics.Metrics`."""

    VOL_RANK = "vol_rank", "Vol Rank"
    VOL_PENDING = "vol_pending", "Vol Pending"
    RANGE_RANK = "range_rank", "Range Rank"
    RANGE_PENDING = "range_pending", "Range Pending"


class Operator(models.TextChoices):
    GTE = "gte", "≥"
    LTE = "lte", "≤"


class Repeat(models.TextChoices):
    EDGE = "edge", "every time"
    BAR = "bar", "once per bar"
    CLOSE = "close", "at each bar's close"
    ONCE = "once", "once only"


class Sound(models.TextChoices):
    NONE = "none", "no sound"
    BEEP = "beep"
    CHIME = "chime"
    BELL = "bell"
    BUZZ = "buzz"


class Alert(models.Model):
    """A condition on one metric. owner: None where it is shared, which admins manage. asset: None for all of them.

    It is watched while it is active, was not stopped (paused_reason) and has not expired. revision: counts the changes
    after which it is armed anew.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="alerts",
        help_text="Empty: shared, everybody has it.",
    )
    asset = models.ForeignKey(
        Asset, models.CASCADE, null=True, blank=True, related_name="+", help_text="Empty: all assets."
    )
    metric = models.CharField(max_length=13, choices=Metric.choices, default=Metric.VOL_PENDING)
    operator = models.CharField(max_length=3, choices=Operator.choices, default=Operator.GTE)
    threshold = models.DecimalField(max_digits=4, decimal_places=1, default=Decimal(90), validators=PERCENTILE)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES, default="5m")
    lookback_days = models.PositiveSmallIntegerField(
        "lookback (calendar days)",
        default=DEFAULT_LOOKBACK,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LOOKBACK)],
    )
    repeat = models.CharField(max_length=5, choices=Repeat.choices, default=Repeat.EDGE)
    expires_at = models.DateTimeField("expires", null=True, blank=True, help_text="Empty: never.")
    sound = models.CharField(max_length=5, choices=Sound.choices, default=Sound.BEEP)
    webhook_url = models.CharField(
        "webhook", max_length=500, blank=True, validators=[URLValidator(schemes=["http", "https"])]
    )
    email = models.BooleanField("e-mail", default=False, help_text="To the owner's address.")
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    is_active = models.BooleanField("active", default=True)
    paused_reason = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Why it was stopped by itself; empty where it was not."
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["owner", "id"], name="alert_of_owner")]
        constraints = [
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="alert_metric"),
            models.CheckConstraint(condition=Q(operator__in=Operator.values), name="alert_operator"),
            models.CheckConstraint(condition=Q(threshold__gte=0, threshold__lte=100), name="alert_threshold"),
            models.CheckConstraint(condition=Q(timeframe__in=list(TIMEFRAMES)), name="alert_timeframe"),
            models.CheckConstraint(
                condition=Q(lookback_days__gte=1, lookback_days__lte=LONGEST_LOOKBACK), name="alert_lookback"
            ),
            models.CheckConstraint(condition=Q(repeat__in=Repeat.values), name="alert_repeat"),
            models.CheckConstraint(condition=Q(sound__in=Sound.values), name="alert_sound"),
        ]

    def __str__(self) -> str:
        root = "All" if self.asset is None else self.asset.root
        return f"{root} {self.timeframe} {self.condition}"

    @property
    def condition(self) -> str:
        """Such as "Vol Pending ≥ 90"."""
        sign = Operator(self.operator).label
        return f"{Metric(self.metric).label} {sign} {float(self.threshold):g}"

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None

    @property
    def is_watched(self) -> bool:
        """Whether it is neither paused nor stopped; it may have expired."""
        return self.is_active and not self.paused_reason


class AlertState(models.Model):
    """How an alert stands at an asset. is_true: None while it is not known.

    revision: the alert's when this was so; the state of another one counts for nothing. evaluated_ns: what came up to
    here is evaluated (UTC ns), or was before the alert was armed; `Progress` may be further.
    """

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="states")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    is_true = models.BooleanField(null=True)
    last_value = models.FloatField(null=True)
    bar_start_ns = models.BigIntegerField(null=True)
    fire_count = models.PositiveIntegerField(default=0)
    last_fired_bar_ns = models.BigIntegerField(null=True)
    evaluated_ns = models.BigIntegerField()

    class Meta:
        ordering = ["alert", "asset"]
        constraints = [models.UniqueConstraint(fields=["alert", "asset"], name="alert_state_once")]

    def __str__(self) -> str:
        return f"{self.alert_id} at {self.asset_id}"


class Outcome(models.TextChoices):
    """Of a delivery; empty where none was asked for."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"


class AlertFiring(models.Model):
    """An alert has fired. It outlives the alert: what the alert was then is kept here.

    owner: whose it is; None where everybody's. bar_start_ns: of the bar that it was about, market_ns: the instant in
    market time (UTC ns). n: bars in the sample. replay_key: the replay in which it fired, None where live.
    """

    alert = models.ForeignKey(Alert, models.SET_NULL, null=True, related_name="firings")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    metric = models.CharField(max_length=13, choices=Metric.choices)
    operator = models.CharField(max_length=3, choices=Operator.choices)
    threshold = models.DecimalField(max_digits=4, decimal_places=1)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    lookback_days = models.PositiveSmallIntegerField()
    sound = models.CharField(max_length=5, choices=Sound.choices)
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    sentence = models.CharField(max_length=200)
    bar_start_ns = models.BigIntegerField()
    market_ns = models.BigIntegerField()
    value = models.FloatField()
    n = models.PositiveIntegerField()
    fired_at = models.DateTimeField(auto_now_add=True)
    revision = models.PositiveIntegerField(default=1, help_text="The alert's when it fired.")
    feed_epoch = models.BigIntegerField(default=0, help_text="The feed's: when market time goes back it is another.")
    replay_key = models.UUIDField(null=True, editable=False)

    webhook = models.CharField(max_length=7, choices=Outcome.choices, blank=True)
    webhook_tries = models.PositiveSmallIntegerField(default=0)
    webhook_words = models.CharField(max_length=200, blank=True, help_text="What came of it.")
    mail = models.CharField("e-mail", max_length=7, choices=Outcome.choices, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mail_words = models.CharField(max_length=200, blank=True, help_text="What came of it.")
    due_at = models.DateTimeField(null=True, help_text="When a worker looks at what is still waiting.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["owner", "-id"], name="firing_of_owner"),
            models.Index(fields=["alert", "-market_ns"], name="firing_of_alert"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="firing_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "asset", "market_ns", "feed_epoch"], condition=Q(replay_key=None), name="firing_once"
            ),
            models.UniqueConstraint(
                fields=["alert", "asset", "market_ns", "replay_key"],
                condition=Q(replay_key__isnull=False),
                name="replayed_firing_once",
            ),
        ]

    def __str__(self) -> str:
        return self.sentence


class AlertMute(models.Model):
    """A user does not want to hear of a shared alert."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="mutes")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "alert"], name="alert_mute_once")]

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.alert_id}"


class AlertSeen(models.Model):
    """Up to which firing a user has looked at them. shown_id: up to which a page that he had in front showed them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    until_id = models.BigIntegerField(default=0)
    shown_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id} until {self.until_id}"


class AlertSettings(models.Model):
    """How a user hears of firings. secret_number: counts the secrets that signed his webhooks."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="alert_settings")
    has_sound = models.BooleanField("sound", default=True)
    volume = models.PositiveSmallIntegerField("volume (%)", default=60, validators=[MaxValueValidator(100)])
    minutes_before = models.PositiveSmallIntegerField(
        "minutes before",
        default=5,
        validators=[MaxValueValidator(600)],
        help_text="A replay of a firing begins so long before it.",
    )
    secret_number = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name_plural = "alert settings"
        constraints = [
            models.CheckConstraint(condition=Q(volume__lte=100), name="alert_settings_volume"),
            models.CheckConstraint(condition=Q(minutes_before__lte=600), name="alert_settings_minutes"),
        ]

    def __str__(self) -> str:
        return f"alert settings of {self.user_id}"


class Progress(models.Model):
    """How far live is evaluated at an asset. epoch: of the feed; when it changes, market time has gone back."""

    asset = models.OneToOneField(Asset, models.CASCADE, related_name="+")
    until_ns = models.BigIntegerField()
    epoch = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"{self.asset} until {self.until_ns}"


class Definitions(models.Model):
    """One row. version: counts the changes of alerts; evaluators look at it, and read the alerts where it is new.

    Whoever changes alerts takes this row first, so that two such changes never wait for each other.
    """

    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "definitions"

    def __str__(self) -> str:
        return f"version {self.version}"

    @classmethod
    def bump(cls) -> None:
        """In a transaction: the alerts are about to change."""
        if not cls.objects.filter(pk=1).update(version=F("version") + 1):
            cls.objects.get_or_create(pk=1)
            cls.objects.filter(pk=1).update(version=F("version") + 1)

    @classmethod
    def current(cls) -> int:
        """The version now; 0 before the first change."""
        return cls.objects.filter(pk=1).values_list("version", flat=True).first() or 0
