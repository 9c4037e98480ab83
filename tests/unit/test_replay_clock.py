"""The replay clock. Market and wall time are given; nothing waits."""

from replay.engine.clock import FASTEST_STEP_NS, LONGEST_FRAME, ReplayClock

SECOND = 10**9
END = 10_000 * SECOND


def always_open(ns: int) -> int | None:
    return ns if ns < END else None


def run(clock: ReplayClock, walls: list[float], next_open: object = always_open) -> int:
    for wall in walls:
        clock.advance(wall, next_open, END)  # type: ignore[arg-type]
    return clock.playhead_ns


def test_a_paused_clock_stands_still() -> None:
    assert run(ReplayClock(5 * SECOND), [0, 1, 2]) == 5 * SECOND


def test_market_time_is_wall_time_times_speed() -> None:
    assert run(ReplayClock(0, speed=20, playing=True), [100.0, 100.25, 100.5]) == 10 * SECOND


def test_how_often_the_clock_is_asked_does_not_change_where_it_stands() -> None:
    coarse = run(ReplayClock(0, speed=8, playing=True), [0, 0.5, 1.0])
    fine = run(ReplayClock(0, speed=8, playing=True), [step / 64 for step in range(65)])
    assert coarse == fine == 8 * SECOND


def test_a_change_of_speed_counts_from_the_last_frame_on() -> None:
    clock = ReplayClock(0, speed=1, playing=True)
    run(clock, [0, 0.5])
    clock.speed = 100
    assert run(clock, [0.75]) == 25.5 * SECOND


def test_pausing_forgets_the_time_that_passes() -> None:
    clock = ReplayClock(0, speed=1, playing=True)
    run(clock, [0, 0.5])
    clock.pause()
    run(clock, [50])
    clock.play()
    assert run(clock, [60, 60.5]) == SECOND


def test_a_stalled_server_goes_on_from_where_it_was() -> None:
    assert run(ReplayClock(0, speed=2, playing=True), [0, 30]) == 2 * LONGEST_FRAME * SECOND


def test_closed_periods_are_skipped() -> None:
    def closed_from_1_to_100(ns: int) -> int | None:
        return 100 * SECOND if SECOND <= ns < 100 * SECOND else ns

    clock = ReplayClock(0, speed=4, playing=True)
    assert run(clock, [0, 0.25], closed_from_1_to_100) == 100 * SECOND
    assert run(clock, [0.5], closed_from_1_to_100) == 101 * SECOND


def test_the_clock_stops_at_the_end_of_the_tape() -> None:
    assert run(ReplayClock(END - SECOND, speed=1000, playing=True), [0, 0.1, 0.2]) == END


def test_as_fast_as_possible_goes_a_fixed_stretch_a_frame() -> None:
    assert run(ReplayClock(0, speed=None, playing=True), [0, 0.01, 0.02]) == 2 * FASTEST_STEP_NS


def test_moving_the_playhead_keeps_playing() -> None:
    clock = ReplayClock(0, speed=1, playing=True)
    run(clock, [0, 0.5])
    clock.move(50 * SECOND)
    assert run(clock, [9.0, 9.5]) == 50.5 * SECOND
