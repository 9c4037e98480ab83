"""What the broker is told of a contract and of how fills are to be assumed."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from trading.engine.terms import Preset

MS = 1_000_000
FIRST_EDITION, EDITION = 1, 2
"""Which rules of the engine's own a log goes by. Since 2: what the account's rules close with is nobody's to cancel,
and is sent again where it ended unfilled; exits are for no more than is held, and lose no more than that asks for."""
MarginKind = Literal["usd", "pct_notional"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract or a stock. tick: 1e-9 price units. Money is int in 1e-9 dollars.

    tick_value: per tick and contract. fee: exchange and commission per contract and side. protection: points of a
    market order, in ticks. margin: per contract ("usd"), or millionths of the notional value ("pct_notional").
    expires_ns: its last close (UTC ns); 0 where none is known.
    """

    name: str
    tick: int
    tick_value: int
    fee: int = 0
    protection: int = 20
    margin: int = 0
    margin_kind: MarginKind = "usd"
    is_stock: bool = False
    expires_ns: int = 0

    def money(self, price_units: int) -> int:
        """1e-9 dollars of a sum of price differences times quantity (1e-9 units); exact on the tick grid."""
        return price_units * self.tick_value // self.tick


@dataclass(frozen=True, slots=True)
class FillSettings:
    """The account's assumptions.

    latency_ns: from the trader's moment to the exchange. jitter_ns: at most so much more, a hash of seed and command
    number. bar_share: percent of a bar's volume that own orders may take. slip: ticks a stop loses on bars.
    assumed_ahead: lots in front of a resting order where only prints are known. edition: of the engine's own rules, so
    that an older log comes out as it was.
    """

    latency_ns: int = 200 * MS
    jitter_ns: int = 0
    seed: int = 0
    preset: Preset = Preset.CONSERVATIVE
    bar_share: int = 25
    slip: int = 1
    assumed_ahead: int = 20
    edition: int = EDITION

    def latency(self, number: int) -> int:
        """Nanoseconds until the command with this number acts."""
        if not self.jitter_ns:
            return self.latency_ns
        digest = blake2b(f"{self.seed}:{number}".encode(), digest_size=8).digest()
        return self.latency_ns + int.from_bytes(digest, "big") % (self.jitter_ns + 1)

    @property
    def ahead_on_trades(self) -> int:
        """Lots assumed ahead by the preset: all, half or none of `assumed_ahead`."""
        return (self.assumed_ahead, self.assumed_ahead // 2, 0)[self.preset]
