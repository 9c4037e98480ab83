"""Compiled functions and their dice.

Inside them all randomness comes from splitmix64 with a state of one word, seeded by what is drawn (an
instrument's second or minute), so that each piece can be made alone.
"""

import math
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba
import numpy as np

from standin.noise import Words

P = ParamSpec("P")
R = TypeVar("R")

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_S16, _S32, _S48, _LOW_16 = np.uint64(16), np.uint64(32), np.uint64(48), np.uint64(0xFFFF)
_UNIT = 2.0**-53


def _cache() -> Path:
    """Where compiled functions are kept: by the text of all of them, since numba sees no change in what one calls."""
    here = Path(__file__).parent
    text = b"".join(source.read_bytes() for source in sorted(here.glob("*.py")))
    return here / "__pycache__" / f"numba-{blake2b(text, digest_size=8).hexdigest()}"


numba.config.CACHE_DIR = str(_cache())  # type: ignore[attr-defined]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled at the first call, kept on disk for the next process; lets other threads run meanwhile."""
    result: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
    return result


@compiled
def mixed(word: np.uint64) -> np.uint64:
    """64 bits that look random, the same for the same word."""
    word = word ^ (word >> _S30)
    word = word * _MIX_1
    word = word ^ (word >> _S27)
    word = word * _MIX_2
    return word ^ (word >> _S31)


@compiled
def place(stream: np.uint64, index: int) -> np.uint64:
    """The random word of a place (a price, a second) in a stream."""
    return mixed(stream + np.uint64(index) * _GOLDEN)


@compiled
def bits(dice: Words) -> np.uint64:
    """The next word of a state, an array of one."""
    dice[0] = dice[0] + _GOLDEN
    return mixed(dice[0])


@compiled
def unit(word: np.uint64) -> float:
    """Uniform in [0, 1)."""
    return np.float64(word >> _S11) * _UNIT


@compiled
def uniform(dice: Words) -> float:
    """The next number in [0, 1)."""
    return unit(bits(dice))


@compiled
def exponential(dice: Words) -> float:
    """The next number of an exponential distribution of mean 1."""
    return -math.log(1.0 - uniform(dice))


@compiled
def near_normal(word: np.uint64) -> float:
    """Of mean 0 and deviation 1: four uniforms of 16 bits, summed."""
    total = (word & _LOW_16) + ((word >> _S16) & _LOW_16) + ((word >> _S32) & _LOW_16) + (word >> _S48)
    return (np.float64(total) / 65536.0 - 2.0) * 1.7320508
