"""Looking for what is wrong with live: three sessions, each asking a little more, and what follows from them.

One symbol; one symbol with a replay; all symbols. Each is a session of its own beside the feed's, and is released.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from live import feed
from live.feed import Inbox, Mapping, Prints, Refused, Said, Session
from market.facts import DATASET
from market.sessions import SECOND_NS

WAIT_SECONDS = 12.0
"""Longer than two heartbeats: a session in which nothing came by then carries nothing."""
REPLAY_NS = 600 * SECOND_NS


@dataclass(slots=True)
class Step:
    """What one session brought. refused: the gateway's words, "" where it opened. kind: see `feed.Refused`."""

    name: str
    symbols: Sequence[str]
    refused: str = ""
    kind: str = ""
    ended: str = ""
    seconds: float | None = None
    mapped: dict[str, str] = field(default_factory=dict)
    prints: int = 0
    heartbeats: int = 0
    replayed: bool = False
    said: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.refused or self.ended) and bool(self.mapped) and bool(self.prints or self.heartbeats)

    def __str__(self) -> str:
        if self.refused:
            return f"{self.name}: refused: {self.refused}"
        first = "nothing came" if self.seconds is None else f"first record after {self.seconds:.1f} s"
        parts = [first, f"{len(self.mapped)} symbols mapped", f"{self.prints} prints", f"{self.heartbeats} heartbeats"]
        return f"{self.name}: {', '.join([*parts, *([self.ended] if self.ended else []), *self.said[:3]])}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A contract to ask for: its asset's root and both of its symbols."""

    root: str
    symbols: tuple[str, ...]


def climb(pairs: Sequence[Pair], now_ns: int, wait: float = WAIT_SECONDS) -> Iterator[Step]:
    """The steps of the ladder, up to the first that is refused. now_ns: UTC ns in the market."""
    everything = [symbol for pair in pairs for symbol in pair.symbols]
    ladder = (
        ("one symbol", list(pairs[0].symbols), None),
        ("one symbol with replay", list(pairs[0].symbols), now_ns - REPLAY_NS),
        ("all assets", everything, None),
    )
    for name, symbols, start_ns in ladder:
        step = Step(name, symbols)
        _take(step, start_ns, wait)
        yield step
        if step.refused:
            return


def _take(step: Step, start_ns: int | None, wait: float) -> None:
    inbox = Inbox(lambda: None)
    session = Session(settings.DATABENTO_API_KEY, settings.DATABENTO_LIVE_GATEWAY, DATASET, inbox)
    try:
        session.open(step.symbols, start_ns)
    except Refused as refused:
        step.refused, step.kind = str(refused), refused.kind
        return
    begun = time.monotonic()

    def is_over() -> bool:
        for event in feed.translate(inbox.take(feed.INBOX_RECORDS)):
            step.seconds = time.monotonic() - begun if step.seconds is None else step.seconds
            _note(step, event)
        enough = step.prints and (start_ns is None or step.replayed)
        return bool(enough) or time.monotonic() > begun + wait

    step.ended = session.wait(is_over)


def _note(step: Step, event: feed.Event) -> None:
    if isinstance(event, Prints):
        step.prints += len(event.rows)
    elif isinstance(event, Mapping):
        step.mapped[event.symbol] = event.raw
    else:
        _note_words(step, event)


def _note_words(step: Step, said: Said) -> None:
    step.heartbeats += said.kind == "heartbeat"
    step.replayed |= said.kind == "replayed"
    if said.kind in ("error", "warning"):
        step.said.append(said.text)


def diagnose(steps: Sequence[Step], pairs: Sequence[Pair], *, is_open: bool, feed_words: str) -> str:
    """What follows, and what to do. is_open: whether any market trades now. feed_words: how the feed itself stands."""
    for check in (_refusal, _silence, _symbols, _prints, _replay):
        found = check(steps, pairs, is_open)
        if found:
            return found
    return f"The gateway is well: sessions open, symbols are known, records come. Of the feed: {feed_words}"


Check = Callable[[Sequence[Step], Sequence[Pair], bool], str]


def _refusal(steps: Sequence[Step], _pairs: Sequence[Pair], _is_open: bool) -> str:
    from live.status import ADVICE

    last = steps[-1]
    if not last.refused:
        return ""
    if last.kind != "other":
        return f"The gateway says: {last.refused} {ADVICE[last.kind]}"
    return (
        f"The gateway cannot be reached or does not answer: {last.refused} "
        "Check the network: a firewall must let TCP port 13000 out. If others cannot reach it either, wait."
    )


def _silence(steps: Sequence[Step], _pairs: Sequence[Pair], _is_open: bool) -> str:
    for step in steps:
        if step.ended:
            return f"The session for {step.name} broke off: {step.ended}. The gateway has trouble; futsim tries again."
        if step.seconds is None:
            return (
                f"The gateway opened a session for {step.name} and then said nothing. This is on its side: look at the "
                "vendor's status page. futsim starts over by itself."
            )
    return ""


def _symbols(steps: Sequence[Step], pairs: Sequence[Pair], _is_open: bool) -> str:
    asked = steps[-1].symbols
    unknown = [
        pair for pair in pairs if set(pair.symbols) <= set(asked) and not set(pair.symbols) & set(steps[-1].mapped)
    ]
    if not unknown:
        return ""
    names = ", ".join(pair.symbols[0] for pair in unknown)
    return (
        f"The gateway does not know {names}. Either the front month is wrong (Admin → Front months), or the "
        "subscription does not cover it (the vendor's portal tells)."
    )


def _prints(steps: Sequence[Step], _pairs: Sequence[Pair], is_open: bool) -> str:
    if steps[-1].prints or not is_open:
        return ""
    return (
        "Sessions open and heartbeats come, but no print of any asset while markets are open. Check in the vendor's "
        "portal that the subscription covers live trades of this exchange."
    )


def _replay(steps: Sequence[Step], _pairs: Sequence[Pair], is_open: bool) -> str:
    replay = next((step for step in steps if "replay" in step.name), None)
    if replay is None or replay.replayed or not is_open:
        return ""
    return (
        "Live records come, but the replay of the last minutes did not end. After a break the feed would lack bars; "
        "sessions with holes are fetched from history instead. Try again later."
    )
