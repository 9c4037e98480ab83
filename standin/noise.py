"""Counter-based randomness: a random number is a pure function of (key, index).

There is no generator with a state, so any minute of any day can be drawn alone and in any order, and
the numbers do not depend on numpy's version. The mixer is splitmix64 (Steele, Lea, Flood 2014).
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32, _S11 = (np.uint64(shift) for shift in (27, 30, 31, 32, 11))
_LOW_32 = np.uint64(0xFFFF_FFFF)
_POPCOUNT_MEAN, _POPCOUNT_SD = 32, 4.0


def key(*parts: object) -> int:
    """A 64-bit key that names a stream of noise, e.g. key(seed, "NQ", "path")."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


def words(stream: int | Words, index: NDArray[Any]) -> Words:
    """64 random bits per index (any shape; streams broadcast against it)."""
    with np.errstate(over="ignore"):
        state: Words = (index.astype(np.uint64) + np.uint64(1)) * _GOLDEN
        state = state + (np.uint64(stream) if isinstance(stream, int) else stream)
        state ^= state >> _S30
        state *= _MIX_1
        state ^= state >> _S27
        state *= _MIX_2
        state ^= state >> _S31
    return state


def uniform(bits: Words) -> Floats:
    """Uniform in (0, 1), from all the bits."""
    return ((bits >> _S11).astype(np.float64) + 0.5) * 2.0**-53


def two_uniforms(bits: Words) -> tuple[Floats, Floats]:
    """Two independent uniforms in (0, 1), from the upper and the lower 32 bits."""
    upper, lower = (bits >> _S32).astype(np.float64), (bits & _LOW_32).astype(np.float64)
    return (upper + 0.5) * 2.0**-32, (lower + 0.5) * 2.0**-32


def normal(bits: Words) -> Floats:
    """Standard normal by Box and Muller."""
    first, second = two_uniforms(bits)
    result: Floats = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
    return result


def rough_normal(bits: Words) -> Floats:
    """A cheap near-normal of mean 0 and deviation 1: the number of set bits is Binomial(64, 1/2)."""
    return (np.bitwise_count(bits).astype(np.float64) - _POPCOUNT_MEAN) / _POPCOUNT_SD


def coin(bits: Words, position: int) -> Ints:
    """One bit as 0 or 1."""
    return ((bits >> np.uint64(position)) & np.uint64(1)).astype(np.int64)


def wobble(bits: Words, position: int) -> Ints:
    """−1, 0 or 1 with odds 1:6:1, from three bits."""
    return (coin(bits, position) - coin(bits, position + 1)) * coin(bits, position + 2)
