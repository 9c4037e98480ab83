"""Trading sessions written straight into the record: NQM6, a tick of 0.25 is $5, the fee $2 a side."""

from datetime import date
from typing import Any

from market.models import Asset, Contract
from market.sessions import SECOND_NS, parse_et
from replay.models import ReplaySession
from trading import record, services, spans
from trading.engine.records import Event, Explanation, Fill
from trading.engine.settings import Instrument
from trading.engine.terms import Change, Grade, Preset, Reason, Side
from trading.models import Account, Take, TradingSession
from trading.spans import Pinned

START = parse_et("2026-03-17 09:30")
TICK = 250_000_000
DOLLAR = 10**9
NQ = Instrument("NQM6", TICK, tick_value=5 * DOLLAR, fee=2 * DOLLAR)
Row = tuple[int, float, float] | tuple[int, float, float, dict[str, Any]]
"""(signed lots, price in ticks, second after 09:30 ET, fields of the explanation)."""


def at(second: float) -> int:
    return START + round(second * SECOND_NS)


def replay_of(user: Any, root: str = "NQ", account: Account | None = None) -> ReplaySession:
    """A replay in which its user trades."""
    asset = Asset.objects.get(root=root)
    trading = services.open_session(owner_id=user.pk, asset=asset, kind=TradingSession.Kind.REPLAY, account=account)
    moments = dict.fromkeys(("entry_ns", "anchor_ns", "playhead_ns"), START)
    return ReplaySession.objects.create(
        owner=user, asset=asset, trading=trading, timeframe="5m", lookback_days=30, **moments
    )


def take_of(
    user: Any, *rows: Row, root: str = "NQ", instrument: Instrument = NQ, account: Account | None = None
) -> Take:
    """The first take of a new session with these fills."""
    session = replay_of(user, root, account).trading
    assert session is not None
    take = services.begin_take(session, None, START, instrument)
    fill(take, *rows)
    return take


def fill(take: Take, *rows: Row) -> None:
    """Add fills to the end of a take's line."""
    number = len(record.fills_of(take))
    instrument = Instrument(**take.instruments[0])
    made = [_fill(number + place, instrument, *row) for place, row in enumerate(rows, start=1)]
    events = [Event(each.number, each.ns, Change.FILLED, each.why.reason, each.order, each.client_id) for each in made]
    record.write(take, take.session.epoch, record.News(events=events, fills=made))


def fork(take: Take, second: float, fills: int) -> Take:
    """The take that begins by going back to an instant after so many fills."""
    record.saw(take.session, at(60))
    return record.fork(take, take.session.epoch, at(second), 0, fills, fills, record.pins_of(take))


def lock(take: Take, second: float, change: Change, reason: Reason, text: str) -> None:
    """The account was locked or unlocked."""
    number = 1 + take.events.count()
    event = Event(number, at(second), change, reason, None, "", text=text)
    record.write(take, take.session.epoch, record.News(events=[event]))


def leave(take: Take, second: float, ticks: int) -> None:
    """Its user goes back from an instant at which something is open, at this price."""
    instrument = Instrument(**take.instruments[0])
    record.leave(take, take.session.epoch, at(second), {instrument.name: ticks * instrument.tick})


def pin(take: Take, contract: Contract, trade_date: date) -> Pinned:
    """Have what is stored of a session be what decided the take's fills."""
    pinned, _ = spans.best(contract.pk, trade_date)
    record.write(take, take.session.epoch, record.News(pins=[pinned]))
    return pinned


def _fill(
    number: int, instrument: Instrument, lots: int, ticks: float, second: float, more: dict[str, Any] | None = None
) -> Fill:
    fields: dict[str, Any] = {"grade": Grade.BARS, "reason": Reason.BAR_EXTREME} | (more or {})
    why = Explanation(events=(number,), level=40, latency_ns=0, preset=Preset.CONSERVATIVE, **fields)
    side = Side.BUY if lots > 0 else Side.SELL
    price = round(ticks * instrument.tick)
    fee = instrument.fee * abs(lots)
    return Fill(number, number, f"o{number}", instrument.name, side, abs(lots), price, at(second), fee, abs(lots), why)
