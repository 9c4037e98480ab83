"""The full order book of an instrument, and the mbp-10 rows in it."""

from pathlib import Path
from typing import Any

import databento
import numpy as np
import pytest

from market.engine.book import UNDEFINED_PRICE
from market.engine.mbo import BLOCK_RECORDS, LAST, OrderBook

TICK = 250_000_000


def records(*rows: tuple[str, str, int, int, int, int]) -> dict[str, np.ndarray]:
    """(action, side, order, price in ticks, size, flags) each."""
    columns = list(zip(*rows, strict=True))
    made = {
        name: np.array([ord(letter) for letter in column], np.uint8)
        for name, column in zip(("action", "side"), columns, strict=False)
    }
    made |= {
        name: np.array(column, np.int64)
        for name, column in zip(("order_id", "price", "size", "flags"), columns[2:], strict=True)
    }
    return made | {"price": made["price"] * TICK, "flags": made["flags"].astype(np.uint8)}


def best(levels: np.ndarray) -> list[tuple[int, int, int]]:
    """The levels that are there, prices in ticks."""
    return [(int(p) // TICK, int(s), int(c)) for p, s, c in levels if s]


def test_orders_of_a_price_are_a_level_with_their_sum_and_number() -> None:
    source, depth, levels = OrderBook().add(
        records(("A", "B", 1, 100, 5, LAST), ("A", "B", 2, 100, 3, LAST), ("A", "A", 3, 102, 4, LAST))
    )
    assert source.tolist() == [0, 1, 2]
    assert best(levels[-1][0]) == [(100, 8, 2)]
    assert best(levels[-1][1]) == [(102, 4, 1)]
    assert (levels[-1][0][1:, 0] == UNDEFINED_PRICE).all()
    assert depth.tolist() == [0, 0, 0]


def test_a_cancel_takes_its_size_and_the_last_order_takes_the_level() -> None:
    book = OrderBook()
    book.add(records(("A", "B", 1, 100, 5, LAST), ("A", "B", 2, 99, 7, LAST)))
    _, _, levels = book.add(records(("C", "B", 1, 100, 2, LAST), ("C", "B", 1, 100, 3, LAST)))
    assert [best(row[0]) for row in levels] == [[(100, 3, 1), (99, 7, 1)], [(99, 7, 1)]]


def test_a_modified_order_leaves_its_old_level() -> None:
    book = OrderBook()
    book.add(records(("A", "A", 1, 101, 5, LAST), ("A", "A", 2, 102, 1, LAST)))
    _, depth, levels = book.add(records(("M", "A", 1, 102, 6, LAST)))
    assert best(levels[0][1]) == [(102, 7, 2)]
    assert depth.tolist() == [0]


def test_an_event_of_several_records_is_one_row_and_a_trade_shows_the_book_before() -> None:
    book = OrderBook()
    book.add(records(("A", "A", 1, 101, 5, LAST), ("A", "A", 2, 102, 5, LAST)))
    source, _, levels = book.add(
        records(
            ("T", "B", 0, 101, 6, 0),
            ("F", "A", 1, 101, 5, 0),
            ("F", "A", 2, 102, 1, 0),
            ("C", "A", 1, 101, 5, 0),
            ("M", "A", 2, 102, 4, LAST),
        )
    )
    assert source.tolist() == [0, 4]
    assert [best(row[1]) for row in levels] == [[(101, 5, 1), (102, 5, 1)], [(102, 4, 1)]]


def test_what_happens_beyond_ten_levels_gives_no_row_until_it_comes_into_sight() -> None:
    book = OrderBook()
    book.add(records(*(("A", "B", n, 100 - n, 1, LAST) for n in range(10))))
    source, _, _ = book.add(records(("A", "B", 20, 50, 9, LAST)))
    assert len(source) == 0
    _, depth, levels = book.add(records(("C", "B", 0, 100, 1, LAST)))
    assert best(levels[0][0])[-1] == (50, 9, 1)
    assert depth.tolist() == [0]


def test_a_cleared_book_is_empty() -> None:
    book = OrderBook()
    book.add(records(("A", "B", 1, 100, 5, LAST)))
    _, _, levels = book.add(records(("R", "N", 0, 0, 0, LAST)))
    assert best(levels[0][0]) == []


def test_a_snapshot_sets_the_book_up_without_a_row() -> None:
    book = OrderBook()
    snapshot = 32 | 8
    source, _, _ = book.add(records(("A", "B", 1, 100, 5, snapshot), ("A", "B", 2, 99, 5, snapshot)))
    assert len(source) == 0
    _, depth, levels = book.add(records(("A", "B", 3, 99, 1, LAST)))
    assert best(levels[0][0]) == [(100, 5, 1), (99, 6, 2)]
    assert depth.tolist() == [1]


def test_orders_from_before_the_first_record_are_counted() -> None:
    book = OrderBook()
    _, _, levels = book.add(records(("C", "B", 7, 100, 5, LAST), ("M", "B", 8, 100, 5, LAST)))
    assert book.unknown == 2
    assert best(levels[-1][0]) == [(100, 5, 1)]


def test_records_that_come_in_parts_make_the_same_book(random_orders: dict[str, np.ndarray]) -> None:
    whole = OrderBook().add(random_orders)
    book = OrderBook()
    size = len(random_orders["action"]) // 7 + 1
    parts = [
        book.add({name: values[at : at + size] for name, values in random_orders.items()})
        for at in range(0, 7 * size, size)
    ]
    np.testing.assert_array_equal(whole[2], np.concatenate([part[2] for part in parts]))
    np.testing.assert_array_equal(whole[1], np.concatenate([part[1] for part in parts]))


@pytest.fixture
def random_orders() -> dict[str, np.ndarray]:
    """More random orders than one block holds."""
    rng = np.random.default_rng(5)
    rows = []
    alive: list[int] = []
    for order in range(BLOCK_RECORDS + 900):
        side = "BA"[order % 2]
        price = int(rng.integers(90, 100)) if side == "B" else int(rng.integers(100, 110))
        kind = rng.random()
        if alive and kind < 0.4:
            rows.append(("C", side, alive.pop(int(rng.integers(len(alive)))), price, 9, LAST))
        elif alive and kind < 0.6:
            rows.append(("M", side, alive[int(rng.integers(len(alive)))], price, int(rng.integers(1, 9)), LAST))
        else:
            rows.append(("A", side, order, price, int(rng.integers(1, 9)), LAST))
            alive.append(order)
    return records(*rows)


def test_levels_agree_with_a_plain_count_of_the_orders(random_orders: dict[str, np.ndarray]) -> None:
    source, _, levels = OrderBook().add(random_orders)
    orders: dict[int, tuple[int, int, int]] = {}
    shown = dict(zip(source.tolist(), levels, strict=True))
    for n in range(len(random_orders["action"])):
        row = {name: int(values[n]) for name, values in random_orders.items()}
        if row["action"] == ord("C"):
            orders.pop(row["order_id"], None)
        else:
            orders[row["order_id"]] = (row["side"], row["price"], row["size"])
        if n in shown and n % 97 == 0:
            for side, letter in enumerate((ord("B"), ord("A"))):
                plain: dict[int, list[int]] = {}
                for _, price, size in (order for order in orders.values() if order[0] == letter):
                    plain.setdefault(price, []).append(size)
                prices = sorted(plain, reverse=side == 0)[:10]
                expected = [(price // TICK, sum(plain[price]), len(plain[price])) for price in prices]
                assert best(shown[n][side]) == expected


@pytest.mark.real_data
def test_the_real_esh4_orders_make_the_derived_book_row_for_row(real_data: Path) -> None:
    """From 22:00 UTC on, where the derived file begins; before it there is only the snapshot."""
    orders = _read(real_data / "nautilus_trader/esh4-glbx-mdp3-20231225.mbo.dbn.zst")
    derived = _read(real_data / "derived-esh4-20231225/esh4-20231225.mbp-10.derived.dbn.zst")
    columns: dict[str, Any] = {name: orders[name].view(np.uint8) for name in ("action", "side", "flags")}
    columns |= {name: orders[name].astype(np.int64) for name in ("order_id", "price", "size")}
    book = OrderBook()
    source, depth, levels = book.add(columns)
    assert len(source) == len(derived) == 40_087
    assert book.unknown == 0
    for name in ("ts_recv", "ts_event", "sequence", "action", "side", "price", "size", "flags", "ts_in_delta"):
        np.testing.assert_array_equal(orders[name][source], derived[name])
    np.testing.assert_array_equal(depth, derived["depth"])
    for level in range(10):
        for side, letter in enumerate(("bid", "ask")):
            for field, name in enumerate(("px", "sz", "ct")):
                np.testing.assert_array_equal(levels[:, side, level, field], derived[f"{letter}_{name}_{level:02}"])


def _read(path: Path) -> np.ndarray:
    store = databento.DBNStore.from_file(path)
    rows = store.to_ndarray()
    store.reader.close()
    return rows
