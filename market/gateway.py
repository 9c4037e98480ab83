"""The configured data gateway."""

import contextlib
from dataclasses import replace

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from market.databento_historical import DatasetRange, HistoricalGateway, Purse, Wait, pause
from market.gateway_errors import NotYetAvailable

RANGE_SECONDS = 60
"""How long the dataset's bounds are believed; they grow by the minute."""


SHORTER_SECONDS = 600
"""How long an end is believed that a refusal told: the licence's, of which the bounds may not speak."""


def gateway(*, patient: bool = True, purse: Purse | None = None, wait: Wait = pause) -> HistoricalGateway:
    """Databento, or the stand-in. `patient` repeats failed requests: right for a worker, too slow for a page.

    purse: what downloads are paid from, see `market.spending`; without one nobody asks what they cost. wait: spends
    the pauses before a request is repeated.
    """
    return HistoricalGateway(
        settings.DATABENTO_API_KEY,
        settings.DATABENTO_GATEWAY,
        name=settings.MARKET_SOURCE,
        patient=patient,
        purse=purse,
        wait=wait,
    )


def available_range(dataset: str, *, patient: bool = True) -> DatasetRange:
    """From when to when the gateway has data, asked at most once a minute. Raises GatewayError."""
    bounds = shorter = None
    with contextlib.suppress(RedisError, OSError):  # without Valkey the gateway is asked each time
        bounds, shorter = (cache.get(key) for key in _keys(dataset))
    if bounds is None:
        bounds = gateway(patient=patient).dataset_range(dataset)
        with contextlib.suppress(RedisError, OSError):
            cache.set(_keys(dataset)[0], bounds, RANGE_SECONDS)
    return bounds if shorter is None else replace(bounds, end_ns=min(bounds.end_ns, shorter))


def believe(refusal: NotYetAvailable) -> None:
    """The data end earlier than the bounds said."""
    with contextlib.suppress(RedisError, OSError):
        cache.set(_keys(refusal.dataset)[1], refusal.end_ns, SHORTER_SECONDS)


def _keys(dataset: str) -> tuple[str, str]:
    """Of the bounds, and of an end that is before theirs."""
    name = f"{settings.DATABENTO_GATEWAY}:{dataset}"
    return f"dataset-range:{name}", f"dataset-end:{name}"
