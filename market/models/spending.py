"""What paid downloads cost, and how much may be spent."""

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from market.models.jobs import Job

NOT_NEGATIVE = [MinValueValidator(Decimal(0))]


class SpendingLimits(models.Model):
    """The one row of an installation; `current` gives it."""

    confirm_above = models.DecimalField(
        "ask above ($)",
        max_digits=10,
        decimal_places=2,
        default=Decimal("1.00"),
        validators=NOT_NEGATIVE,
        help_text="A download that is estimated dearer waits until its user has said yes.",
    )
    user_daily = models.DecimalField(
        "each user, a day ($)", max_digits=10, decimal_places=2, default=Decimal("20.00"), validators=NOT_NEGATIVE
    )
    installation_daily = models.DecimalField(
        "all users, a day ($)", max_digits=10, decimal_places=2, default=Decimal("100.00"), validators=NOT_NEGATIVE
    )
    counts_synthetic = models.BooleanField(
        "also for the synthetic market",
        default=False,
        help_text="The stand-in gateway costs nothing; with this its made-up prices count, to try the limits out.",
    )

    class Meta:
        verbose_name_plural = "spending limits"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="spending_limits_one_row"),
            models.CheckConstraint(
                condition=Q(confirm_above__gte=0, user_daily__gte=0, installation_daily__gte=0),
                name="spending_limits_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"ask above ${self.confirm_above}, ${self.user_daily} a user and ${self.installation_daily} in all a day"

    @classmethod
    def current(cls) -> "SpendingLimits":
        """The limits that hold now."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def locked(cls) -> "SpendingLimits":
        """The same, for the rest of this transaction; another one waits for its end."""
        cls.current()
        return cls.objects.select_for_update().get(pk=1)


class Purchase(models.Model):
    """One paid download: the ledger. A row is never changed."""

    day = models.DateField(help_text="ET date on which it was bought.")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="purchases",
        help_text="Empty: futsim itself.",
    )
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="purchases")
    source = models.CharField(max_length=40)
    dataset = models.CharField(max_length=20)
    schema = models.CharField(max_length=16)
    symbols = models.CharField(max_length=200)
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField()
    records = models.PositiveBigIntegerField()
    cost = models.DecimalField("cost ($)", max_digits=12, decimal_places=6, help_text="As the gateway estimated it.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["day", "user"], name="purchase_day_user")]
        constraints = [
            models.CheckConstraint(condition=Q(cost__gte=0), name="purchase_cost_not_negative"),
            models.CheckConstraint(condition=Q(start_ns__lt=models.F("end_ns")), name="purchase_range"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.schema} {self.symbols} ${self.cost}"


def spent(day: date, user_id: int | None = None) -> Decimal:
    """Dollars spent on an ET date: by a user, or by all (None)."""
    bought = Purchase.objects.filter(day=day)
    if user_id is not None:
        bought = bought.filter(user_id=user_id)
    total: Decimal | None = bought.aggregate(total=models.Sum("cost"))["total"]
    return total or Decimal(0)
