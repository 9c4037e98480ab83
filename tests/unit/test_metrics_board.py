"""The metrics board: what a row tells while its samples are being read."""

from dataclasses import replace

import numpy as np

from market.engine.bars import Bars
from market.engine.tape import Piece
from market.facts import EQUITY
from market.models import Asset
from market.sessions import SECOND_NS, calendar, parse_et
from tests.markets import sparse_session
from tests.property.test_ranks import SAMPLES, TODAY
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
    assert line(is_live=True).state == "silent"
    assert line(fetching=40).state == "fetching"
    assert line(fetching=40, waits="asking").state == "asking"
    assert line(fetching=0, waits="queued").state == "queued"
    assert line(piece=object()).state == "computing"
    assert line(piece=object(), samples={"5m": None}).state == "unranked"
    assert line(piece=object(), samples={"5m": None}, fetching=3).state == "fetching"
    assert line(piece=object(), samples={"5m": object()}, fetching=3).state == "ready"
    assert line(piece=object(), samples={"5m": object()}, is_over=True).state == "closed"
    assert line(piece=object(), samples={"5m": None}, is_over=True).state == "unranked"


def test_the_last_bars_of_a_session_that_is_over_are_shown_as_they_ended() -> None:
    """Also the print of the last second counts, and nothing is foreseen any more."""
    seconds = sparse_session(TODAY, seed=5, base=80_000, share=0.02)
    close = TODAY.close_ns - SECOND_NS
    last = replace(seconds[-1:], ts=np.array([close]), volume=np.array([10**6]))
    piece = Piece(TODAY, "NQM6", Bars.concatenate([seconds[seconds.ts < close], last]))
    found = line(session=TODAY, piece=piece, samples=SAMPLES, is_over=True)
    (row,) = board_with({"at": None, "cells": {}})._compute([found], TODAY.close_ns + 600 * SECOND_NS)
    assert row["at"] == TODAY.close_ns // SECOND_NS
    assert {cell["vr"] for cell in row["cells"].values()} == {100.0}
    assert all((cell["vp"], cell["rp"], cell["vpe"]) == (cell["vr"], cell["rr"], 0.0) for cell in row["cells"].values())
