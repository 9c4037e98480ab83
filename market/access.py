"""The funnels through which views, consumers and tasks reach market objects."""

from decimal import Decimal

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from market.models import Asset, Coverage, ImportedFile, Job
from market.schemas import BAR_SCHEMAS


class NotOffered(LookupError):
    """No such asset, or not offered to users; the message is fit for the user."""


class NoSuchJob(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


def offered() -> QuerySet[Asset]:
    """The assets that can be replayed; those that have users' files only once they have bars."""
    with_bars = Coverage.objects.filter(contract__asset=OuterRef("pk"), schema__in=BAR_SCHEMAS, rows__gt=0)
    return Asset.objects.filter(Q(from_files=False) | Exists(with_bars), is_active=True)


def get_asset(root: str) -> Asset:
    """The asset of that root. Raises NotOffered."""
    asset = Asset.objects.filter(root=root.strip().upper(), is_active=True).first()
    if asset is None:
        raise NotOffered(f"There is no asset {root[:12]!r} here. Choose one from the list.")
    return asset


def jobs_of(user: AbstractUser | AnonymousUser) -> QuerySet[Job]:
    """The jobs that a user may see and steer: his own, an admin everybody's. Each has its `bought`, dollars."""
    costs = Sum("purchases__cost", default=Decimal(0))
    # a query that groups forgets the model's own order
    found = Job.objects.select_related("asked_by").annotate(bought=costs).order_by("-pk")
    return found if user.is_staff else found.filter(asked_by_id=user.pk)


def get_job(user: AbstractUser | AnonymousUser, job_id: int) -> Job:
    """One of them. Raises NoSuchJob."""
    job = jobs_of(user).filter(pk=job_id).first()
    if job is None:
        raise NoSuchJob("There is no such job of yours.")
    return job


def imported_files(user: AbstractUser | AnonymousUser) -> QuerySet[ImportedFile]:
    """The files that a user brought; those of all users for an admin."""
    files = ImportedFile.objects.all()
    return files if user.is_staff else files.filter(user=user.pk)
