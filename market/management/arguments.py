"""What several commands read from their command line."""

from argparse import ArgumentTypeError
from datetime import date


def day(text: str) -> date:
    """A date such as 2026-03-18. Raises ArgumentTypeError, which argparse tells."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date. Write it as 2026-03-18.") from None
