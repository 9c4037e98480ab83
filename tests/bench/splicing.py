"""Splice sixteen sessions and build their bars, in each timeframe, from the seconds in memory."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from market import tapes
from market.engine.bars import Bars
from market.engine.tape import Piece, Tape
from market.timeframes import TIMEFRAMES
from tests.bench import peers
from tests.bench.data import Market
from tests.bench.measure import Peer, Result, Work, in_turn, scaled, times

REPETITIONS, PEER_REPETITIONS = 30, 7
TARGET_MS = 60.0
PEER = "pandas shift + resample + concat"


def run(market: Market) -> Iterator[Result]:
    loaded = market.tape()
    parts = loaded.parts
    frames = peers.frames_of(parts)
    seconds = sum(len(part.piece.stored) for part in parts)
    for timeframe in TIMEFRAMES:
        _compare(_build(loaded, timeframe), peers.splice_and_resample(frames, parts, timeframe))
        ours = Work(lambda chosen=timeframe: _build(loaded, chosen))
        theirs = Work(lambda chosen=timeframe: peers.splice_and_resample(frames, parts, chosen))
        both = in_turn([ours, theirs], PEER_REPETITIONS)
        more = times(ours, REPETITIONS - PEER_REPETITIONS)
        yield Result(
            "splicing",
            f"splice + aggregate {seconds:,} bars to {timeframe}",
            "ms",
            scaled(both[0] + more, 1e3),
            target=TARGET_MS,
            peer=Peer(PEER, scaled(both[1], 1e3)),
        )
    yield _plan(market)


def _build(loaded: Tape, timeframe: str) -> Bars:
    """From arrays to bars. New pieces, so that none has its bars already."""
    tape = replace(loaded, parts=tuple(replace(part, piece=_fresh(part.piece)) for part in loaded.parts))
    return tape.bars(timeframe, 0, tape.end_ns)


def _fresh(piece: Piece) -> Piece:
    return Piece(piece.session, piece.contract, piece.stored)


def _compare(ours: Bars, theirs: pd.DataFrame) -> None:
    """Only peers that come to the same result are worth a race."""
    for name in peers.HOW:
        np.testing.assert_array_equal(getattr(ours, name), theirs[name].to_numpy())


def _plan(market: Market) -> Result:
    samples = times(Work(lambda: tapes.load(market.window)), REPETITIONS)
    return Result(
        "splicing",
        "roll schedule from the database + tape over cached pieces",
        "ms",
        scaled(samples, 1e3),
        note="what a second user's replay of the same sessions waits for before its bars",
    )
