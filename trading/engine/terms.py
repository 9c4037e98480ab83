"""The words of the broker: sides, order types, times in force, states, reasons."""

from enum import IntEnum, StrEnum


class Side(IntEnum):
    """The value is the sign that a fill gives to the position."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> "Side":
        return Side(-self)

    def reached(self, price: int, limit: int) -> bool:
        """Whether an order of this side with that limit may trade at the price."""
        return price <= limit if self is Side.BUY else price >= limit


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


class TimeInForce(StrEnum):
    """day: to the close of the session it works in. ioc, fok: what its first chance does not fill is cancelled."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"

    @property
    def is_immediate(self) -> bool:
        return self in (TimeInForce.IOC, TimeInForce.FOK)


class Status(StrEnum):
    """The life of an order; the last four are its end."""

    PENDING = "pending"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_over(self) -> bool:
        return self in (Status.FILLED, Status.CANCELLED, Status.REJECTED, Status.EXPIRED)


class Change(StrEnum):
    """What an event tells of."""

    PENDING = "pending"
    WORKING = "working"
    REPLACED = "replaced"
    TRIGGERED = "triggered"
    MOVED = "moved"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"
    """A command that could not be done and changed nothing."""
    WARNED = "warned"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    LOCATED = "located"


class Grade(StrEnum):
    """What the tape knows."""

    BARS = "bars"
    TRADES = "trades"
    BOOK = "book"


class Preset(IntEnum):
    """Which cancels come out of the queue ahead of us, and what a touch is worth."""

    CONSERVATIVE = 0
    NEUTRAL = 1
    OPTIMISTIC = 2


class Reason(StrEnum):
    """Why an order changed."""

    USER = "user"
    EXIT = "exit"
    """An exit follows its entry: it was made, or grew, by a fill of the entry."""
    TRIGGER = "trigger"
    """A triggered order follows the fill of its parent."""
    OCO = "oco"
    FLAT = "flat"
    FLATTEN = "flatten"
    REVERSE = "reverse"
    CLOSE_PART = "close_part"
    CANCEL_ALL = "cancel_all"
    STOP_REACHED = "stop_reached"
    STOP_PASSED = "stop_passed"
    BREAKEVEN = "breakeven"
    TRAIL = "trail"
    SESSION_CLOSE = "session_close"
    MARKET_CLOSED = "market_closed"
    EXPIRED = "expired"
    """The contract's last close: orders are cancelled, a position is settled at the last price."""
    HALTED = "halted"
    NO_MARKET = "no_market"
    NOT_FILLED_AT_ONCE = "not_filled_at_once"
    POST_ONLY = "post_only"
    REDUCE_ONLY = "reduce_only"
    UNKNOWN_ORDER = "unknown_order"
    ORDER_IS_OVER = "order_is_over"
    NOTHING_TO_DO = "nothing_to_do"
    RISK = "risk"
    HARD_LOCK = "hard_lock"
    """Nobody lifts it before the market day ends."""
    WALK = "walk"
    """Fill: took displayed size of the opposite side."""
    QUEUE = "queue"
    """Fill: prints exceeded what was ahead."""
    THROUGH = "through"
    """Fill: a print, or a bar, went through the price."""
    BEST_REACHED = "best_reached"
    """Fill: the opposite best came to the price."""
    PRINT = "print"
    """Fill: in the place of a print's buyer or seller."""
    BAR_EXTREME = "bar_extreme"
    """Fill: a market order at the bar's worse end."""
    BAR_OPEN = "bar_open"
    """Fill: the bar opened beyond the limit."""
    BAR_TOUCH = "bar_touch"
    BAR_STOP = "bar_stop"
    """Fill: a stop at the worse of its price and the open, slipped."""


AMBIGUOUS_BAR = "ambiguous_bar"
DEPTH_EXHAUSTED = "depth_exhausted"
PROTECTED = "protected"
"""Flags of a fill: target and stop in one bar; past the tenth level; protection left a remainder."""
