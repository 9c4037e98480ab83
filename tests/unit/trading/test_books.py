"""What pages are told of the account, beside its orders and fills."""

from tests.unit.trading.tapes import TICK, book, broker
from trading.books import Books
from trading.engine.rules import Rules


def test_the_position_limit_is_told_once_the_account_trades() -> None:
    books = Books()
    books.clear(cash=0)
    assert books.money({}, 0)["account"]["max_position"] is None
    books.reset(broker(book((0, {99: 5}, {100: 5})), rules=Rules(max_position_each=5)), take=1, tick=TICK)
    assert books.money({}, 0)["account"]["max_position"] == 5
