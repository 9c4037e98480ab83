"""Assets and what trading them costs."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from market.facts import MONTH_CODES, PRICE_SCALE
from market.sessions import CALENDARS, SessionCalendar, calendar


def validate_months(text: str) -> None:
    """Delivery months are distinct month letters in calendar order."""
    if not text or list(text) != [code for code in MONTH_CODES if code in text]:
        raise ValidationError(f"{text!r} is not a list of month letters in order, such as HMUZ.")


class Asset(models.Model):
    """Something to trade: a root with its futures, e.g. NQ, or a stock, e.g. NVDA."""

    class Kind(models.TextChoices):
        FUTURE = "future"
        STOCK = "stock"

    class PriceDisplay(models.TextChoices):
        DECIMAL = "decimal"
        THIRTY_SECONDS = "32nds", "32nds (110'165)"

    root = models.CharField(
        max_length=10,
        unique=True,
        validators=[RegexValidator(r"^[A-Z0-9][A-Z0-9.]{0,9}$", "Capital letters, digits and dots only.")],
    )
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.FUTURE)
    name = models.CharField(max_length=80)
    exchange = models.CharField(max_length=12)
    dataset = models.CharField(max_length=20, default="GLBX.MDP3")
    point_value = models.DecimalField(
        "point value ($)", max_digits=16, decimal_places=4, validators=[MinValueValidator(Decimal("0.0001"))]
    )
    tick_size = models.BigIntegerField(
        "tick (1e-9)", validators=[MinValueValidator(1)], help_text="In units of 1e-9: 0.25 is 250000000."
    )
    decimals = models.PositiveSmallIntegerField(validators=[MaxValueValidator(9)], help_text="Of a price as shown.")
    price_display = models.CharField(max_length=8, choices=PriceDisplay.choices, default=PriceDisplay.DECIMAL)
    active_months = models.CharField(
        max_length=12, blank=True, validators=[validate_months], help_text="Empty for a stock."
    )
    listed_months = models.CharField(
        max_length=12, blank=True, validators=[validate_months], help_text="Empty for a stock."
    )
    calendar = models.CharField(max_length=40, choices=[(name, name) for name in CALENDARS])
    from_files = models.BooleanField(
        "from imported files only", default=False, help_text="Nothing is downloaded for it; what was imported is shown."
    )
    is_active = models.BooleanField("offered to users", default=True)
    protection = models.PositiveIntegerField(
        "protection (ticks)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How far from the best price market orders and stops may be filled. Empty: 20.",
    )
    locate_fee = models.DecimalField(
        "locate ($ a share)",
        max_digits=8,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text="Of a stock that is hard to borrow: what each share located for a day costs. Empty: easy to borrow.",
    )

    class Meta:
        ordering = ["root"]
        constraints = [
            models.CheckConstraint(condition=Q(tick_size__gt=0), name="asset_tick_positive"),
            models.CheckConstraint(condition=Q(point_value__gt=0), name="asset_point_value_positive"),
            models.CheckConstraint(
                condition=Q(kind="stock", active_months="", listed_months="")
                | Q(kind="future") & ~Q(active_months="") & ~Q(listed_months=""),
                name="asset_months",
            ),
            models.CheckConstraint(condition=Q(decimals__lte=9), name="asset_decimals"),
            models.CheckConstraint(condition=Q(protection=None) | Q(protection__gt=0), name="asset_protection"),
            models.CheckConstraint(condition=Q(locate_fee=None) | Q(locate_fee__gte=0), name="asset_locate_fee"),
        ]

    def __str__(self) -> str:
        return self.root

    def clean(self) -> None:
        """A form says beside which field the months are wrong, before the database refuses them."""
        if self.is_stock and (self.active_months or self.listed_months):
            raise ValidationError({"kind": "A stock has no delivery months."})
        if self.locate_fee is not None and not self.is_stock:
            raise ValidationError({"locate_fee": "Only stocks are borrowed."})
        wrong = [name for name in ("active_months", "listed_months") if not self.is_stock and not getattr(self, name)]
        if wrong:
            raise ValidationError(dict.fromkeys(wrong, "A future has delivery months."))

    @property
    def is_stock(self) -> bool:
        return self.kind == self.Kind.STOCK

    @property
    def tick_value(self) -> Decimal:
        """Dollars per tick and contract, exact."""
        return self.point_value * self.tick_size / PRICE_SCALE

    @property
    def sessions(self) -> SessionCalendar:
        """The asset's session calendar."""
        return calendar(self.calendar)


class AssetCost(models.Model):
    """Fees and margin of an asset from a date on."""

    class MarginKind(models.TextChoices):
        USD = "usd", "dollars per contract"
        PCT_NOTIONAL = "pct_notional", "percent of notional value"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="costs")
    effective_from = models.DateField()
    fee_exchange = models.DecimalField("exchange fee per side ($)", max_digits=8, decimal_places=4)
    fee_broker = models.DecimalField("broker fee per side ($)", max_digits=8, decimal_places=4)
    margin = models.DecimalField(max_digits=12, decimal_places=2)
    margin_kind = models.CharField(max_length=12, choices=MarginKind.choices, default=MarginKind.USD)

    class Meta:
        ordering = ["asset", "-effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "effective_from"], name="cost_once_a_day"),
            models.CheckConstraint(
                condition=Q(fee_exchange__gte=0, fee_broker__gte=0, margin__gte=0), name="cost_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} from {self.effective_from}"
