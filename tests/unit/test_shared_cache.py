"""What all replays of a process share: bounded, and never loaded twice while somebody uses it."""

from market.engine.tape import SharedCache


class Thing:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


def test_the_least_recently_used_is_dropped_beyond_the_size() -> None:
    cache: SharedCache[Thing] = SharedCache(100)
    loads: list[str] = []

    def get(key: str) -> None:
        def load() -> Thing:
            loads.append(key)
            return Thing(40)

        cache.get((key,), load)

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    # c put b out, not a
    assert loads == ["a", "b", "c", "b"]


def test_what_is_in_use_is_found_after_it_was_dropped() -> None:
    cache: SharedCache[Thing] = SharedCache(100)
    held = cache.get(("a",), lambda: Thing(60))
    cache.get(("b",), lambda: Thing(60))
    assert cache.get(("a",), lambda: Thing(1)) is held
    del held
    cache.get(("b",), lambda: Thing(60))
    assert cache.get(("a",), lambda: Thing(1)).nbytes == 1


def test_a_piece_that_has_grown_counts_as_it_is_when_it_is_next_asked_for() -> None:
    cache: SharedCache[Thing] = SharedCache(100)
    grown = cache.get(("a",), lambda: Thing(10))
    cache.get(("b",), lambda: Thing(50))
    grown.nbytes = 80
    cache.get(("a",), lambda: Thing(1))
    assert cache.get(("b",), lambda: Thing(1)).nbytes == 1


def test_a_piece_larger_than_all_is_kept_alone_and_nothing_stays_after_clearing() -> None:
    cache: SharedCache[Thing] = SharedCache(100)
    large = cache.get(("a",), lambda: Thing(500))
    assert cache.get(("a",), lambda: Thing(1)) is large
    cache.clear()
    assert cache.get(("a",), lambda: Thing(1)) is not large
