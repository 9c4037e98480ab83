"""The 19 assets futsim comes with, and what never changes about a futures contract code.

Plain data without Django: the stand-in gateway and the asset loader read the same table.
Prices are int64 in units of 1e-9 (as in DBN), money is Decimal US dollars.
"""

from dataclasses import dataclass
from decimal import Decimal

PRICE_SCALE = 1_000_000_000
"""Price units per 1.0, as in DBN."""

MONTH_CODES = "FGHJKMNQUVXZ"
"""January … December; the index of a letter + 1 is the month."""

DATASET = "GLBX.MDP3"
"""The dataset of all CME-group futures at Databento."""

ALL_MONTHS = MONTH_CODES


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """One tradable root.

    tick_size: int, 1e-9 price units. point_value: dollars per 1.0 of price.
    listed_months: month codes the exchange lists; active_months: those that carry the liquidity.
    fee_exchange, fee_broker: dollars per contract and side. margin: dollars per contract
    (margin_kind "usd") or percent of the contract's notional value ("pct_notional").
    price_display: "decimal" or "32nds".
    """

    root: str
    name: str
    exchange: str
    point_value: Decimal
    tick_size: int
    decimals: int
    active_months: str
    listed_months: str
    calendar: str
    fee_exchange: Decimal
    fee_broker: Decimal
    margin: Decimal
    margin_kind: str = "usd"
    price_display: str = "decimal"
    dataset: str = DATASET

    @property
    def tick_value(self) -> Decimal:
        """Dollars per tick and contract, exact."""
        return self.point_value * self.tick_size / PRICE_SCALE


def _asset(
    root: str,
    name: str,
    exchange: str,
    point_value: str,
    tick: str,
    decimals: int,
    active: str,
    calendar: str,
    margin: str,
    *,
    listed: str | None = None,
    fees: tuple[str, str] = ("1.60", "0.85"),
    margin_kind: str = "usd",
    price_display: str = "decimal",
) -> AssetFacts:
    return AssetFacts(
        root=root,
        name=name,
        exchange=exchange,
        point_value=Decimal(point_value),
        tick_size=int(Decimal(tick) * PRICE_SCALE),
        decimals=decimals,
        active_months=active,
        listed_months=listed or active,
        calendar=calendar,
        fee_exchange=Decimal(fees[0]),
        fee_broker=Decimal(fees[1]),
        margin=Decimal(margin),
        margin_kind=margin_kind,
        price_display=price_display,
    )


# The calendars are names of pandas_market_calendars; `market.sessions` lays the dated overrides over them.
EQUITY = "CME Globex Equity"
RATES = "CME Globex Interest Rate Products"
FX = "CMEGlobex_FX"
CRYPTO = "CME Globex Crypto"
US_STOCKS = "US Stocks"
"""No asset of this table has it: stocks come with their users' files."""

ASSETS: tuple[AssetFacts, ...] = (
    _asset("NG", "Henry Hub Natural Gas", "NYMEX", "10000", "0.001", 3, ALL_MONTHS, "CMEGlobex_NG", "5000"),
    _asset("CL", "WTI Crude Oil", "NYMEX", "1000", "0.01", 2, ALL_MONTHS, "CMEGlobex_CL", "7000"),
    _asset("HO", "NY Harbor ULSD", "NYMEX", "42000", "0.0001", 4, ALL_MONTHS, "CMEGlobex_HO", "7000"),
    _asset("NQ", "E-mini Nasdaq-100", "CME", "20", "0.25", 2, "HMUZ", EQUITY, "30000", fees=("1.28", "0.85")),
    _asset("YM", "E-mini Dow", "CBOT", "5", "1", 0, "HMUZ", EQUITY, "13000", fees=("1.28", "0.85")),
    _asset("NKD", "Nikkei 225 (USD)", "CME", "5", "5", 0, "HMUZ", EQUITY, "12000"),
    _asset(
        "GC", "Gold", "COMEX", "100", "0.1", 1, "GJMQVZ", "CMEGlobex_GC", "5",
        listed=ALL_MONTHS, margin_kind="pct_notional",
    ),
    _asset(
        "SI", "Silver", "COMEX", "5000", "0.005", 3, "HKNUZ", "CMEGlobex_SI", "11",
        listed=ALL_MONTHS, margin_kind="pct_notional",
    ),
    _asset("HG", "Copper", "COMEX", "25000", "0.0005", 4, "HKNUZ", "CMEGlobex_HG", "5500", listed=ALL_MONTHS),
    _asset(
        "PL", "Platinum", "NYMEX", "50", "0.1", 1, "FJNV", "CMEGlobex_PL", "9",
        listed=ALL_MONTHS, margin_kind="pct_notional",
    ),
    _asset(
        "MBT", "Micro Bitcoin", "CME", "0.1", "5", 0, ALL_MONTHS, CRYPTO, "35",
        fees=("2.50", "2.25"), margin_kind="pct_notional",
    ),
    _asset("6E", "Euro FX", "CME", "125000", "0.00005", 5, "HMUZ", FX, "2650"),
    _asset("6B", "British Pound", "CME", "62500", "0.0001", 4, "HMUZ", FX, "2800"),
    _asset("6C", "Canadian Dollar", "CME", "100000", "0.00005", 5, "HMUZ", FX, "1400"),
    _asset("6S", "Swiss Franc", "CME", "125000", "0.00005", 5, "HMUZ", FX, "4500"),
    _asset("6J", "Japanese Yen", "CME", "12500000", "0.0000005", 7, "HMUZ", FX, "3700"),
    _asset("6N", "New Zealand Dollar", "CME", "100000", "0.00005", 5, "HMUZ", FX, "1800"),
    _asset("6A", "Australian Dollar", "CME", "100000", "0.00005", 5, "HMUZ", FX, "1450"),
    _asset(
        "ZN", "10-Year T-Note", "CBOT", "1000", "0.015625", 6, "HMUZ", RATES, "2000",
        fees=("0.80", "0.85"), price_display="32nds",
    ),
)  # fmt: skip

