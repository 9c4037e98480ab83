"""The cost guard: nothing paid is downloaded before it is known what it costs and that it may be spent."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest

from market.databento_historical import Request
from market.models import Job, Purchase, SpendingLimits
from market.models.spending import spent
from market.money import dollars, estimate
from market.sessions import to_et

log = logging.getLogger(__name__)

CLEARLY_MORE = Decimal("1.1")
"""Estimates move a little while data are added; beyond this share of what was approved the user is asked again."""
SYMBOLS_LENGTH = 200
LEDGER_TRIES, LEDGER_PAUSE_SECONDS = 8, 1.0

Price = Callable[[Request], Decimal]


class NeedsApproval(Exception):
    """The next download of a job costs more than may be spent without asking. cost: of that download, dollars."""

    def __init__(self, cost: Decimal) -> None:
        super().__init__(f"This download costs about {estimate(cost)}.")
        self.cost = cost


class LimitReached(Exception):
    """A daily limit leaves too little for a download; the message has the figures and what to do."""


def is_paid() -> bool:
    """Whether downloads count. The synthetic market's are free unless an admin tries the limits out."""
    return not settings.SYNTHETIC_MARKET or SpendingLimits.current().counts_synthetic


def purse_for(job: Job) -> "Purse | None":
    """What a job pays with; None where nothing is paid."""
    return Purse(job) if is_paid() else None


def today() -> date:
    """The ET date that spending counts for now."""
    return to_et(time.time_ns()).date()


def on_its_way(*, besides: Job | None = None, user_id: int | None = None) -> Decimal:
    """Dollars that running jobs have set aside and not spent yet: of one user, or of all (None)."""
    running = Job.objects.filter(state=Job.State.RUNNING)
    if user_id is not None:
        running = running.filter(asked_by_id=user_id)
    if besides is not None:
        running = running.exclude(pk=besides.pk)
    total: Decimal | None = running.aggregate(total=Sum("reserved"))["total"]
    return total or Decimal(0)


class Purse:
    """What one job may spend. It is asked before each download, and told of each that came.

    `afford` sets money aside for some requests together, so that they are one question. A request that was not
    announced, or costs more than is left, is a question of its own.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._set_aside = Decimal(0)
        self._prices: dict[Request, Decimal] = {}

    def afford(self, requests: Sequence[Request], price: Price) -> None:
        """Set aside what these requests cost. Raises NeedsApproval, LimitReached, and what `price` raises."""
        need = sum((self._price(request, price) for request in requests), Decimal(0))
        if need:
            self._reserve(need)
        self._set_aside = need

    def begin(self, request: Request, price: Price) -> None:
        """See that there is money for one request. Raises as `afford` does."""
        if self._price(request, price) > self._set_aside:
            self.afford([request], price)

    def pay(self, request: Request, records: int, source: str) -> None:
        """Write down a download that came, whatever becomes of it."""
        cost = self._prices[request]
        self._set_aside = max(Decimal(0), self._set_aside - cost)
        for _ in range(LEDGER_TRIES - 1):
            try:
                self._write(request, records, source, cost)
                return
            except (OperationalError, InterfaceError):
                # Postgres was restarted during the download, which is bought all the same.
                log.warning("job %s: the ledger waits for the database", self._job.pk)
                connection.close()
                time.sleep(LEDGER_PAUSE_SECONDS)
        self._write(request, records, source, cost)

    def _price(self, request: Request, price: Price) -> Decimal:
        if request not in self._prices:
            self._prices[request] = price(request)
        return self._prices[request]

    def _reserve(self, need: Decimal) -> None:
        # Whoever holds the row of limits counts alone: two jobs cannot both take what is left.
        with transaction.atomic():
            limits = SpendingLimits.locked()
            self._check_limits(limits, need)
            if self._job.spent + need > max(limits.confirm_above, self._job.approved * CLEARLY_MORE):
                raise NeedsApproval(need)
            Job.objects.filter(pk=self._job.pk).update(cost=need, reserved=need)
        self._job.cost = need

    def _check_limits(self, limits: SpendingLimits, need: Decimal) -> None:
        user_id = self._job.asked_by_id
        if user_id is not None:
            held = spent(today(), user_id), on_its_way(besides=self._job, user_id=user_id)
            _check("Your limit is", limits.user_daily, *held, need)
        held = spent(today()), on_its_way(besides=self._job)
        _check("The limit of all users together is", limits.installation_daily, *held, need)

    def _write(self, request: Request, records: int, source: str, cost: Decimal) -> None:
        with transaction.atomic():
            Purchase.objects.create(
                day=today(),
                user_id=self._job.asked_by_id,
                job=self._job,
                source=source[:40],
                dataset=request.dataset,
                schema=request.schema,
                symbols=_names(request.symbols),
                start_ns=request.start_ns,
                end_ns=request.end_ns,
                records=records,
                cost=cost,
            )
            Job.objects.filter(pk=self._job.pk).update(reserved=Greatest(F("reserved") - cost, Decimal(0)))


def _check(whose: str, limit: Decimal, gone: Decimal, held: Decimal, need: Decimal) -> None:
    if gone + held + need <= limit:
        return
    more = f", {dollars(held)} more is being downloaded" if held else ""
    later = "try again tomorrow" if need <= limit else "choose less"
    raise LimitReached(
        f"{whose} {dollars(limit)} a day; {dollars(gone)} is spent{more} and this needs about {estimate(need)}. "
        f"Ask an admin, or {later}."
    )


def _names(symbols: tuple[str, ...]) -> str:
    """The symbols as text, the first and the last of many."""
    text = ",".join(symbols)
    return text if len(text) <= SYMBOLS_LENGTH else f"{symbols[0]} … {symbols[-1]} ({len(symbols)})"
