"""What every page knows of the installation."""

from django.conf import settings
from django.http import HttpRequest

VERSION = "0.1.0"


def site(request: HttpRequest) -> dict[str, object]:
    """Template context: `site.synthetic` (the market is invented), `site.version`."""
    return {"site": {"synthetic": settings.SYNTHETIC_MARKET, "version": VERSION}}