BY_ROOT: dict[str, AssetFacts] = {facts.root: facts for facts in ASSETS}

INDEX_FEES, MICRO_FEES, RATES_FEES = ("1.38", "0.85"), ("0.35", "0.25"), ("0.80", "0.85")
OF_FILES: tuple[AssetFacts, ...] = (
    _asset("ES", "E-mini S&P 500", "CME", "50", "0.25", 2, "HMUZ", EQUITY, "22000", fees=INDEX_FEES),
    _asset("MES", "Micro E-mini S&P 500", "CME", "5", "0.25", 2, "HMUZ", EQUITY, "2200", fees=MICRO_FEES),
    _asset("MNQ", "Micro E-mini Nasdaq-100", "CME", "2", "0.25", 2, "HMUZ", EQUITY, "3000", fees=MICRO_FEES),
    _asset("MYM", "Micro E-mini Dow", "CBOT", "0.5", "1", 0, "HMUZ", EQUITY, "1300", fees=MICRO_FEES),
    _asset("RTY", "E-mini Russell 2000", "CME", "50", "0.1", 1, "HMUZ", EQUITY, "8500", fees=INDEX_FEES),
    _asset("M2K", "Micro E-mini Russell 2000", "CME", "5", "0.1", 1, "HMUZ", EQUITY, "850", fees=MICRO_FEES),
    _asset("MCL", "Micro WTI Crude Oil", "NYMEX", "100", "0.01", 2, ALL_MONTHS, "CMEGlobex_CL", "700", fees=MICRO_FEES),
    _asset("RB", "RBOB Gasoline", "NYMEX", "42000", "0.0001", 4, ALL_MONTHS, "CMEGlobex_HO", "7000"),
    _asset(
        "MGC", "Micro Gold", "COMEX", "10", "0.1", 1, "GJMQVZ", "CMEGlobex_GC", "5",
        listed=ALL_MONTHS, fees=MICRO_FEES, margin_kind="pct_notional",
    ),
    _asset("BTC", "Bitcoin", "CME", "5", "5", 0, ALL_MONTHS, CRYPTO, "35", margin_kind="pct_notional"),
    _asset(
        "ZT", "2-Year T-Note", "CBOT", "2000", "0.00390625", 8, "HMUZ", RATES, "1200",
        fees=RATES_FEES, price_display="32nds",
    ),
    _asset(
        "ZF", "5-Year T-Note", "CBOT", "1000", "0.0078125", 7, "HMUZ", RATES, "1400",
        fees=RATES_FEES, price_display="32nds",
    ),
    _asset(
        "ZB", "30-Year T-Bond", "CBOT", "1000", "0.03125", 5, "HMUZ", RATES, "3800",
        fees=RATES_FEES, price_display="32nds",
    ),
    _asset(
        "UB", "Ultra T-Bond", "CBOT", "1000", "0.03125", 5, "HMUZ", RATES, "5300",
        fees=RATES_FEES, price_display="32nds",
    ),
)  # fmt: skip
"""Futures that users' files often have. They become assets with the first such file."""

KNOWN_IN_FILES: dict[str, AssetFacts] = {facts.root: facts for facts in OF_FILES}
