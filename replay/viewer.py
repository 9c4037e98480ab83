"""One browser that watches a replay: its charts, its panels of the order book and the prints, and its orders."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from replay.depth import Shown
from replay.depth_view import DepthView
from replay.trading_view import TradingView
from trading.desk import Desk
from workspace import viewer


class Stage(viewer.Stage, Protocol):
    """What a viewer sees of the player."""

    @property
    def shown(self) -> Shown | None: ...
    @property
    def desk(self) -> Desk | None: ...


@dataclass(eq=False)
class Viewer(viewer.Viewer):
    """State of one socket."""

    stage: Stage
    depth: DepthView = field(default_factory=DepthView)
    trading: TradingView = field(default_factory=TradingView)

    def _more(self) -> dict[str, Any]:
        return self._depth() | self.trading.changes(self.stage.desk)

    def _depth(self) -> dict[str, Any]:
        if self.stage.tape is None or not self.depth.is_watched:
            return {}
        return self.depth.changes(self.stage.shown, self.stage.playhead_ns)

    def _forget_more(self) -> None:
        self.depth.forget()

    def _forget_all(self) -> None:
        super()._forget_all()
        self.trading.forget()
