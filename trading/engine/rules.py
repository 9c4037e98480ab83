"""What an account may do: figures that the user, or an admin for him, has set. `risk` says what they forbid."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rules:
    """None, 0 or empty: there is no such rule. Money is int in 1e-9 dollars.

    max_day_loss: realised; max_day_loss_open: with what is open. warn_percent: of either, for a warning.
    max_position: by contract, max_position_each: of those not named there. hours: ET minutes after midnight
    [start, end). cooldown_losses: losing round trips in a row after which `cooldown_ns` must pass. giveback_percent:
    of the day's peak, once that is `giveback_from`. leverage: stocks for so many times the equity. previous_close: of
    stocks, for SSR; restricted: those in which it began in the session before. locate_fee: per share, of stocks that
    are hard to borrow. is_hard: locks hold until the market day ends.
    """

    max_day_loss: int | None = None
    max_day_loss_open: int | None = None
    warn_percent: int = 80
    max_trade_loss: int | None = None
    max_order: int | None = None
    max_position: Mapping[str, int] = field(default_factory=dict)
    max_position_each: int | None = None
    max_position_all: int | None = None
    max_trades: int | None = None
    hours: tuple[tuple[int, int], ...] = ()
    cooldown_losses: int = 0
    cooldown_ns: int = 0
    giveback_from: int | None = None
    giveback_percent: int = 50
    buying_power: bool = False
    leverage: int = 1
    previous_close: Mapping[str, int] = field(default_factory=dict)
    restricted: tuple[str, ...] = ()
    locate_fee: Mapping[str, int] = field(default_factory=dict)
    is_hard: bool = False
