"""The configured data gateway."""

import contextlib

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from market.databento_historical import DatasetRange, HistoricalGateway, Purse

RANGE_SECONDS = 60
"""How long the dataset's bounds are believed; they grow by the minute."""


def gateway(*, patient: bool = True, purse: Purse | None = None) -> HistoricalGateway:
    """Databento, or the stand-in. `patient` repeats failed requests: right for a worker, too slow for a page.

    purse: what downloads are paid from, see `market.spending`; without one nobody asks what they cost.
    """
    return HistoricalGateway(
        settings.DATABENTO_API_KEY,
        settings.DATABENTO_GATEWAY,
        name=settings.MARKET_SOURCE,
        patient=patient,
        purse=purse,
    )


def available_range(dataset: str, *, patient: bool = True) -> DatasetRange:
    """From when to when the gateway has data, asked at most once a minute. Raises GatewayError."""
    key = f"dataset-range:{settings.DATABENTO_GATEWAY}:{dataset}"
    with contextlib.suppress(RedisError, OSError):  # without Valkey the gateway is asked each time
        bounds: DatasetRange | None = cache.get(key)
        if bounds is not None:
            return bounds
    bounds = gateway(patient=patient).dataset_range(dataset)
    with contextlib.suppress(RedisError, OSError):
        cache.set(key, bounds, RANGE_SECONDS)
    return bounds
