"""The metrics board: what a row tells while its samples are being read."""

from market.facts import EQUITY
from market.models import Asset
from market.sessions import SECOND_NS, calendar, parse_et
from workspace.board import Board, Line, Row

NOW = parse_et("2026-03-17 09:30")
CELLS = {"5m": {"t": 1, "vr": 50.0, "n": 30}}


def board_with(row: Row) -> Board:
    board = Board("NQ", 30, lambda _: [])
    board._rows = {"NQ": row}
    return board


def line(**about: object) -> Line:
    asset = Asset(root="NQ", name="E-mini Nasdaq-100", calendar=EQUITY, tick_size=250_000_000)
    session = calendar(EQUITY).at(NOW)
    return Line(**{"asset": asset, "session": session, "piece": None} | about)  # type: ignore[arg-type]


def test_a_row_stays_as_it_was_and_keeps_its_moment_until_there_is_another() -> None:
    board = board_with({"at": NOW // SECOND_NS - 60, "cells": CELLS})
    (row,) = board._compute([line()], NOW)
    assert (row["at"], row["cells"], row["state"]) == (NOW // SECOND_NS - 60, CELLS, "absent")
    # and again, from itself
    assert board._compute([line()], NOW)[0]["cells"] == CELLS


def test_what_comes_after_the_playhead_is_forgotten_when_it_goes_back() -> None:
    board = board_with({"at": NOW // SECOND_NS + 1, "cells": CELLS})
    (row,) = board._compute([line()], NOW)
    assert (row["at"], row["cells"]) == (None, {})


def test_why_a_row_is_empty_is_told_apart() -> None:
    assert line(session=None).state == "closed"
    assert line().state == "absent"
    assert line(fetching=40).state == "fetching"
    assert line(fetching=40, is_asking=True).state == "asking"
    assert line(piece=object()).state == "computing"
    assert line(piece=object(), samples={"5m": None}).state == "ready"
    assert line(piece=object(), samples={"5m": None}, fetching=3).state == "fetching"
    assert line(piece=object(), samples={"5m": object()}, fetching=3).state == "ready"
