"""Ten levels at any instant, from events that keep only what they changed."""

import itertools
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import databento
import numpy as np
import numpy.typing as npt
import pytest

from market import book_files, store
from market.engine import book
from market.engine.book import LEFT_VIEW, REMOVED, SET, Book, Level
from market.schemas import BOOK

SECOND = 10**9
Columns = dict[str, npt.NDArray[Any]]
NAME = store.PieceName("mbp-10", "GLBX.MDP3", "ESH2024", date(2023, 12, 26))


def rows(*books: tuple[Mapping[int, int], Mapping[int, int]]) -> Columns:
    """mbp-10 columns of some books, each {price: size} of bids and asks, one a second."""
    columns = {name: np.zeros(len(books), dtype) for name, dtype in BOOK.columns.items()}
    columns["ts_recv"] = np.arange(len(books), dtype=np.int64) * SECOND
    for name in columns:
        if "_px_" in name:
            columns[name][:] = book.UNDEFINED_PRICE
    for row, (bids, asks) in enumerate(books):
        for letter, levels, down in (("bid", bids, True), ("ask", asks, False)):
            for level, price in enumerate(sorted(levels, reverse=down)[:10]):
                columns[f"{letter}_px_{level:02}"][row] = price
                columns[f"{letter}_sz_{level:02}"][row] = levels[price]
                columns[f"{letter}_ct_{level:02}"][row] = 1
    return columns


def shown(columns: Columns, row: int) -> Book:
    """The book that a row of mbp-10 shows."""

    def side(letter: str) -> tuple[Level, ...]:
        fields = ([int(columns[f"{letter}_{field}_{n:02}"][row]) for field in ("px", "sz", "ct")] for n in range(10))
        return tuple(Level(*field) for field in fields if field[1])

    return Book(side("bid"), side("ask"))


def changes(tape: book.BookTape, row: int) -> list[tuple[int, ...]]:
    """(side, kind, price, size) of what a row changed."""
    span = slice(int(tape.change_end[row - 1]) if row else 0, int(tape.change_end[row]))
    columns = (tape.change_side, tape.change_kind, tape.change_price, tape.change_size)
    return list(zip(*(column[span].tolist() for column in columns), strict=True))


def test_a_size_that_changes_is_one_change() -> None:
    tape = book.build(iter([rows(({100: 5}, {101: 7}), ({100: 5}, {101: 4}))]))
    assert changes(tape, 1) == [(book.ASK, SET, 101, 4)]


def test_a_level_that_is_eaten_up_is_removed() -> None:
    tape = book.build(iter([rows(({100: 5}, {101: 7, 102: 3}), ({100: 5}, {102: 3}))]))
    assert changes(tape, 1) == [(book.ASK, REMOVED, 101, 0)]


def test_a_better_price_pushes_the_tenth_level_out_of_view() -> None:
    before, after = dict.fromkeys(range(100, 110), 1), dict.fromkeys(range(99, 109), 1)
    tape = book.build(iter([rows(({}, before), ({}, after), ({}, before))]))
    assert changes(tape, 1) == [(book.ASK, SET, 99, 1), (book.ASK, LEFT_VIEW, 109, 0)]
    assert changes(tape, 2) == [(book.ASK, REMOVED, 99, 0), (book.ASK, SET, 109, 1)]


def test_a_book_that_is_cleared_is_empty() -> None:
    tape = book.build(iter([rows(({100: 5}, {101: 7}), ({}, {}), ({99: 1}, {}))]))
    assert tape.at(1 * SECOND) == Book((), ())
    assert tape.at(2 * SECOND) == Book((Level(99, 1, 1),), ())


def test_an_event_is_known_from_its_arrival_on() -> None:
    tape = book.build(iter([rows(({100: 5}, {}), ({100: 6}, {}))]))
    assert tape.at(-1) == Book((), ())
    assert tape.at(SECOND - 1).bids == (Level(100, 5, 1),)
    assert tape.at(SECOND).bids == (Level(100, 6, 1),)


