"""How the feed stands, as a page is told it: from the state that comes once a second, and from its staying away."""

from dataclasses import dataclass
from typing import Any

STALE_NS = 5_000_000_000
"""A supervisor that lives tells the state every second."""
OFF = {
    "feed": "off",
    "words": "The live process does not run. futsim starts it again by itself; if futsim itself is stopped, `make run` "
    "starts it.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """state: as the topic tells it. heard_ns: when, by a clock that never goes back."""

    state: dict[str, Any]
    heard_ns: int

    def now(self, monotonic_ns: int) -> dict[str, Any]:
        """The state, as far as it is still true."""
        return self.state if monotonic_ns - self.heard_ns <= STALE_NS else self.state | OFF

    def of(self, root: str, monotonic_ns: int) -> dict[str, Any]:
        """What a page that shows an asset is told of it."""
        state = self.now(monotonic_ns)
        asset = state.get("assets", {}).get(root, {})
        return {
            "feed": state.get("feed", "off"),
            "words": state.get("words", OFF["words"]),
            "is_open": asset.get("is_open"),
            "opens_ns": _text(asset.get("opens_ns")),
            "coming": asset.get("coming"),
            "shift_days": state.get("shift_ns", 0) // (86_400 * 1_000_000_000),
        }


def _text(ns: int | None) -> str | None:
    """JavaScript cannot hold such a number."""
    return None if ns is None else str(ns)
