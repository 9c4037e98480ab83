"""Whatever asset, contract and hour: trades rebuild the bars, and the book agrees with itself and with the trades."""

from datetime import date
from itertools import pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from market.engine.bars import from_trades
from market.facts import BY_ROOT
from market.sessions import calendar
from standin.market import contracts
from standin.market.bars import day_bars, day_of
from standin.market.contracts import Contract, Instrument
from standin.market.volume import plan
from standin.micro.tape import count_rows, event_rows
from standin.micro.words import UNDEF_PRICE, as_records

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
LEVELS = 10

roots = st.sampled_from(["NQ", "HO", "NKD", "CL", "6J", "ZN", "MBT"])
dates = st.dates(date(2010, 6, 7), date(2030, 12, 31))
seeds = st.integers(0, 2**63)
ranks = st.integers(0, 40)
minutes_in = st.integers(0, 1_379)
quick = settings(max_examples=25, deadline=None)


def pick(seed: int, root: str, day: date, rank: int) -> tuple[Instrument, int] | None:
    """An instrument of a day by volume (the last ranks are spreads), and the ns at which its session opens."""
    session = calendar(BY_ROOT[root].calendar).session(calendar(BY_ROOT[root].calendar).trade_date_of(day))
    pool = (
        *plan(seed, root, session.trade_date).ranked(),
        *contracts.spreads(root, session.trade_date, session.trade_date),
    )
    return (pool[rank % len(pool)], session.open_ns) if pool else None


def rows_of(seed, schema, instrument, start_ns, end_ns):
    return as_records(event_rows(seed, schema, (instrument,), start_ns, end_ns), schema)


def levels(rows, name: str) -> np.ndarray:
    """A field of all ten levels as int64, shape (rows, 10)."""
    return np.stack([rows[f"{name}_{level:02}"].astype(np.int64) for level in range(LEVELS)], axis=1)


@quick
@given(seeds, roots, dates, ranks, minutes_in)
@example(1, "NQ", date(2026, 3, 11), 0, 0)
@example(1, "NQ", date(2026, 3, 11), 0, 930)
@example(1, "CL", date(2026, 3, 11), 0, 988)
@example(1, "ZN", date(2026, 3, 11), 0, 870)
def test_trades_rebuild_the_second_bars_exactly(seed, root, day, rank, minute):
    picked = pick(seed, root, day, rank)
    if picked is None:
        return
    instrument, open_ns = picked
    start = open_ns + minute * MINUTE_NS
    end = start + 90 * MINUTE_NS
    trades = rows_of(seed, "trades", instrument, start, end)
    rebuilt = from_trades(*(trades[name].astype(np.int64) for name in ("ts_recv", "price", "size")), seconds=1)
    days = dict.fromkeys((day_of(start), day_of(end)))
    made = [day_bars(seed, (instrument,), "ohlcv-1s", each, start, end) for each in days]
    for name, field in (
        ("ts", "start_ns"),
        ("open", "open"),
        ("high", "high"),
        ("low", "low"),
        ("close", "close"),
        ("volume", "volume"),
    ):
        np.testing.assert_array_equal(getattr(rebuilt, name), np.concatenate([getattr(each, field) for each in made]))
    assert (np.diff(trades["ts_recv"].astype(np.int64)) >= 0).all()
    assert (np.diff(trades["ts_event"].astype(np.int64)) >= 0).all()
    assert (np.diff(trades["sequence"].astype(np.int64)) >= 0).all()
    late = trades["ts_recv"].astype(np.int64) - trades["ts_event"].astype(np.int64)
    assert ((late > 50_000) & (late < 2_000_000)).all()
    assert (trades["ts_in_delta"] > 0).all() and (trades["ts_in_delta"] < late).all()


def check_book(rows, tick: int, *, positive: bool) -> None:
    """Each row's ten levels: sorted, on the grid, neither crossed nor locked, orders where there are lots."""
    for side, outward in (("bid", -1), ("ask", 1)):
        price, size, count = (levels(rows, f"{side}_{name}") for name in ("px", "sz", "ct"))
        there = price != UNDEF_PRICE
        assert (there[:, :-1] | ~there[:, 1:]).all()
        assert ((size > 0) == there).all() and ((count > 0) == there).all() and (count <= size).all()
        assert (price[there] % tick == 0).all()
        assert (np.diff(price, axis=1)[there[:, 1:]] * outward > 0).all()
        assert not positive or (price[there] > 0).all()
    both = (rows["bid_px_00"] != UNDEF_PRICE) & (rows["ask_px_00"] != UNDEF_PRICE)
    assert (rows["bid_px_00"] < rows["ask_px_00"])[both].all()


def as_book(row, side: str) -> dict[int, tuple[int, int]]:
    """Price → (lots, orders) of a row's levels."""
    fields = [[int(row[f"{side}_{name}_{level:02}"]) for level in range(LEVELS)] for name in ("px", "sz", "ct")]
    return {price: (size, count) for price, size, count in zip(*fields, strict=True) if price != UNDEF_PRICE}


