"""The client's lines: fields `key=value` between bars, read by key and never by place."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from databento_dbn import ErrorCode

from market.facts import DATASET
from market.sessions import SECOND_NS
from standin.symbology import ALL_SYMBOLS

SCHEMAS = (
    "definition",
    "status",
    "statistics",
    "mbp-10",
    "mbp-1",
    "trades",
    "ohlcv-1s",
    "ohlcv-1m",
    "ohlcv-1h",
    "ohlcv-1d",
)
"""What can be subscribed to. Of records due at the same instant, those of the schema named first go out first."""
SYMBOL_TYPES = ("raw_symbol", "parent", "continuous", "instrument_id")
MOST_SYMBOLS_PER_LINE = 500
LEAST_HEARTBEAT_S, MOST_HEARTBEAT_S, DEFAULT_HEARTBEAT_S = 5, 1_800, 30
BUCKET_LENGTH = 5
AUTHENTICATION_FAILED = "Authentication failed."
START_SESSION = "start_session"
INVALID_SUBSCRIPTION = int(ErrorCode.INVALID_SUBSCRIPTION)

_LOGIN_FIELDS = {
    "auth",
    "dataset",
    "encoding",
    "ts_out",
    "compression",
    "heartbeat_interval_s",
    "slow_reader_behavior",
    "client",
    "details",
}
_SUBSCRIPTION_FIELDS = {"schema", "stype_in", "symbols", "start", "snapshot", "id", "is_last"}
_LONGEST_QUOTE = 40
_LONGEST_NUMBER = len(str(1 << 63))


class LoginRefused(Exception):
    """Authentication does not succeed; the message is Databento's."""


class SubscriptionRefused(Exception):
    """A subscription that ends the session."""

    def __init__(self, message: str, code: int = INVALID_SUBSCRIPTION) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Login:
    """What a client chose for its session. skips: when it reads too slowly, leave out book records."""

    ts_out: bool
    compressed: bool
    heartbeat_ns: int
    skips: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One line of a subscription; the lines of one share `number` and only the last has `is_last`.

    start_ns: UTC ns from which to replay, 0 for everything there is, None for no replay.
    """

    schema: str
    stype_in: str
    symbols: tuple[str, ...]
    start_ns: int | None
    number: int | None
    is_last: bool


def fields(line: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in line.strip().split("|"))}


def login(given: Mapping[str, str], challenge: str, key: str) -> Login:
    """Raises LoginRefused."""
    for name in given:
        if name not in _LOGIN_FIELDS:
            raise LoginRefused(f"Unknown subscription param '{_quoted(name)}'")
    if not hmac.compare_digest(given.get("auth", "").encode(), digest(challenge, key).encode()):
        raise LoginRefused(AUTHENTICATION_FAILED)
    if given.get("dataset") != DATASET:
        raise LoginRefused(f"Unknown dataset '{_quoted(given.get('dataset', ''))}'")
    if given.get("encoding", "dbn") != "dbn":
        raise LoginRefused(f"Unsupported encoding '{_quoted(given['encoding'])}'")
    return Login(
        ts_out=_choice(given, "ts_out", ("0", "1")) == "1",
        compressed=_choice(given, "compression", ("none", "zstd")) == "zstd",
        heartbeat_ns=_heartbeat_s(given) * SECOND_NS,
        skips=_choice(given, "slow_reader_behavior", ("skip", "warn")) == "skip",
    )


def digest(challenge: str, key: str) -> str:
    """What answers a challenge: a hash of it with the key, and the key's last characters to find it by."""
    return f"{hashlib.sha256(f'{challenge}|{key}'.encode()).hexdigest()}-{key[-BUCKET_LENGTH:]}"


def subscription(given: Mapping[str, str]) -> Request:
    """Raises SubscriptionRefused."""
    for name in given:
        if name not in _SUBSCRIPTION_FIELDS:
            raise SubscriptionRefused(f"Unknown subscription param '{_quoted(name)}'")
    schema, stype_in = given.get("schema", ""), given.get("stype_in", "raw_symbol")
    if schema not in SCHEMAS:
        raise SubscriptionRefused(f"Invalid schema '{_quoted(schema)}'")
    if stype_in not in SYMBOL_TYPES:
        raise SubscriptionRefused(f"Invalid stype_in '{_quoted(stype_in)}'")
    if given.get("snapshot", "0") != "0":
        raise SubscriptionRefused(f"Snapshot is not supported for schema {schema}")
    return Request(
        schema=schema,
        stype_in=stype_in,
        symbols=_symbols(given),
        start_ns=_whole(given, "start"),
        number=_whole(given, "id"),
        is_last=given.get("is_last", "1") != "0",
    )


def _symbols(given: Mapping[str, str]) -> tuple[str, ...]:
    symbols = tuple(dict.fromkeys(part.strip() for part in given.get("symbols", "").split(",") if part.strip()))
    if not symbols:
        raise SubscriptionRefused("No symbols given")
    if ALL_SYMBOLS in symbols:
        raise SubscriptionRefused(f"{ALL_SYMBOLS} is not served here. Name the symbols.")
    if len(symbols) > MOST_SYMBOLS_PER_LINE:
        raise SubscriptionRefused(f"Too many symbols in one request, at most {MOST_SYMBOLS_PER_LINE}")
    return symbols


def _whole(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and int(text) < 1 << 63):
        raise SubscriptionRefused(f"Invalid {name} '{_quoted(text)}'")
    return int(text)


def _choice(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """The value of a field, its first allowed one where it is absent."""
    value = given.get(name, allowed[0])
    if value not in allowed:
        raise LoginRefused(f"Invalid {name} '{_quoted(value)}'")
    return value


def _heartbeat_s(given: Mapping[str, str]) -> int:
    text = given.get("heartbeat_interval_s", str(DEFAULT_HEARTBEAT_S))
    if not (text.isascii() and text.isdigit() and LEAST_HEARTBEAT_S <= int(text) <= MOST_HEARTBEAT_S):
        raise LoginRefused(f"heartbeat_interval_s must be between {LEAST_HEARTBEAT_S} and {MOST_HEARTBEAT_S}")
    return int(text)


def _quoted(text: str) -> str:
    """A client's text as it may stand in an answer: short, and no bar that would end the field."""
    return text[:_LONGEST_QUOTE].replace("|", "").replace("\n", "")
