"""What every page with charts is told: the shapes of docs/protocol.md."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from django.conf import settings

from market.engine.bars import Bars
from market.engine.tape import FlawMark, RollMark
from market.models import Asset
from market.sessions import SECOND_NS
from ranks.engine.metrics import Forming, Metrics
from trading.engine.records import price_text
from trading.engine.settings import Instrument
from trading.engine.sizing import dollar_risk
from trading.engine.terms import Side
from workspace.ranking import Finals

NANOS = 1_000_000_000
EIGHTHS = "01235678"
"""The third digit of a quote in 32nds, by eighths of one."""

_encoder = msgspec.json.Encoder()


def encode(message: dict[str, Any]) -> str:
    """JSON text of a message."""
    return _encoder.encode(message).decode()


def price_unit(bars: Bars, tick: int) -> int:
    """The tick where all prices lie on it, else 1 (1e-9)."""
    return tick if fits(bars, tick) else 1


def fits(bars: Bars, unit: int) -> bool:
    """Whether all prices are whole multiples of the unit."""
    return not any((column % unit).any() for column in (bars.open, bars.high, bars.low, bars.close))


def bar_columns(bars: Bars, unit: int) -> dict[str, list[int]]:
    """Bars as the browser gets them: UTC seconds, prices in units."""
    return {
        "t": (bars.ts // SECOND_NS).tolist(),
        "o": (bars.open // unit).tolist(),
        "h": (bars.high // unit).tolist(),
        "l": (bars.low // unit).tolist(),
        "c": (bars.close // unit).tolist(),
        "v": bars.volume.tolist(),
    }


def plain_price(nanos: int, decimals: int) -> str:
    """A price in 1e-9 units as text, "175.75": for sentences."""
    return f"{Decimal(nanos).scaleb(-9):,.{decimals}f}"


def quote(nanos: int, asset: Asset) -> str:
    """A price (1e-9 units) as its market writes it: "110'165" is 110 and 16.5/32. As static/js/ui/price.js."""
    eighths, rest = divmod(abs(nanos) * 256, NANOS)
    if asset.price_display != Asset.PriceDisplay.THIRTY_SECONDS or rest:
        return plain_price(nanos, asset.decimals)
    whole, count = divmod(eighths, 256)
    return f"{'-' if nanos < 0 else ''}{whole}'{count // 8:02}{EIGHTHS[count % 8]}"


def mark_body(roll: RollMark, playhead_ns: int) -> dict[str, Any]:
    """A roll; its volumes only once they are over at the playhead."""
    known = playhead_ns >= roll.known_ns
    return {
        "t": roll.at_ns // SECOND_NS,
        "at_ns": str(roll.at_ns),
        "from": roll.from_contract,
        "to": roll.to_contract,
        "kind": roll.kind,
        "complete": roll.complete,
        "spread": roll.spread if roll.complete else None,
        "from_volume": roll.from_volume if known else None,
        "to_volume": roll.to_volume if known else None,
    }


def metrics_body(bar: Forming, metrics: Metrics) -> dict[str, Any]:
    """The metrics of the bar in progress."""
    return {
        "t": bar.begin_ns // SECOND_NS,
        "length": bar.bucket.length,  # not its end: no time after the playhead leaves the server
        "vr": _rank(metrics.vol_rank),
        "vp": _rank(metrics.vol_pending),
        "rr": _rank(metrics.range_rank),
        "rp": _rank(metrics.range_pending),
        "vpe": _rank(metrics.vol_error),
        "rpe": _rank(metrics.range_error),
        "n": metrics.n,
    }


def risk_body(instrument: Instrument, bar: Bars) -> dict[str, str] | None:
    """Dollars that one contract risks, long and short, by the bar in progress in its own prices; None without one."""
    if not len(bar):
        return None
    close, low, high = int(bar.close[-1]), int(bar.low[-1]), int(bar.high[-1])
    sides = {"buy": Side.BUY, "sell": Side.SELL}
    return {name: price_text(dollar_risk(instrument, side, close, low, high)) for name, side in sides.items()}


def _rank(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def rank_columns(finals: Iterable[Finals]) -> dict[str, list[Any]]:
    """Final ranks as the browser gets them: UTC seconds, a rank null where there was nothing to compare with."""
    columns: dict[str, list[Any]] = {"t": [], "vr": [], "rr": [], "n": []}
    for each in finals:
        columns["t"] += (each.start // SECOND_NS).tolist()
        columns["vr"] += [None if math.isnan(value) else value for value in each.volume.round(1).tolist()]
        columns["rr"] += [None if math.isnan(value) else value for value in each.range.round(1).tolist()]
        columns["n"] += each.n.tolist()
    return columns


def source() -> str:
    """Who it was that said something of the data."""
    return "The stand-in" if settings.SYNTHETIC_MARKET else str(settings.MARKET_SOURCE)


def flaw_body(flaw: FlawMark) -> dict[str, Any]:
    """A session whose data the vendor calls less than good."""
    return {
        "t": flaw.at_ns // SECOND_NS,
        "at_ns": str(flaw.at_ns),
        "kind": "degraded",
        "days": {day.isoformat(): condition for day, condition in flaw.days},
    }


def asset_body(asset: Asset, instrument: Instrument) -> dict[str, Any]:
    """What a page must know of an asset to show its prices, and what a tick of it is worth."""
    return {
        "root": asset.root,
        "name": asset.name,
        "exchange": asset.exchange,
        "tick": asset.tick_size,
        "decimals": asset.decimals,
        "price_display": asset.price_display,
        "tick_value": price_text(instrument.tick_value),
        "synthetic": settings.SYNTHETIC_MARKET and not asset.from_files,
    }
