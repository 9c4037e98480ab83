"""What pages are told of the account, beside its orders and fills."""

from tests.unit.trading.tapes import BUY, TICK, at, book, broker, submit, trades
from trading.books import Books, log_lines
from trading.engine.feed import Span
from trading.engine.rules import Rules


def test_the_position_limit_is_told_once_the_account_trades() -> None:
    books = Books()
    books.clear(cash=0)
    assert books.money({}, 0)["account"]["max_position"] is None
    books.reset(broker(book((0, {99: 5}, {100: 5})), rules=Rules(max_position_each=5)), take=1, tick=TICK)
    assert books.money({}, 0)["account"]["max_position"] == 5


def test_the_log_names_an_expired_order_as_the_table_does() -> None:
    desk = broker([Span(trades((1, 100, 1, "B")), ((at(0), at(10)),))])
    submit(desk, 2, "some-client-id", BUY, 1, limit=97)
    desk.advance(at(40))
    number = desk.orders["some-client-id"].number
    assert ("info", f"Order #{number} expired at the close.") in log_lines(desk.events, desk.orders)
