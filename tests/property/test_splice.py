"""What must hold of the roll schedule for any volumes."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market.engine.splice import NO_BAR, schedule

volumes = st.integers(2, 5).flatmap(
    lambda contracts: st.lists(
        st.lists(st.one_of(st.just(NO_BAR), st.integers(0, 50)), min_size=contracts, max_size=contracts),
        min_size=1,
        max_size=40,
    )
)


def run(rows: list[list[int]]) -> list[object]:
    dates = [date(2026, 1, 1) + timedelta(days=number) for number in range(len(rows))]
    ends = [date(2026, 1, 10) + timedelta(days=9 * contract) for contract in range(len(rows[0]))]
    return list(schedule(dates, ends, np.array(rows, np.int64)))


@given(volumes)
def test_the_schedule_is_a_pure_function(rows: list[list[int]]) -> None:
    assert run(rows) == run([list(row) for row in rows])


@given(volumes)
def test_it_is_monotone_in_expiry_with_at_most_one_change_a_session(rows: list[list[int]]) -> None:
    changes = run(rows)
    contracts = [change.to_contract for change in changes]
    sessions = [change.session for change in changes]
    assert contracts == sorted(set(contracts))
    assert sessions == sorted(set(sessions))


@given(volumes, st.data())
def test_more_history_on_the_right_never_changes_what_was_decided(rows: list[list[int]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(rows)))
    assert [change for change in run(rows) if change.session < cut] == run(rows[:cut])
