"""Opening, moving and remembering replays."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import time_ns

from django.db import connection, transaction
from django.db.models import Max

from alerts.models import AlertFiring
from market import event_jobs, plans, queue, rolls, tapes
from market.databento_historical import DatasetRange
from market.engine.tape import Tape
from market.gateway import available_range
from market.gateway_errors import GatewayError
from market.models import Asset, Contract, Coverage, Job
from market.sessions import FIRST_DAY, SECOND_NS, Session, SessionCalendar, to_et
from market.tasks import REPLAY_DATA, window_params
from replay.models import ReplaySession
from trading import record
from trading.models import Account, TradingSession
from trading.services import default_account, open_session

ROLLS_NAMED = 12
"""In the replay's log; a crude oil of ten years has rolled 120 times."""
SESSIONS_BEFORE = 10
SESSIONS_AFTER = 5
PREFETCH_SESSIONS = 5
KEEP_SESSIONS = 30
LISTED_RUNS = 6
"""Spans of days that a message names."""
RECENT = 50
"""How many replays the menu offers to go back to."""


class BadMoment(ValueError):
    """A moment that cannot be replayed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Available:
    """What the gateway has, UTC ns [start_ns, end_ns), or why that is not known.

    imported: the sessions of an asset that has users' files only; None for one that the gateway has.
    """

    start_ns: int
    end_ns: int
    problem: GatewayError | None = None
    imported: list[Session] | None = None

    def within(self, sessions: list[Session]) -> list[Session]:
        """The sessions whose data is there from their opening on, if only in part."""
        if self.imported is not None:
            dates = {session.trade_date for session in self.imported}
            return [session for session in sessions if session.trade_date in dates]
        return [session for session in sessions if self.start_ns <= session.open_ns < self.end_ns]

    def before(self, calendar: SessionCalendar, trade_date: date, count: int) -> list[Session]:
        """The last `count` sessions before a trade date, as far as their data is there; imported ones while near."""
        if self.imported is not None:
            return plans.near_before(self.imported, trade_date)[-count:]
        return self.within(calendar.before(trade_date, count))

    def after(self, calendar: SessionCalendar, trade_date: date, count: int) -> list[Session]:
        """The next `count` sessions after a trade date, as far as their data is there; imported ones while near."""
        if self.imported is not None:
            return plans.near_after(self.imported, trade_date)[:count]
        return self.within(calendar.after(trade_date, count))

    @property
    def first_whole_day(self) -> date:
        """The first UTC date whose data is all there."""
        day = datetime.fromtimestamp(self.start_ns // SECOND_NS, UTC)
        whole = day.date() if day.time() == time(0) else day.date() + timedelta(days=1)
        return max(whole, FIRST_DAY)


def what_is_available(asset: Asset, *, patient: bool = False) -> Available:
    """The dataset's bounds. A gateway that is down leaves what is stored usable: its end then, with the problem."""
    if asset.from_files:
        return Available(0, time_ns(), imported=plans.imported_sessions(asset))
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
    if available.imported is not None:
        _check_imported(asset, ns, available.imported)
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


def _check_imported(asset: Asset, ns: int, sessions: list[Session]) -> None:
    """Raises BadMoment where no file was imported; the message names the days that are there."""
    if not sessions:
        raise BadMoment(_nothing_imported(asset))
    if not any(session.open_ns <= ns < session.close_ns for session in sessions):
        raise BadMoment(f"{asset.root} is here for {_days(asset, sessions)} only. Choose a moment in these sessions.")


def _nothing_imported(asset: Asset) -> str:
    return f"No bars or trades of {asset.root} are here. Import a file on the page Data."


def _days(asset: Asset, sessions: list[Session]) -> str:
    """Trade dates for people: runs of sessions as "2025-06-02 to 2025-06-05"."""
    runs: list[list[date]] = []
    for session in sessions:
        before = asset.sessions.before(session.trade_date, 1)
        if runs and before and runs[-1][-1] == before[-1].trade_date:
            runs[-1].append(session.trade_date)
        else:
            runs.append([session.trade_date])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    if len(texts) > LISTED_RUNS:
        texts = [*texts[: LISTED_RUNS - 1], f"{len(texts) - LISTED_RUNS + 1} other spans up to {runs[-1][-1]}"]
    return ", ".join(texts[:-1]) + " and " + texts[-1] if len(texts) > 1 else texts[0]


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
    """The sessions to load when the playhead is put at `ns`: ten before its session, five after. Raises BadMoment."""
    calendar = replay.asset.sessions
    here = calendar.first_closing_after(ns)
    sessions = [
        *available.before(calendar, here.trade_date, SESSIONS_BEFORE),
        *available.within([here]),
        *available.after(calendar, here.trade_date, SESSIONS_AFTER),
    ]
    if not sessions:
        raise BadMoment(_nothing_imported(replay.asset))
    return _window(replay, sessions, anchor_ns, available)


def window_ahead(replay: ReplaySession, tape: Tape, available: Available) -> plans.Window | None:
    """The tape's sessions and the next five, the oldest dropped past thirty; None when there are no further ones."""
    calendar, loaded = replay.asset.sessions, tape.trade_dates
    ahead = available.after(calendar, loaded[-1], PREFETCH_SESSIONS)
    if not ahead:
        return None
    sessions = [*available.within(calendar.between(loaded[0], loaded[-1])), *ahead]
    return _window(replay, sessions[-KEEP_SESSIONS:], replay.anchor_ns, available)


