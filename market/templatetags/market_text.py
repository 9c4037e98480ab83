"""Money and durations as people read them."""

from datetime import timedelta
from decimal import Decimal

from django import template

from market import money
from market.models import Job

KB_IN_MB = 1024

register = template.Library()


@register.filter
def dollars(amount: Decimal) -> str:
    """ "$18.40" """
    return money.dollars(amount)


@register.filter
def estimate(amount: Decimal) -> str:
    """ "$2.43", to the cent above."""
    return money.estimate(amount)


@register.filter
def count(number: int) -> str:
    """ "840,526" """
    return f"{number:,}"


@register.filter
def units(job: Job) -> str:
    """ "5 of 17"; of an import, which counts in KB, "91.4 of 130.9 MB". static/js/jobs/row.js writes the same."""
    if job.kind != Job.IMPORT:
        return f"{job.done} of {job.total}"
    if job.total < KB_IN_MB:
        return f"{job.done} of {job.total} KB"
    return f"{job.done / KB_IN_MB:.1f} of {job.total / KB_IN_MB:.1f} MB"


@register.filter
def duration(length: timedelta) -> str:
    """ "1:05" or "2:00:07"; static/js/ui/time.js writes the same."""
    seconds = max(0, int(length.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
