"""Compiled functions, where numba is to be had."""

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled at the first call and kept on disk; lets other threads run meanwhile.

    Without numba, which has no wheels for Intel Macs, the function itself: the same results, a hundred times slower.
    It must not call another compiled function: numba's cache would not see a change in that one.
    """

    @cache
    def ready() -> Callable[P, R]:
        try:
            import numba  # half a second: only for who computes with it
        except ImportError:
            return function
        result: Callable[P, R] = numba.njit(cache=True, nogil=True)(function)
        return result

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        return ready()(*arguments, **named)

    return call