def window_behind(replay: ReplaySession, tape: Tape, ns: int, available: Available) -> plans.Window | None:
    """The tape's sessions and ten before that of `ns`, the newest dropped past thirty; None when they are there."""
    calendar, loaded = replay.asset.sessions, tape.trade_dates
    behind = available.before(calendar, tape.part_at(ns).piece.session.trade_date, SESSIONS_BEFORE)
    if not behind or behind[0].trade_date >= loaded[0]:
        return None
    sessions = available.within(calendar.between(behind[0].trade_date, loaded[-1]))
    return _window(replay, sessions[:KEEP_SESSIONS], replay.anchor_ns, available)


def _window(replay: ReplaySession, sessions: list[Session], anchor_ns: int, available: Available) -> plans.Window:
    """From the lookback before the anchor on the history is unbroken: every roll between it and the sessions counts."""
    anchor = replay.asset.sessions.first_closing_after(anchor_ns).trade_date
    history_from = min(anchor - timedelta(days=replay.lookback_days), sessions[0].trade_date)
    return plans.Window(replay.asset, sessions, anchor, max(history_from, available.first_whole_day))


def open_replay(
    *,
    owner_id: int,
    asset: Asset,
    entry_ns: int,
    timeframe: str,
    lookback_days: int,
    account: Account | None = None,
) -> ReplaySession:
    """A new replay standing at its entry; its orders are those of an account, the user's first where none is named.

    Raises BadMoment, GatewayError (data is missing and cannot be had).
    """
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
        if account is not None:
            replay.trading = _trading_session(replay, account)
        replay.save()
    return replay


def _trading_session(replay: ReplaySession, account: Account | None) -> TradingSession:
    kind = TradingSession.Kind.REPLAY
    return open_session(owner_id=replay.owner_id, asset=replay.asset, kind=kind, account=account)


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


def retried(job_id: int | None) -> Job | None:
    """The job that its owner has had tried once more in the place of one that failed; None without any."""
    job = None if job_id is None else Job.objects.filter(pk=job_id).first()
    if job is None:
        return None
    again = Job.objects.filter(kind=job.kind, params=job.params, asked_by=job.asked_by_id, pk__gt=job.pk)
    return again.exclude(state__in=(Job.State.FAILED, Job.State.CANCELLED)).order_by("pk").last()


def ask_for_session(owner_id: int, contract_id: int, trade_date: date, grade: str) -> Job:
    """Have a worker bring a session of a contract to a grade; a job of the owner that does just this is not doubled."""
    contract = Contract.objects.get(pk=contract_id)
    kind, params = event_jobs.KINDS[grade], event_jobs.params(contract, trade_date, grade)
    going = Job.objects.filter(kind=kind, asked_by_id=owner_id, params=params).exclude(state__in=Job.FINAL).first()
    return going or queue.submit(kind=kind, params=params, asked_by_id=owner_id)


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
    if len(since) > ROLLS_NAMED:
        since = [f", … {len(since) - ROLLS_NAMED} rolls …", *since[-ROLLS_NAMED:]]
    return f"Front months from {first} to {here}: {before[-1].to_contract}{''.join(since)}."


def delete_replay(*, replay: ReplaySession) -> None:
    """Delete a replay, and what fired in it."""
    with transaction.atomic():
        AlertFiring.objects.filter(replay_key=replay.pk).delete()
        replay.delete()


def account_of(replay: ReplaySession) -> Account:
    """The account that a replay trades in, or will: its owner's first, until it is opened."""
    return default_account(replay.owner_id) if replay.trading is None else replay.trading.account


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


def take_desk(replay: ReplaySession) -> int:
    """Become the process that trades in the replay, and have a trading session; UTC ns of the last thing on record."""
    with transaction.atomic():
        row = ReplaySession.objects.select_for_update().get(pk=replay.pk)
        trading = row.trading
        if trading is None:
            trading = row.trading = _trading_session(replay, None)
            row.save(update_fields=["trading"])
    replay.trading = trading
    record.take_over(trading)
    return record.last_ns(trading)


# the ORM can give many rows values of their own, but not only those that are still as they were
_WRITE_DOWN = """
UPDATE replay_replaysession AS kept
SET anchor_ns = given.anchor_ns, playhead_ns = given.playhead_ns, playing = given.playing, speed = given.speed,
    keeps = given.keeps, state = given.state, problem = given.problem, timeframe = given.timeframe,
    job_id = given.job_id, saved_at = statement_timestamp()
FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::bigint[], %s::bool[], %s::float[], %s::text[], %s::text[],
            %s::text[], %s::text[], %s::bigint[])
    AS given (id, epoch, anchor_ns, playhead_ns, playing, speed, keeps, state, problem, timeframe, job_id)
WHERE kept.id = given.id AND kept.epoch = given.epoch
RETURNING kept.id
"""
_WRITTEN_DOWN = (
    *("pk", "epoch", "anchor_ns", "playhead_ns", "playing", "speed", "keeps", "state", "problem", "timeframe"),
    "job_id",
)


def save(replays: Sequence[ReplaySession]) -> set[uuid.UUID]:
    """Write down where replays stand, in one statement; the keys of those that no other process has taken over."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_DOWN, [[getattr(replay, name) for replay in replays] for name in _WRITTEN_DOWN])
        return {key for (key,) in cursor.fetchall()}
