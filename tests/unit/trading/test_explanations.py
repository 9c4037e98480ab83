"""Every fill says why it was one. Prices in ticks of 0.25."""

from dataclasses import replace

import pytest

from tests.unit.trading.tapes import BUY, ES, at, bars, book, broker, px, submit, trades
from trading.engine.records import Explanation, Fill, digest, explain, price_text
from trading.engine.terms import Grade, Preset, Reason

QUEUE = Explanation(
    Grade.BOOK, Reason.QUEUE, (812,), level=18, latency_ns=0, preset=Preset.NEUTRAL,
    ahead_placed=180, ahead_before=9, ahead_after=0, traded=149, cancelled=31,
)  # fmt: skip
FILL = Fill(1, 7, "a", ES.name, BUY, 2, px(100), at(3), 4_260_000_000, of=5, why=QUEUE)


def because(reason: Reason, grade: Grade = Grade.BOOK, **fields: object) -> str:
    why = Explanation(grade, reason, (1,), level=40, latency_ns=0, preset=Preset.CONSERVATIVE)
    return explain(replace(FILL, why=replace(why, **fields)))  # type: ignore[arg-type]


def test_a_queue_is_told_in_figures() -> None:
    assert explain(FILL) == (
        "2 of 5 at 25.00: 180 ahead when placed, 149 traded, 31 cancelled ahead (neutral), 9 over (record 812)."
    )


def test_an_assumed_queue_is_called_so() -> None:
    why = replace(QUEUE, grade=Grade.TRADES, preset=Preset.CONSERVATIVE, ahead_placed=20, traded=20, cancelled=0)
    assert explain(replace(FILL, why=why)) == (
        "2 of 5 at 25.00: 20 assumed ahead (conservative), 20 traded, 9 over (record 812)."
    )


def test_where_no_cancel_counts_as_one_ahead_the_size_shown_is_what_shrank() -> None:
    assert explain(replace(FILL, why=replace(QUEUE, preset=Preset.CONSERVATIVE))) == (
        "2 of 5 at 25.00: 180 ahead when placed, 149 traded, "
        "31 gone as the size shown shrank below the place in the queue (conservative), 9 over (record 812)."
    )


def test_a_stop_on_the_book_tells_its_price_and_the_print_that_set_it_off() -> None:
    # stop 103: a print of 2 of the 3 offered there sets it off; those 2 are the print's, 1 is there, then level 2
    rows = (1, {100: 5}, {103: 3, 104: 9}), (3, {100: 5}, {103: 3, 104: 9}, (103, 2, "B"))
    desk = broker(book(*rows))
    submit(desk, 2, "a", BUY, 4, stop=103)
    desk.advance(at(5))
    set_off = "its stop 25.75 was set off by a print of 2 at 25.75 (record 2); "
    assert [explain(fill) for fill in desk.fills] == [
        f"1 of 4 at 25.75: {set_off}took from the 3 displayed at level 1, 2 of them that print's (record 2).",
        f"3 of 4 at 26.00, 1 filled before: {set_off}took from the 9 displayed at level 2 (record 2).",
    ]


def test_a_stop_on_prints_tells_what_set_it_off() -> None:
    desk = broker(trades((1, 100, 9, "B"), (3, 103, 2, "B"), (4, 104, 9, "B")))
    submit(desk, 2, "a", BUY, 1, stop=102)
    desk.advance(at(5))
    set_off = "its stop 25.50 was set off by a print of 2 at 25.75 (record 2); "
    assert explain(desk.fills[0]) == f"1 of 1 at 26.00: {set_off}in the place of a print of 9 (record 3)."


@pytest.mark.parametrize(("opened", "how", "price"), [(100, "reached", "25.75"), (103, "opened beyond", "26.00")])
def test_a_stop_on_bars_tells_its_price_and_its_slippage(opened: int, how: str, price: str) -> None:
    desk = broker(bars((1, 100, 100, 100, 100, 40), (3, opened, 104, opened, 104, 40)))
    submit(desk, 2, "a", BUY, 1, stop=102)
    desk.advance(at(5))
    assert explain(desk.fills[0]) == (
        f"1 of 1 at {price}: the bar of 11:00:03 (volume 40) {how} the stop 25.50, filled with 1 tick of slippage."
    )


def test_what_was_filled_before_is_told() -> None:
    assert explain(replace(FILL, why=replace(QUEUE, before=3))).startswith("2 of 5 at 25.00, 3 filled before: 180")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            because(Reason.WALK, place=2, own=3),
            "took from the 40 displayed at level 2, 3 of them taken before (record 1).",
        ),
        (because(Reason.THROUGH), "a print of 40 went through the price (record 1)."),
        (because(Reason.THROUGH, Grade.BARS), "the bar of 19:00:00 (volume 40) traded through the limit."),
        (because(Reason.BEST_REACHED), "the opposite best came to the price with 40 (record 1)."),
        (because(Reason.PRINT, Grade.TRADES), "in the place of a print of 40 (record 1)."),
        (because(Reason.BAR_EXTREME, Grade.BARS), "the worse end of the bar of 19:00:00 (volume 40)."),
        (because(Reason.BAR_OPEN, Grade.BARS), "the bar of 19:00:00 (volume 40) opened beyond the limit."),
        (because(Reason.BAR_TOUCH, Grade.BARS), "the bar of 19:00:00 (volume 40) touched the limit (conservative)."),
        (
            because(Reason.BAR_STOP, Grade.BARS, flags=("ambiguous_bar",)),
            "the stop was reached in the bar of 19:00:00 (volume 40); "
            "target and stop lie inside this bar, the stop is taken.",
        ),
        (
            because(Reason.WALK, place=10, flags=("depth_exhausted",)),
            "took from the 40 displayed at level 10 (record 1); "
            "the ten levels known were not enough, the rest works on.",
        ),
    ],
)
def test_a_fill_is_a_sentence(text: str, sentence: str) -> None:
    assert text == f"2 of 5 at 25.00: {sentence}"


@pytest.mark.parametrize(
    ("price", "text"),
    [(px(19_001), "4750.25"), (500, "0.0000005"), (-37_630_000_000, "-37.63"), (110_515_625_000, "110.515625")],
)
def test_a_price_is_written_exactly(price: int, text: str) -> None:
    assert price_text(price) == text


def test_the_digest_is_of_everything_a_fill_says() -> None:
    whole = digest([FILL])
    assert whole == digest([replace(FILL)])
    others = [replace(FILL, quantity=1), replace(FILL, ns=at(4)), replace(FILL, why=replace(QUEUE, traded=150))]
    assert len({whole, digest([]), digest([FILL, FILL]), *(digest([fill]) for fill in others)}) == 6
