"""Where a session's bars go: appended, known already, amended."""

from hypothesis import given
from hypothesis import strategies as st

from live.engine.ledger import TAIL, Ledger

SECOND = 1_000_000_000


def bar(second, close=5):
    return (second * SECOND, close, close, close, close, 1)


def replayed(writes):
    """What a page makes of the writes."""
    held = []
    for write in writes:
        if write is not None:
            assert write.index <= len(held)
            held[write.index :] = write.bars
    return held


def test_new_bars_are_appended():
    ledger = Ledger()
    assert ledger.put([bar(1), bar(2)]).index == 0
    write = ledger.put([bar(4)])
    assert (write.index, write.bars, write.amends) == (2, (bar(4),), False)
    assert ledger.count == 3


def test_a_bar_that_is_known_changes_nothing():
    ledger = Ledger()
    ledger.put([bar(1), bar(2)])
    assert ledger.put([bar(1), bar(2)]) is None
    assert ledger.put([bar(2), bar(3)]).index == 2


def test_a_bar_that_was_told_otherwise_is_written_with_all_that_follow():
    ledger = Ledger()
    ledger.put([bar(1), bar(2), bar(3)])
    write = ledger.put([bar(2, close=9)])
    assert (write.index, write.bars, write.amends) == (1, (bar(2, close=9), bar(3)), True)
    assert ledger.count == 3


def test_a_bar_in_between_moves_those_that_follow():
    ledger = Ledger()
    ledger.put([bar(1), bar(3)])
    write = ledger.put([bar(2)])
    assert (write.index, write.bars, write.amends) == (1, (bar(2), bar(3)), True)
    assert ledger.count == 3


def test_a_ledger_goes_on_from_what_is_held():
    ledger = Ledger(1_000, [bar(998), bar(999)])
    assert ledger.put([bar(999), bar(1_000)]).index == 1_000
    assert ledger.last_ns == 1_000 * SECOND


@given(st.lists(st.lists(st.integers(0, 150), min_size=1, max_size=20), max_size=10))
def test_a_page_that_follows_the_writes_holds_every_bar_once_in_order(batches):
    ledger = Ledger()
    held = replayed([ledger.put([bar(second) for second in sorted(set(batch))]) for batch in batches])
    assert held == [bar(second) for second in sorted({each for batch in batches for each in batch})]
    assert ledger.count == len(held)


def test_only_so_many_bars_are_kept_in_memory():
    ledger = Ledger()
    for second in range(1_000):
        ledger.put([bar(second)])
    assert ledger.count == 1_000
    assert len(ledger._tail) == TAIL


def test_bars_from_before_the_tail_are_known():
    ledger = Ledger(1_000, [bar(second) for second in range(900, 1_000)])
    assert ledger.put([bar(3), bar(899, close=9)]) is None
    assert ledger.count == 1_000
