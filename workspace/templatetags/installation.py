"""What any page may show of the installation. Tags need no context, of which some error pages have none."""

from django import template
from django.conf import settings

register = template.Library()


@register.inclusion_tag("workspace/_synthetic_chip.html")
def synthetic_chip() -> dict[str, bool]:
    """The chip that says the market is invented; hidden where it is recorded."""
    return {"synthetic": settings.SYNTHETIC_MARKET}
