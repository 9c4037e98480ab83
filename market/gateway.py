"""The configured data gateway."""

from django.conf import settings
from django.core.cache import cache

from market.databento_historical import DatasetRange, HistoricalGateway

RANGE_SECONDS = 60
"""How long the dataset's bounds are believed; they grow by the minute."""


def gateway(*, patient: bool = True) -> HistoricalGateway:
    """Databento, or the stand-in. `patient` repeats failed requests: right for a worker, too slow for a page."""
    return HistoricalGateway(
        settings.DATABENTO_API_KEY, settings.DATABENTO_GATEWAY, name=settings.MARKET_SOURCE, patient=patient
    )


def available_range(dataset: str, *, patient: bool = True) -> DatasetRange:
    """From when to when the gateway has data, asked at most once a minute. Raises GatewayError."""
    key = f"dataset-range:{settings.DATABENTO_GATEWAY}:{dataset}"
    bounds: DatasetRange | None = cache.get(key)
    if bounds is None:
        bounds = gateway(patient=patient).dataset_range(dataset)
        cache.set(key, bounds, RANGE_SECONDS)
    return bounds
