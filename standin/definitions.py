"""Instrument definitions as DBN records: a snapshot of everything listed, each UTC day at 00:00."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from databento_dbn import UNDEF_PRICE, UNDEF_TIMESTAMP, InstrumentDefMsg
from numpy.typing import NDArray

from market.facts import BY_ROOT, PRICE_SCALE
from market.sessions import calendar
from standin.market.bars import day_ns
from standin.market.contracts import Contract, Instrument, Spread

DTYPE = np.dtype(InstrumentDefMsg._dtypes)
PUBLISHER_GLBX = 1
_RTYPE = 19
_SATURDAY = 5
_EXCHANGE_MICS = {"CME": "XCME", "CBOT": "XCBT", "NYMEX": "XNYM", "COMEX": "XCEC"}
_MARKET_DEPTH = 10


def snapshot(instruments: Iterable[Instrument], day: date) -> NDArray[Any]:
    """The definitions of a UTC day, one record each, a spread one for each leg; none on a Saturday."""
    if day.weekday() == _SATURDAY:
        return np.empty(0, dtype=DTYPE)
    records = [_records(each) for each in instruments]
    result = np.concatenate(records) if records else np.empty(0, dtype=DTYPE)
    result["ts_event"] = result["ts_recv"] = day_ns(day)
    return result


@lru_cache(maxsize=8_192)
def _records(instrument: Instrument) -> NDArray[Any]:
    if isinstance(instrument, Spread):
        legs = ((instrument.near, b"B"), (instrument.far, b"A"))
        return np.concatenate([_leg(_common(instrument), index, leg, side) for index, (leg, side) in enumerate(legs)])
    return _outright(instrument)


def _common(instrument: Instrument) -> NDArray[Any]:
    facts = BY_ROOT[instrument.root]
    record = _undefined()
    record["instrument_id"] = record["raw_instrument_id"] = instrument.instrument_id
    record["raw_symbol"] = instrument.raw_symbol.encode()
    record["asset"] = record["group"] = instrument.root.encode()
    record["exchange"] = _EXCHANGE_MICS[facts.exchange].encode()
    record["security_type"] = b"FUT"
    record["min_price_increment"] = facts.tick_size
    record["min_price_increment_amount"] = _price(facts.tick_value)
    record["unit_of_measure_qty"] = _price(facts.point_value)
    record["activation"] = _activation(instrument)
    record["expiration"] = instrument.expiration_ns
    return record


def _outright(instrument: Instrument) -> NDArray[Any]:
    assert isinstance(instrument, Contract)
    record = _common(instrument)
    record["instrument_class"] = b"F"
    record["cfi"] = b"FXXXXX"
    record["maturity_year"], record["maturity_month"] = instrument.year, instrument.month
    return record


def _leg(record: NDArray[Any], index: int, leg: Contract, side: bytes) -> NDArray[Any]:
    record["instrument_class"] = b"S"
    record["cfi"] = b"FMXXXX"
    record["maturity_year"], record["maturity_month"] = leg.year, leg.month
    record["leg_count"], record["leg_index"] = 2, index
    record["leg_instrument_id"] = leg.instrument_id
    record["leg_raw_symbol"] = leg.raw_symbol.encode()
    record["leg_instrument_class"], record["leg_side"] = b"F", side
    record["leg_ratio_qty_numerator"] = record["leg_ratio_qty_denominator"] = 1
    return record


def _undefined() -> NDArray[Any]:
    """One record in which every field that is not ours to know carries DBN's mark for undefined."""
    record = np.zeros(1, dtype=DTYPE)
    record["length"], record["rtype"], record["publisher_id"] = DTYPE.itemsize // 4, _RTYPE, PUBLISHER_GLBX
    for name in ("high_limit_price", "low_limit_price", "max_price_variation", "price_ratio", "strike_price"):
        record[name] = UNDEF_PRICE
    for name in ("leg_price", "leg_delta"):
        record[name] = UNDEF_PRICE
    for name in ("contract_multiplier", "decay_quantity", "original_contract_size"):
        record[name] = np.iinfo(np.int32).max
    for name in ("decay_start_date", "channel_id"):
        record[name] = np.iinfo(np.uint16).max
    for name in ("maturity_day", "maturity_week", "main_fraction", "sub_fraction", "price_display_format", "tick_rule"):
        record[name] = np.iinfo(np.uint8).max
    for name in ("contract_multiplier_unit", "flow_schedule_type"):
        record[name] = np.iinfo(np.int8).max
    record["display_factor"] = PRICE_SCALE
    record["market_depth"] = _MARKET_DEPTH
    record["min_trade_vol"], record["max_trade_vol"] = 1, 10_000
    record["currency"] = record["settl_currency"] = b"USD"
    record["match_algorithm"] = b"F"
    record["security_update_action"] = b"A"
    record["user_defined_instrument"] = b"N"
    record["leg_instrument_class"] = record["leg_side"] = b"N"
    return record


def _price(amount: Decimal) -> int:
    return int(amount * PRICE_SCALE)


def _activation(instrument: Instrument) -> int:
    session = calendar(BY_ROOT[instrument.root].calendar).session(instrument.first_trade)
    return int(UNDEF_TIMESTAMP) if session is None else session.open_ns
