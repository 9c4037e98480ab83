"""What one browser has been sent of the prints and the order book, and what comes next."""

from dataclasses import dataclass, field
from typing import Any

from replay import wire
from replay.depth import Shown
from replay.protocol import Watched

LAST_PRINTS = 200
"""Prints of one message: more than anybody reads in a twentieth of a second."""


@dataclass
class DepthView:
    """How far one browser's panels have come.

    _shown: whose events these are, None for nothing; the numbers are those of the last row and print told.
    """

    watched: Watched = field(default_factory=Watched)
    _shown: Shown | None = None
    _is_fresh: bool = True
    _row: int = -2
    _prints: int = 0
    _traded: int = 0

    @property
    def is_watched(self) -> bool:
        """Whether the browser wants anything of it."""
        return self.watched.book or self.watched.prints or self.watched.ladder

    def watch(self, watched: Watched) -> None:
        """From now on the browser wants these; it gets all of them anew."""
        self.watched = watched
        self.forget()

    def forget(self) -> None:
        """The browser has nothing, or what it has is not true any more."""
        self._is_fresh = True

    def changes(self, shown: Shown | None, playhead_ns: int) -> dict[str, Any]:
        """`book`, `prints` and `volumes` of a message, as far as they are watched and have changed."""
        fresh = self._is_fresh or shown is not self._shown
        self._shown, self._is_fresh = shown, False
        if shown is None:
            return self._nothing() if fresh else {}
        if fresh:
            self._row, self._prints, self._traded = -2, 0, 0
        watched = self.watched
        body: dict[str, Any] = {}
        if watched.book or watched.ladder:
            body |= self._book(shown, playhead_ns)
        known = shown.events.trades.known_at(playhead_ns)
        if watched.prints:
            body |= self._new_prints(shown, known, fresh)
        if watched.ladder:
            body |= self._new_volumes(shown, known, fresh)
        return body

    def _nothing(self) -> dict[str, Any]:
        watched = self.watched
        named = {"book": watched.book or watched.ladder, "prints": watched.prints, "volumes": watched.ladder}
        return {name: None for name, wanted in named.items() if wanted}

    def _book(self, shown: Shown, playhead_ns: int) -> dict[str, Any]:
        book = shown.events.book
        row = -1 if book is None else int(book.ts.searchsorted(playhead_ns, side="right")) - 1
        if row == self._row:
            return {}
        self._row = row
        return {"book": None if book is None else wire.book_body(shown, book.after(row))}

    def _new_prints(self, shown: Shown, known: int, fresh: bool) -> dict[str, Any]:
        if known == self._prints and not fresh:
            return {}
        first = max(self._prints, known - LAST_PRINTS)
        left_out = 0 if fresh else first - self._prints
        self._prints = known
        return {"prints": wire.prints_body(shown, first, known, left_out) | {"reset": fresh}}

    def _new_volumes(self, shown: Shown, known: int, fresh: bool) -> dict[str, Any]:
        if known == self._traded and not fresh:
            return {}
        first, self._traded = self._traded, known
        return {"volumes": wire.volumes_body(shown, first, known) | {"reset": fresh}}
