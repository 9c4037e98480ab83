"""One browser that looks at live: its charts, the last print, and how the feed stands."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from workspace import viewer
from workspace.viewer import ChartView


class Stage(viewer.Stage, Protocol):
    """What a viewer sees of a screen."""

    @property
    def last(self) -> list[Any] | None: ...

    def feed_body(self) -> dict[str, Any]: ...


@dataclass(eq=False)
class Viewer(viewer.Viewer):
    """State of one socket."""

    stage: Stage
    _told: dict[str, Any] = field(default_factory=dict)

    def show(self, stage: Stage) -> None:
        """Look at another asset, in the same charts."""
        self.stage = stage
        self.charts = {chart: ChartView(view.timeframe) for chart, view in self.charts.items()}
        self.resync()

    def _more(self) -> dict[str, Any]:
        now = {"feed": self.stage.feed_body(), "last": _last(self.stage.last)}
        news = {name: body for name, body in now.items() if body != self._told.get(name)}
        self._told = now
        return news

    def _forget_more(self) -> None:
        self._told = {}


def _last(last: list[Any] | None) -> dict[str, Any] | None:
    """The last print, its numbers as text where JavaScript would round them."""
    if last is None:
        return None
    ts, price, size, side = last
    return {"t": str(ts), "price": str(price), "size": size, "side": side}
