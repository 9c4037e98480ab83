"""The stand-in's records of trades, books, statistics and status: pure, in order, and true to the calendar and bars."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest

from market.facts import BY_ROOT
from market.sessions import calendar, et_ns, parse_et
from standin import stream
from standin.market import contracts
from standin.market.bars import DAY_NS, day_bars, day_ns
from standin.market.contracts import contract
from standin.market.minutes import minutes
from standin.market.volume import plan
from standin.micro.words import UNDEF_PRICE
from standin.query import Query
from standin.records import DTYPES, EVENT_DTYPES, count_records, records
from standin.symbology import resolve

SEED = 11
DAY = date(2026, 3, 11)
MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
NOON = day_ns(DAY) + 16 * HOUR_NS
FRONT = contract("NQ", 2026, 6)
OPENING_PRICE, SETTLEMENT, LOW, HIGH, CLEARED_VOLUME, OPEN_INTEREST = 1, 3, 4, 5, 6, 9
PRE_OPEN, TRADING, HALT, CLOSE = 1, 7, 8, 12


def ns(rows, name="ts_recv"):
    return rows[name].astype(np.int64)


def front(root: str, day: date = DAY):
    return plan(SEED, root, day).ranked()[0]


def hour_of(instrument, start_ns, schema="mbp-10"):
    return records(SEED, schema, (instrument,), start_ns, start_ns + HOUR_NS)


def mean_spread(rows, root: str) -> float:
    """In ticks, where both sides are there."""
    both = (rows["bid_px_00"] != UNDEF_PRICE) & (rows["ask_px_00"] != UNDEF_PRICE)
    return float((rows["ask_px_00"] - rows["bid_px_00"])[both].mean() / BY_ROOT[root].tick_size)


@pytest.mark.parametrize("schema", sorted(DTYPES))
def test_what_else_is_asked_for_changes_nothing_but_the_company(schema):
    crowd = (FRONT, *contracts.everything("CL", DAY, DAY)[:3], front("ZN"), contract("NQ", 2026, 3), front("YM"))
    crowd += contracts.spreads("CL", DAY, DAY)[:1]
    start = day_ns(DAY)
    end = start + (DAY_NS if schema not in EVENT_DTYPES else 20 * MINUTE_NS)
    together = records(SEED, schema, crowd, start, end)
    assert count_records(SEED, schema, crowd, start, end) == len(together) > 0
    time = ns(together, "ts_event" if schema.startswith("ohlcv") else "ts_recv")
    place = np.array([[each.instrument_id for each in crowd].index(row) for row in together["instrument_id"]])
    np.testing.assert_array_equal(np.lexsort((place, time)), np.arange(len(together)))
    for each in crowd:
        alone = records(SEED, schema, (each,), start, end)
        np.testing.assert_array_equal(together[together["instrument_id"] == each.instrument_id], alone)


@pytest.mark.parametrize("schema", sorted(DTYPES))
def test_a_range_in_pieces_is_the_range(schema):
    start, end = day_ns(DAY) + 21 * HOUR_NS + 50 * MINUTE_NS, day_ns(DAY) + 24 * HOUR_NS + 5 * MINUTE_NS + 123
    if schema in EVENT_DTYPES:
        end = start + 25 * MINUTE_NS
    asked = (FRONT, front("CL"))
    edges = np.linspace(start, end, 6).astype(np.int64).tolist()
    edges[-1] = end
    pieces = [records(SEED, schema, asked, *edge) for edge in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces), records(SEED, schema, asked, start, end))


def query_of(schema: str, start_ns: int, end_ns: int) -> Query:
    return Query("GLBX.MDP3", schema, ("NQM6",), "raw_symbol", "instrument_id", start_ns, end_ns, None, end_ns)


def test_a_day_of_the_book_streams_in_pieces_that_fit_into_memory():
    start = day_ns(DAY) + 12 * HOUR_NS
    query = query_of("mbp-10", start, start + 4 * HOUR_NS)
    resolution = resolve(SEED, query.symbols, query.stype_in, DAY, DAY + timedelta(days=1))
    sizes, last = [], 0
    for batch in stream.batches(SEED, query, resolution):
        assert ns(batch)[0] >= last
        last = int(ns(batch)[-1])
        sizes.append(len(batch))
    assert sum(sizes) == stream.count(SEED, query) > 300_000
    assert max(sizes) * DTYPES["mbp-10"].itemsize < 3 * stream.LARGE_BYTES


def test_the_session_begins_with_an_empty_book_and_an_auction():
    opening = calendar(BY_ROOT["NQ"].calendar).session(DAY).open_ns
    rows = records(SEED, "mbp-10", (FRONT,), opening - HOUR_NS, opening + MINUTE_NS)
    assert ns(rows)[0] > opening
    assert (rows["action"][:20] == b"A").all()
    assert (rows["bid_px_09"][0], rows["ask_px_00"][0]) == (UNDEF_PRICE, UNDEF_PRICE)
    assert rows["ask_px_09"][40] != UNDEF_PRICE
    trades = rows[rows["action"] == b"T"]
    assert list(np.flatnonzero(trades["side"] == b"N")) == [0]
    assert (ns(rows, "ts_event") >= opening).all()


def test_the_book_ends_with_the_session_and_the_contract():
    old = contract("NQ", 2026, 3)
    rows = records(SEED, "mbp-10", (old,), old.expiration_ns - HOUR_NS, old.expiration_ns + 2 * HOUR_NS)
    assert old.expiration_ns - MINUTE_NS < ns(rows)[-1] < old.expiration_ns
    close = calendar(BY_ROOT["NQ"].calendar).session(DAY).close_ns
    assert len(records(SEED, "mbp-10", (FRONT,), close, close + HOUR_NS)) == 0
    assert len(records(SEED, "mbp-10", (FRONT,), close - 5_000_000_000, close)) > 0


def test_thin_contracts_and_nights_have_wide_and_shallow_books():
    by_volume = plan(SEED, "CL", DAY).ranked()
    busy, back, far = (hour_of(each, NOON) for each in (by_volume[0], by_volume[4], by_volume[12]))
    night = hour_of(by_volume[0], day_ns(DAY) + 4 * HOUR_NS)
    spreads = [mean_spread(rows, "CL") for rows in (busy, night, back, far)]
    assert spreads[0] < 2 < 5 < spreads[3]
    assert spreads[0] < spreads[1]
    assert spreads[0] < spreads[2] < spreads[3]
    assert 20 * 3_600 < len(busy) < 100 * 3_600
    assert len(far) < 30 * 60
    assert busy["bid_sz_04"].mean() > 3 * far["bid_sz_04"].mean()
    assert (far["bid_px_09"] == UNDEF_PRICE).mean() > 0.5
    assert (busy["bid_px_09"] == UNDEF_PRICE).mean() == 0


def test_a_data_release_is_a_burst_of_rows():
    thursday = date(2026, 2, 5)
    release = int(datetime(2026, 2, 5, 15, 30, tzinfo=UTC).timestamp()) * 1_000_000_000
    near = (front("NG", thursday),)
    before = count_records(SEED, "mbp-10", near, release - 3 * MINUTE_NS, release)
    assert count_records(SEED, "mbp-10", near, release, release + 3 * MINUTE_NS) > 1.8 * before


def test_trade_signs_persist_and_most_trades_are_small():
    trades = hour_of(front("CL"), NOON, "trades")
    sign = np.where(trades["side"] == b"B", 1.0, -1.0)
    assert 0.25 < np.corrcoef(sign[:-1], sign[1:])[0, 1] < 0.65
    assert 0.6 < (trades["size"] == 1).mean() < 0.9
    assert trades["size"].max() > 10


def statistics_of(instrument, trade_date: date):
    """All figures of one trade date."""
    session = calendar(BY_ROOT[instrument.root].calendar).session(trade_date)
    rows = records(SEED, "statistics", (instrument,), session.open_ns, session.close_ns + 6 * HOUR_NS)
    return session, rows[ns(rows, "ts_ref") == day_ns(trade_date)]


@pytest.mark.parametrize("root", ["NQ", "CL", "6E", "MBT"])
def test_statistics_agree_with_the_bars(root):
    instrument, tick = front(root), BY_ROOT[root].tick_size
    _session, rows = statistics_of(instrument, DAY)
    bars = minutes(SEED, root, (instrument,), DAY)
    by_kind = {kind: rows[rows["stat_type"] == kind] for kind in set(rows["stat_type"])}
    assert list(by_kind[OPENING_PRICE]["price"]) == [bars.open[0] * tick]
    assert by_kind[HIGH]["price"][-1] == bars.high.max() * tick
    assert by_kind[LOW]["price"][-1] == bars.low.min() * tick
    assert (np.diff(by_kind[HIGH]["price"]) > 0).all()
    assert (np.diff(by_kind[LOW]["price"]) < 0).all()
    for row in by_kind[HIGH]:
        assert row["price"] == bars.high[bars.start_ns + MINUTE_NS <= ns(row)].max() * tick
    assert list(by_kind[CLEARED_VOLUME]["quantity"]) == [bars.volume.sum()]
    assert len(by_kind[OPEN_INTEREST]) == 1
    assert list(by_kind[SETTLEMENT]["stat_flags"]) == [2, 3]
    assert len(set(by_kind[SETTLEMENT]["price"])) == 1


def test_the_settlement_is_the_price_at_the_assets_time():
    instrument = front("CL")
    _session, rows = statistics_of(instrument, DAY)
    settled = et_ns(DAY, time(14, 30))
    last = day_bars(SEED, (instrument,), "ohlcv-1m", DAY, settled - MINUTE_NS, settled)
    prices = rows["price"][rows["stat_type"] == SETTLEMENT]
    assert (np.abs(prices - last.close[0]) <= 2 * BY_ROOT["CL"].tick_size).all()
    assert ns(rows)[rows["stat_type"] == SETTLEMENT][0] > settled


def test_open_interest_moves_on_to_the_next_contract_after_the_volume():
    old, new = contract("CL", 2026, 4), contract("CL", 2026, 5)
    held = {}
    for day in (date(2026, 2, 24), date(2026, 3, 18)):
        for each in (old, new):
            _session, rows = statistics_of(each, day)
            held[each, day] = int(rows["quantity"][rows["stat_type"] == OPEN_INTEREST][0])
    assert held[old, date(2026, 2, 24)] > held[new, date(2026, 2, 24)]
    assert held[old, date(2026, 3, 18)] < held[new, date(2026, 3, 18)]


def status_of(instrument, start: str, end: str) -> list[tuple[str, int, int]]:
    """(UTC time of ts_event, action, reason) without the snapshots at midnight."""
    rows = records(SEED, "status", (instrument,), parse_et(start), parse_et(end))
    rows = rows[ns(rows) % DAY_NS != 0]
    times = [datetime.fromtimestamp(int(each) / 1e9, UTC) for each in ns(rows, "ts_event")]
    return [(f"{at:%d %H:%M:%S}", int(row["action"]), int(row["reason"])) for at, row in zip(times, rows, strict=True)]


def test_status_tells_opening_and_close_of_each_session():
    assert status_of(FRONT, "2026-03-10 12:00", "2026-03-11 12:00") == [
        ("10 21:00:00", CLOSE, 1),
        ("10 21:45:00", PRE_OPEN, 1),
        ("10 21:59:30", PRE_OPEN, 1),
        ("10 22:00:00", TRADING, 1),
    ]


def test_status_knows_weekends_halts_and_expiries():
    weekend = status_of(FRONT, "2026-03-06 12:00", "2026-03-08 20:00")
    assert [change[:2] for change in weekend] == [
        ("06 22:00:00", CLOSE),
        ("08 21:00:00", PRE_OPEN),
        ("08 21:59:30", PRE_OPEN),
        ("08 22:00:00", TRADING),
    ]
    thanksgiving = status_of(contract("NQ", 2025, 12), "2025-11-27 12:00", "2025-11-28 15:00")
    assert [change[1] for change in thanksgiving] == [HALT, PRE_OPEN, PRE_OPEN, TRADING, CLOSE]
    assert status_of(contract("NQ", 2026, 3), "2026-03-20 02:00", "2026-03-22 20:00") == [("20 13:30:00", CLOSE, 5)]


def test_status_is_told_again_at_midnight_utc():
    rows = records(SEED, "status", (FRONT,), day_ns(DAY), day_ns(DAY) + 1)
    assert [(int(row["action"]), row["is_trading"], row["is_quoting"]) for row in rows] == [(TRADING, b"Y", b"Y")]
    assert ns(rows, "ts_event")[0] == calendar(BY_ROOT["NQ"].calendar).session(DAY).open_ns


def test_no_book_row_lies_where_status_says_closed():
    start, end = parse_et("2025-11-27 11:00"), parse_et("2025-11-27 20:00")
    asked = (contract("NQ", 2025, 12),)
    rows = records(SEED, "mbp-1", asked, start, end)
    status = records(SEED, "status", asked, start - DAY_NS, end)
    status = status[np.argsort(ns(status, "ts_event"), kind="stable")]
    in_force = np.searchsorted(ns(status, "ts_event"), ns(rows, "ts_event"), side="right") - 1
    assert {int(each) for each in status["action"]} >= {HALT, PRE_OPEN, TRADING}
    assert (status["is_trading"][in_force] == b"Y").all()
