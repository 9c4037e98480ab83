"""One browser that looks at live: its charts, the last print, and how the feed stands.

Hundreds of pages may look at one asset, and most of them were left alike: what changes in a chart is computed and
written as JSON once for all of those.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from workspace import viewer, wire
from workspace.viewer import ChartView


class Stage(viewer.Stage, Protocol):
    """What a viewer sees of a screen."""

    @property
    def last(self) -> list[Any] | None: ...

    @property
    def version(self) -> int: ...

    def feed_body(self) -> dict[str, Any]: ...
    def shared(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any: ...


@dataclass(eq=False)
class Viewer(viewer.Viewer):
    """State of one socket."""

    stage: Stage
    _told: dict[str, Any] = field(default_factory=dict)
    _drawn_at: dict[str, int] = field(default_factory=dict)
    """The screen's version that each chart was told last: it stands for the metrics and the risk of then."""

    def show(self, stage: Stage) -> None:
        """Look at another asset, in the same charts."""
        self.stage = stage
        self.charts = {chart: ChartView(view.timeframe) for chart, view in self.charts.items()}
        self.resync()

    def _whole_chart(self, chart: str, view: ChartView) -> dict[str, Any]:
        body, after = self.stage.shared(("whole", chart, view.timeframe), lambda: self._draw(chart, view))
        self._keep_view(chart, after)
        whole: dict[str, Any] = body
        return whole

    def _draw(self, chart: str, view: ChartView) -> tuple[dict[str, Any], ChartView]:
        after = replace(view)
        body = super()._whole_chart(chart, after)
        return body | {"bars": _raw(body["bars"])}, after

    def _changes(self, chart: str, view: ChartView) -> Any:
        key = (
            *(chart, view.timeframe, view.unit, view.last_start, view.last_bar, view.marked_until),
            *(view.ranked_until, view.ranked_by, self._drawn_at.get(chart)),
        )
        body, after = self.stage.shared(key, lambda: self._change(chart, view))
        self._keep_view(chart, after)
        return body

    def _change(self, chart: str, view: ChartView) -> tuple[msgspec.Raw | None, ChartView]:
        after = replace(view)
        body = super()._changes(chart, after)
        return None if body is None else _raw(body), after

    def _keep_view(self, chart: str, after: ChartView) -> None:
        self.charts[chart] = replace(after)
        self._drawn_at[chart] = self.stage.version

    def _more(self) -> dict[str, Any]:
        now = {"feed": self.stage.feed_body(), "last": _last(self.stage.last)}
        news = {name: body for name, body in now.items() if name not in self._told or body != self._told[name]}
        self._told = now
        return news

    def _forget_more(self) -> None:
        self._told = {}


def _raw(body: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(wire.encode(body))


def _last(last: list[Any] | None) -> dict[str, Any] | None:
    """The last print, its numbers as text where JavaScript would round them."""
    if last is None:
        return None
    ts, price, size, side = last
    return {"t": str(ts), "price": str(price), "size": size, "side": side}
