"""One asset in the feed: from its prints to the bars of its sessions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from live.engine.bars import SECOND_NS, Bar, BarBuilder
from live.engine.ledger import Ledger, Write
from live.engine.opening import Opening
from live.history import SessionKey
from market.sessions import Session

Rows = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A session of an asset with the contract that it shows (in the key) and its bars."""

    session: Session
    key: SessionKey
    ledger: Ledger


class Track:
    """One asset's bars. slots: ascending, at least one; end_ns: the opening of the session after the last of them.

    A print counts for the session that has opened last, also after its close; only the session's own contract does.
    before: the session before the first slot, where it is held.
    """

    def __init__(
        self, root: str, slots: list[Slot], end_ns: int, whole_ns: int, before: SessionKey | None = None
    ) -> None:
        self.root = root
        self._before = before
        self.slots = slots
        self.builder = BarBuilder(whole_ns)
        self._whole_ns = whole_ns
        self.last: tuple[int, int, int, str] | None = None
        self.kept: list[Rows] | None = None
        """Prints that are to be kept and are not yet; None where none are."""
        self.prints = self.strays = 0
        """Prints taken in this session of the feed; prints of a contract that its session does not show."""
        self._spreads: list[tuple[SessionKey, SessionKey, int]] = []
        self._rolls: list[tuple[SessionKey, SessionKey, Opening]] = []
        self._lay_out(end_ns)

    def _lay_out(self, end_ns: int) -> None:
        self._opens = np.array([slot.session.open_ns for slot in self.slots], np.int64)
        self._contracts = np.array([slot.key.contract_id for slot in self.slots], np.int64)
        self.end_ns = end_ns
        keys = [*([self._before] if self._before else []), *(slot.key for slot in self.slots)]
        self._rolls = [
            (before, after, Opening(after.open_ns, before.contract_id))
            for before, after in pairwise(keys)
            if before.contract_id != after.contract_id
        ]

    def append(self, slot: Slot, end_ns: int) -> None:
        """Go on with another session, and drop what nothing can change any more."""
        self._before = None
        self.slots = [*self.slots[-1:], slot]
        self._lay_out(end_ns)

    def slot_at(self, ns: int) -> Slot | None:
        """The session that an instant belongs to; None before the first and after the last."""
        at = int(self._opens.searchsorted(ns, side="right")) - 1
        return self.slots[at] if at >= 0 and ns < self.end_ns else None

    def opens_at(self, ns: int) -> int:
        """When the asset trades next (UTC ns): the instant itself while it does."""
        openings = (slot.session.next_open(ns) for slot in self.slots)
        return next((opening for opening in openings if opening is not None), self.end_ns)

    def coming(self, ns: int) -> str | None:
        """The contract of the next session where it is another one than now, once that is decided."""
        now = self.slot_at(ns)
        following = next((slot for slot in self.slots if slot.session.open_ns > ns), None)
        if now is None or following is None or following.key.contract_id == now.key.contract_id:
            return None
        return following.key.symbol

    def take(self, contract_id: int, rows: Rows) -> int:
        """Prints of a contract in order of arrival (dtype `feed.PRINT`); how many of them count."""
        mine = rows[self._is_mine(contract_id, rows["ts_recv"].astype(np.int64))]
        self.strays += len(rows) - len(mine)
        if self._rolls and len(mine) < len(rows):
            self._hear_left(contract_id, rows)
        if not len(mine):
            return 0
        columns = (mine[name].tolist() for name in ("ts_recv", "price", "size"))
        self.builder.add_all(zip(*columns, strict=True))
        newest = mine[-1]
        self.last = int(newest["ts_recv"]), int(newest["price"]), int(newest["size"]), newest["side"].decode()
        self.prints += len(mine)
        if self.kept is not None:
            self.kept.append(mine[mine["ts_recv"] >= self._whole_ns])
        return len(mine)

    def _hear_left(self, contract_id: int, rows: Rows) -> None:
        ts = rows["ts_recv"].astype(np.int64)
        for _, _, opening in self._rolls:
            near = rows[(ts >= opening.open_ns) & (ts < opening.open_ns + SECOND_NS)]
            for ts_recv, price in zip(near["ts_recv"].tolist(), near["price"].tolist(), strict=True):
                opening.add(contract_id, ts_recv, price)

    def _is_mine(self, contract_id: int, ts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        at = self._opens.searchsorted(ts, side="right") - 1
        mine: npt.NDArray[np.bool_] = (at >= 0) & (ts < self.end_ns) & (self._contracts[at] == contract_id)
        return mine

    def take_kept(self) -> list[tuple[Slot, Rows]]:
        """The prints to keep since the last time, for each session."""
        if not self.kept:
            return []
        rows = np.concatenate(self.kept)
        self.kept.clear()
        at = self._opens.searchsorted(rows["ts_recv"].astype(np.int64), side="right") - 1
        return [(self.slots[place], rows[at == place]) for place in np.unique(at).tolist()]

    @property
    def leaves(self) -> set[int]:
        """The contracts (ids) that rolls leave whose opening is still to come, or is replayed."""
        return {opening.left for _, _, opening in self._rolls if opening.open_ns >= self._whole_ns}

    def take_spreads(self) -> list[tuple[SessionKey, SessionKey, int]]:
        """The rolls whose spread (1e-9 units) has become known since the last time: sessions before and after."""
        taken, self._spreads = self._spreads, []
        return taken

    def close(self, until_ns: int) -> Iterator[tuple[Slot, Write]]:
        """What closing the seconds up to an instant (UTC ns) writes."""
        closed = self.builder.close(until_ns)
        changed = [*closed.amended, *closed.final]
        if not changed:
            return
        for before, after, opening in self._rolls:
            spreads = (opening.spread(bar) for bar in changed)
            self._spreads += [(before, after, spread) for spread in spreads if spread is not None]
        for slot in self.slots:
            write = slot.ledger.put(self._of(slot, changed))
            if write is not None:
                yield slot, write

    def _of(self, slot: Slot, bars: Iterable[Bar]) -> list[Bar]:
        return [bar for bar in bars if self.slot_at(bar[0]) is slot]

    def forming(self) -> tuple[Slot, Bar] | None:
        """The second that has not closed, and its session; None without one."""
        bar = self.builder.forming()
        slot = self.slot_at(bar[0]) if bar else None
        return (slot, bar) if bar and slot else None