def check_event(before, row) -> None:
    """The row differs from the one before by exactly what it says, and by the tenth level."""
    action, price, size = row["action"], int(row["price"]), int(row["size"])
    sides = {"bid": (as_book(before, "bid"), as_book(row, "bid")), "ask": (as_book(before, "ask"), as_book(row, "ask"))}
    if action == b"T":
        assert all(old == new for old, new in sides.values())
        return
    side, other = ("bid", "ask") if row["side"] == b"B" else ("ask", "bid")
    assert sides[other][0] == sides[other][1]
    old, new = sides[side]
    (lots, orders), (lots_after, orders_after) = old.get(price, (0, 0)), new.get(price, (0, 0))
    if action == b"A":
        assert lots_after == lots + size and orders_after > orders
    elif action == b"C":
        assert lots_after == lots - size and orders_after < orders
    else:
        assert action == b"M" and (lots_after, orders_after) != (lots, orders) and lots > 0 < lots_after >= size
    same = {each for each in old.keys() & new.keys() if each != price}
    assert all(old[each] == new[each] for each in same)
    gone, come = old.keys() - new.keys() - {price}, new.keys() - old.keys() - {price}
    furthest = min if side == "bid" else max
    assert len(gone) + len(come) <= 1
    assert not gone or (action == b"A" and gone == {furthest(old)})
    assert not come or (action == b"C" and come == {furthest(new)})
    prices = sorted(new if lots_after else old, reverse=side == "bid")
    assert prices.index(price) == row["depth"]


def check_trades(rows) -> None:
    """Each trade lies at the right side of the book before it, no larger than what rests there, and takes it away."""
    at = np.flatnonzero(rows["action"] == b"T")
    trades = rows[at]
    for side, quote in ((b"B", "ask"), (b"A", "bid")):
        mine = trades[trades["side"] == side]
        assert (mine["price"] == mine[f"{quote}_px_00"]).all()
        assert (mine["size"] <= mine[f"{quote}_sz_00"]).all()
    for number, trade in zip(at, trades, strict=True):
        if trade["side"] == b"N":
            assert trade["bid_px_00"] <= trade["price"] or trade["bid_px_00"] == UNDEF_PRICE
            assert trade["price"] <= trade["ask_px_00"]
        elif number + 1 < len(rows):
            effect, side = rows[number + 1], "ask" if trade["side"] == b"B" else "bid"
            assert effect["side"] == (b"A" if side == "ask" else b"B") and effect["action"] in (b"C", b"M")
            left = as_book(effect, side).get(int(trade["price"]), (0, 0))[0]
            assert left == int(trade[f"{side}_sz_00"]) - int(trade["size"])


@quick
@given(seeds, roots, dates, ranks, minutes_in)
@example(1, "NQ", date(2026, 3, 11), 0, 0)
@example(1, "NQ", date(2026, 3, 11), 0, 930)
@example(1, "HO", date(2026, 3, 11), 1, 870)
@example(1, "ZN", date(2026, 3, 11), 0, 870)
@example(1, "CL", date(2026, 3, 11), 30, 0)
def test_each_row_of_the_book_says_exactly_what_changed(seed, root, day, rank, minute):
    picked = pick(seed, root, day, rank)
    if picked is None:
        return
    instrument, open_ns = picked
    start = open_ns + minute * MINUTE_NS
    rows = rows_of(seed, "mbp-10", instrument, start, start + 4 * MINUTE_NS)
    check_book(rows, BY_ROOT[root].tick_size, positive=isinstance(instrument, Contract))
    check_trades(rows)
    for before, row in pairwise(rows[:400]):
        check_event(before, row)
    # around each minute's boundary
    for number in np.flatnonzero(np.diff(rows["ts_recv"].astype(np.int64) // MINUTE_NS))[:3]:
        around = rows[max(number - 30, 0) : number + 30]
        for before, row in pairwise(around):
            check_event(before, row)
    for name in ("ts_recv", "ts_event", "sequence"):
        assert (np.diff(rows[name].astype(np.int64)) >= 0).all()
    assert (rows["flags"] == np.where(rows["action"] == b"T", 0, 130)).all()


@quick
@given(seeds, roots, dates, ranks, minutes_in, st.integers(0, 10 * MINUTE_NS), st.integers(1, 5 * MINUTE_NS))
def test_the_schemas_agree_and_a_part_is_a_slice_of_the_whole(seed, root, day, rank, minute, skip, length):
    picked = pick(seed, root, day, rank)
    if picked is None:
        return
    instrument, open_ns = picked
    start = open_ns + minute * MINUTE_NS
    ten = rows_of(seed, "mbp-10", instrument, start, start + 12 * MINUTE_NS)
    one = rows_of(seed, "mbp-1", instrument, start, start + 12 * MINUTE_NS)
    trades = rows_of(seed, "trades", instrument, start, start + 12 * MINUTE_NS)
    top = ten[ten["depth"] == 0]
    for name in one.dtype.names[2:]:
        np.testing.assert_array_equal(one[name], top[name])
    for name in trades.dtype.names[2:]:
        np.testing.assert_array_equal(trades[name], ten[ten["action"] == b"T"][name])
    recv = ten["ts_recv"].astype(np.int64)
    since, until = start + skip, start + min(skip + length, 12 * MINUTE_NS)
    part = rows_of(seed, "mbp-10", instrument, since, until)
    np.testing.assert_array_equal(part, ten[(recv >= since) & (recv < until)])
    for schema, made in (("mbp-10", ten), ("mbp-1", one), ("trades", trades)):
        assert count_rows(seed, schema, (instrument,), start, start + 12 * MINUTE_NS) == len(made)
    assert count_rows(seed, "mbp-10", (instrument,), since, until) == len(part)
