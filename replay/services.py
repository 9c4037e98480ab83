"""Opening, moving and remembering replays."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import time_ns

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from market import jobs, plans, queue, rolls, tapes
from market.databento_historical import DatasetRange
from market.engine.tape import Tape
from market.gateway import available_range
from market.gateway_errors import GatewayError
from market.models import Asset, Coverage, Job
from market.sessions import FIRST_DAY, SECOND_NS, Session, to_et
from market.tasks import REPLAY_DATA, window_params
from replay.models import ReplaySession

SESSIONS_BEFORE = 10
SESSIONS_AFTER = 5
PREFETCH_SESSIONS = 5
KEEP_SESSIONS = 30
RECENT = 50
"""How many replays the menu offers to go back to."""


class BadMoment(ValueError):
    """A moment that cannot be replayed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Available:
    """What the gateway has, UTC ns [start_ns, end_ns), or why that is not known."""

    start_ns: int
    end_ns: int
    problem: GatewayError | None = None

    def within(self, sessions: list[Session]) -> list[Session]:
        """The sessions whose data is there from their opening on, if only in part."""
        return [session for session in sessions if self.start_ns <= session.open_ns < self.end_ns]

    @property
    def first_whole_day(self) -> date:
        """The first UTC date whose data is all there."""
        day = datetime.fromtimestamp(self.start_ns // SECOND_NS, UTC)
        whole = day.date() if day.time() == time(0) else day.date() + timedelta(days=1)
        return max(whole, FIRST_DAY)


def what_is_available(asset: Asset, *, patient: bool = False) -> Available:
    """The dataset's bounds. A gateway that is down leaves what is stored usable: its end then, with the problem."""
    try:
        bounds: DatasetRange = available_range(asset.dataset, patient=patient)
    except GatewayError as problem:
        return Available(0, _stored_until(asset) or time_ns(), problem)
    return Available(bounds.start_ns, bounds.end_ns)


def _stored_until(asset: Asset) -> int | None:
    """UTC ns up to which any data of the asset was available when it was stored; None without data."""
    newest: int | None = Coverage.objects.filter(contract__asset=asset).aggregate(until=Max("until_ns"))["until"]
    return newest


def check_moment(asset: Asset, ns: int, available: Available) -> Session:
    """The session that trades at the instant. Raises BadMoment for a closed market, the future and before data."""
    if ns >= time_ns():
        raise BadMoment("That moment is in the future. Choose one that has been.")
    if ns < available.start_ns:
        raise BadMoment(f"There is no data before {to_et(available.start_ns):%Y-%m-%d %H:%M} ET.")
    if ns >= available.end_ns:
        if available.problem is not None:
            raise available.problem
        raise BadMoment(f"Data reaches up to {to_et(available.end_ns):%Y-%m-%d %H:%M} ET. Choose an earlier moment.")
    session = asset.sessions.at(ns)
    if session is None or not session.is_open(ns):
        raise BadMoment(f"{asset.root} was closed then. {_next_opening(asset, ns, available)}")
    return session


def _next_opening(asset: Asset, ns: int, available: Available) -> str:
    """Where to go from an instant of a closed market: its next opening, else the close before."""
    session = asset.sessions.first_closing_after(ns)
    opening = session.next_open(max(ns, session.open_ns)) or session.open_ns
    if opening < min(available.end_ns, time_ns()):
        return f"The next opening is {to_et(opening):%a %Y-%m-%d %H:%M} ET."
    close = _last_close(asset, session, ns)
    return f"The market last closed {to_et(close):%a %Y-%m-%d %H:%M} ET; choose a moment before it."


def _last_close(asset: Asset, session: Session, ns: int) -> int:
    """The last close up to an instant, in or before its session."""
    nearby = [*asset.sessions.before(session.trade_date, 1), session]
    return max(end for each in nearby for _, end in each.segments if end <= ns)


def window_around(replay: ReplaySession, ns: int, anchor_ns: int, available: Available) -> plans.Window:
    """The sessions to load when the playhead is put at `ns`: ten before its session, five after."""
    calendar = replay.asset.sessions
    here = calendar.first_closing_after(ns)
    sessions = [
        *calendar.before(here.trade_date, SESSIONS_BEFORE), here, *calendar.after(here.trade_date, SESSIONS_AFTER)
    ]  # fmt: skip
    return _window(replay, available.within(sessions), anchor_ns, available)


def window_ahead(replay: ReplaySession, tape: Tape, available: Available) -> plans.Window | None:
    """The tape's sessions and the next five, the oldest dropped past thirty; None when there are no further ones."""
    calendar, loaded = replay.asset.sessions, tape.trade_dates
    ahead = available.within(calendar.after(loaded[-1], PREFETCH_SESSIONS))
    if not ahead:
        return None
    sessions = [*calendar.between(loaded[0], loaded[-1]), *ahead]
    return _window(replay, sessions[-KEEP_SESSIONS:], replay.anchor_ns, available)


def window_behind(replay: ReplaySession, tape: Tape, ns: int, available: Available) -> plans.Window | None:
    """The tape's sessions and ten before that of `ns`, the newest dropped past thirty; None when they are there."""
    calendar, loaded = replay.asset.sessions, tape.trade_dates
    behind = available.within(calendar.before(tape.part_at(ns).piece.session.trade_date, SESSIONS_BEFORE))
    if not behind or behind[0].trade_date >= loaded[0]:
        return None
    sessions = calendar.between(behind[0].trade_date, loaded[-1])
    return _window(replay, sessions[:KEEP_SESSIONS], replay.anchor_ns, available)


def _window(replay: ReplaySession, sessions: list[Session], anchor_ns: int, available: Available) -> plans.Window:
    """From the lookback before the anchor on the history is unbroken: every roll between it and the sessions counts."""
    anchor = replay.asset.sessions.first_closing_after(anchor_ns).trade_date
    history_from = min(anchor - timedelta(days=replay.lookback_days), sessions[0].trade_date)
    return plans.Window(replay.asset, sessions, anchor, max(history_from, available.first_whole_day))


def open_replay(*, owner_id: int, asset: Asset, entry_ns: int, timeframe: str, lookback_days: int) -> ReplaySession:
    """A new replay standing at its entry. Raises BadMoment, GatewayError (data is missing and cannot be had)."""
    available = what_is_available(asset)
    check_moment(asset, entry_ns, available)
    replay = ReplaySession(
        owner_id=owner_id,
        asset=asset,
        entry_ns=entry_ns,
        anchor_ns=entry_ns,
        timeframe=timeframe,
        lookback_days=lookback_days,
        playhead_ns=entry_ns,
    )
    window = window_around(replay, entry_ns, entry_ns, available)
    stored = is_stored(window, available.end_ns)
    if not stored and available.problem is not None:
        raise available.problem
    with transaction.atomic():
        if stored:
            replay.state = ReplaySession.State.READY
        else:
            replay.job = ask_for(window, owner_id)
        replay.save()
    return replay


def is_stored(window: plans.Window, available_ns: int) -> bool:
    """Whether the window can be loaded at once. A market that had not traded yet is for the job to say."""
    try:
        return tapes.is_stored(window, available_ns)
    except plans.NoMarket:
        return False


def ask_for(window: plans.Window, owner_id: int) -> Job:
    """Have a worker fetch a window; a job that asks the owner for just this already is not doubled."""
    params = window_params(window)
    asking = Job.objects.filter(kind=REPLAY_DATA, asked_by_id=owner_id, params=params, state=Job.State.ASKING).first()
    return asking or queue.submit(kind=REPLAY_DATA, params=params, asked_by_id=owner_id)


def answer(owner_id: int, job_id: int, cost: str | None) -> None:
    """Say yes to the cost of the owner's job, as it was shown, or cancel it (None). Raises queue.Stale."""
    job = Job.objects.get(pk=job_id, asked_by_id=owner_id)
    if cost is not None:
        queue.approve(job, cost=cost)
    elif not jobs.cancel(job):
        raise queue.Stale("This was over already.")


def front_months(replay: ReplaySession, playhead_ns: int) -> str | None:
    """The front months over the lookback up to now, as "NQZ5, NQH6 from 2025-12-16"; None without a schedule."""
    here = replay.asset.sessions.first_closing_after(playhead_ns).trade_date
    known = [roll for roll in rolls.schedule_at(replay.asset, here) or [] if roll.trade_date <= here]
    if not known:
        return None
    first = max(here - timedelta(days=replay.lookback_days), known[0].trade_date)
    before, since = (
        [roll for roll in known if roll.trade_date <= first],
        [f", {roll.to_contract} from {roll.trade_date}" for roll in known if roll.trade_date > first],
    )
    return f"Front months from {first} to {here}: {before[-1].to_contract}{''.join(since)}."


def recent_replays(owner_id: int) -> list[ReplaySession]:
    """The user's replays, the one used last first."""
    return list(ReplaySession.objects.filter(owner_id=owner_id).select_related("asset")[:RECENT])


def take_over(replay: ReplaySession) -> None:
    """Become the process that runs this replay; the one before notices at its next save."""
    with transaction.atomic():
        row = ReplaySession.objects.select_for_update().get(pk=replay.pk)
        row.epoch += 1
        row.save(update_fields=["epoch"])
    replay.epoch = row.epoch


def save(replay: ReplaySession) -> bool:
    """Write down where the replay stands; False when another process has taken it over."""
    fields = ("anchor_ns", "playhead_ns", "playing", "speed", "state", "problem", "timeframe", "job_id")
    values = {name: getattr(replay, name) for name in fields}
    mine = ReplaySession.objects.filter(pk=replay.pk, epoch=replay.epoch)
    return bool(mine.update(**values, saved_at=Now()))
