"""The funnels through which views, consumers and tasks reach market objects."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from market.models import Asset, Coverage, ImportedFile, Job
from market.schemas import BAR_SCHEMAS


class NotOffered(LookupError):
    """No such asset, or not offered to users; the message is fit for the user."""


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


def imported_files(user: AbstractBaseUser | AnonymousUser) -> QuerySet[ImportedFile]:
    """The files that a user brought; those of all users for an admin."""
    files = ImportedFile.objects.all()
    return files if getattr(user, "is_staff", False) else files.filter(user=user.pk)


def import_jobs(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Job]:
    """A user's imports; those of all users for an admin."""
    jobs = Job.objects.filter(kind=Job.IMPORT)
    return jobs if getattr(user, "is_staff", False) else jobs.filter(asked_by=user.pk)