def random_rows(count: int, seed: int) -> Columns:
    """Books that wander: levels come, go and change, more of them than are shown."""
    rng = np.random.default_rng(seed)
    middle, sizes, made = 1_000, dict.fromkeys(range(960, 1041), 5), []
    for _ in range(count):
        middle += int(rng.integers(-1, 2))
        price = middle + int(rng.integers(-14, 15))
        sizes[price] = int(rng.integers(0, 4))
        resting = {price: size for price, size in sizes.items() if size}
        made.append(
            ({p: s for p, s in resting.items() if p < middle}, {p: s for p, s in resting.items() if p > middle})
        )
    return rows(*made)


@pytest.mark.parametrize("cuts", [[], [1], [700, 701], [1_024], [500, 2_600]])
def test_the_book_after_every_row_is_what_the_row_shows_however_it_came_in_parts(cuts: list[int]) -> None:
    columns = random_rows(3_000, seed=len(cuts))
    edges = [0, *cuts, 3_000]
    parts = [{name: values[start:end] for name, values in columns.items()} for start, end in itertools.pairwise(edges)]
    tape = book.build(iter(parts))
    for row in [*range(0, 3_000, 61), 1_023, 1_024, 1_025, 2_999]:
        assert tape.after(row) == shown(columns, row), row


def test_the_real_book_after_every_row_is_what_the_row_shows(real_data: Path) -> None:
    file = real_data / "derived-esh4-20231225" / "esh4-20231225.mbp-10.derived.dbn.zst"
    opened = databento.DBNStore.from_file(file)
    columns = BOOK.columns_of(opened.to_ndarray())
    opened.reader.close()
    tape = book.build(iter([columns]))
    for row in range(0, len(tape), 137):
        assert tape.after(row) == shown(columns, row)


def test_a_stored_book_opens_as_files_that_are_made_once(settings: Any) -> None:
    columns = random_rows(2_500, seed=9)
    file = store.write(NAME, columns)
    tape = book_files.open_book(NAME, file.checksum)
    assert [tape.after(row) for row in (0, 1_200, 2_499)] == [shown(columns, row) for row in (0, 1_200, 2_499)]
    made = sorted(path.stat().st_mtime_ns for path in Path(settings.BOOK_ROOT).glob("*/ts"))
    book_files.open_book(NAME, file.checksum)
    assert sorted(path.stat().st_mtime_ns for path in Path(settings.BOOK_ROOT).glob("*/ts")) == made


def test_a_book_that_was_left_half_made_is_made_again(settings: Any) -> None:
    columns = random_rows(50, seed=1)
    file = store.write(NAME, columns)
    book_files.open_book(NAME, file.checksum)
    (manifest,) = Path(settings.BOOK_ROOT).glob(f"*/{book_files.MANIFEST}")
    manifest.unlink()
    assert book_files.open_book(NAME, file.checksum).after(49) == shown(columns, 49)


def test_the_least_recently_opened_books_make_room(settings: Any) -> None:
    settings.BOOK_CACHE_BYTES = 1
    for day in (1, 2, 3):
        name = store.PieceName("mbp-10", "GLBX.MDP3", "ESH2024", date(2024, 1, day))
        file = store.write(name, random_rows(50, seed=day))
        open_still = book_files.open_book(name, file.checksum)
    assert [path.name.split(".")[1] for path in Path(settings.BOOK_ROOT).iterdir()] == ["2024-01-03"]
    assert len(open_still) == 50


def test_a_damaged_piece_makes_no_book(settings: Any) -> None:
    file = store.write(NAME, random_rows(50, seed=1))
    path = Path(settings.DATA_ROOT) / str(NAME)
    path.write_bytes(path.read_bytes()[:-9] + b"damaged!!")
    with pytest.raises(store.DamagedPiece):
        book_files.open_book(NAME, file.checksum)
    assert not list(Path(settings.BOOK_ROOT).iterdir())
