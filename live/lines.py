"""The state of the feed as the status page writes it: plain texts, asset by asset."""

from dataclasses import dataclass
from typing import Any

from live.fronts import followed
from market.models import Asset
from market.sessions import SECOND_NS, to_et
from workspace.wire import quote


@dataclass(frozen=True, slots=True)
class Line:
    """One asset. market: whether it trades, or when it does next. age: how long before the market's time it traded."""

    root: str
    name: str
    symbol: str
    mapped: str
    market: str
    is_open: bool
    last: str
    age: str
    bars: int
    prints: int
    too_late: int
    strays: int


def lines_of(state: dict[str, Any]) -> list[Line]:
    """The assets that the feed has told of, by root."""
    told = state.get("assets", {})
    return [_line(asset, told[asset.root], state) for asset in followed() if asset.root in told]


def moment(ns: int | None) -> str:
    """ "Fri 13 Mar 16:59:59"; empty without one."""
    return f"{to_et(ns):%a %-d %b %H:%M:%S}" if ns else ""


def _market(told: dict[str, Any], now_ns: int) -> str:
    if told["is_open"]:
        return "open"
    # a feed that begins does not know yet where in its sessions it is
    return f"opens {moment(told['opens_ns'])}" if told["opens_ns"] > now_ns else "–"


def _line(asset: Asset, told: dict[str, Any], state: dict[str, Any]) -> Line:
    last = told["last"]
    return Line(
        root=asset.root,
        name=asset.name,
        symbol=f"{told['symbol'] or ''}{' → ' + told['coming'] if told.get('coming') else ''}",
        mapped=", ".join(told["mapped"]),
        market=_market(told, state.get("market_ns", 0)),
        is_open=told["is_open"],
        last=f"{quote(last[1], asset)} × {last[2]:,}" if last else "",
        age=_age(state.get("market_ns", 0) - last[0]) if last else "",
        bars=told["bars"],
        prints=told["prints"],
        too_late=told["too_late"],
        strays=told["strays"],
    )


def _age(ns: int) -> str:
    seconds = max(0, ns) / SECOND_NS
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3_600 else f"{seconds / 3_600:.1f} h"
