"""A historical gateway over given records, for the real client over a real socket.

The stand-in gateway invents a market; this one serves exactly the records a test hands it, so that real files
and hand-made markets go through the same door.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import databento_dbn as dbn
import numpy as np
import numpy.typing as npt
import zstandard
from aiohttp import web

from market.engine.bars import Bars
from tests.datafiles import MESSAGES

KEY = "db-test-key-0123456789abcdefghij"
DAY_NS = 86_400 * 10**9
RTYPE = {"ohlcv-1s": 32, "ohlcv-1d": 35}
OHLCV = np.dtype(dbn.OHLCVMsg._dtypes)
DEFINITION = np.dtype(dbn.InstrumentDefMsg._dtypes)
ALWAYS = (date(2010, 1, 1), date(2040, 1, 1))


@dataclass
class Records:
    """What the gateway has: bars by (schema, raw symbol), definitions, and the dataset's bounds in UTC ns.

    dates: the UTC dates [first, end) on which a symbol was used; all for one that is not named.
    """

    bars: dict[tuple[str, str], Bars] = field(default_factory=dict)
    events: dict[tuple[str, str], npt.NDArray[Any]] = field(default_factory=dict)
    """DBN records of trades, mbp-10 or status by (schema, raw symbol)."""
    definitions: list[npt.NDArray[Any]] = field(default_factory=list)
    dates: dict[str, tuple[date, date]] = field(default_factory=dict)
    start_ns: int = 0
    end_ns: int = 2**62
    calls: list[str] = field(default_factory=list)
    """Every request's path, in order."""
    dollars_a_record: float = 0.0
    conditions: dict[str, str] = field(default_factory=dict)
    """What is said of UTC dates that are not simply available."""
    warning: str = ""
    """What is said beside data."""

    def add(self, symbol: str, seconds: Bars) -> None:
        """Add one-second bars, and the UTC daily bars that they make."""
        from market.engine.bars import aggregate

        self.bars["ohlcv-1s", symbol] = seconds
        self.bars["ohlcv-1d", symbol] = aggregate(seconds, np.unique(seconds.ts // DAY_NS * DAY_NS))

    def define(self, day: date, symbol: str, root: str, year: int, month: int, **changed: Any) -> None:
        """Add the definition of a future at 00:00 UTC of a day; changed: other fields of the record."""
        row = np.zeros(1, DEFINITION)
        row["length"], row["rtype"], row["publisher_id"] = DEFINITION.itemsize // 4, 19, 1
        row["ts_event"] = row["ts_recv"] = _ns(day)
        row["instrument_id"], row["raw_symbol"] = instrument_id(symbol), symbol
        row["asset"] = row["group"] = root
        row["maturity_year"], row["maturity_month"] = year, month
        row["activation"] = row["expiration"] = 2**64 - 1
        row["instrument_class"], row["match_algorithm"], row["security_update_action"] = b"F", b"F", b"A"
        for name, value in changed.items():
            row[name] = value
        self.definitions.append(row)


def instrument_id(symbol: str) -> int:
    """The id of a symbol, the same on all dates."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(symbol)) % 10_000_000


def _ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def _date(ns: int) -> date:
    return datetime.fromtimestamp(ns // 10**9, UTC).date()


class FileGateway:
    """The endpoints that `market.databento_historical` calls."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.app = web.Application(middlewares=[self._authorise])
        for path in ("timeseries.get_range", "metadata.get_record_count", "metadata.get_cost", "symbology.resolve"):
            self.app.router.add_post(f"/v0/{path}", getattr(self, path.partition(".")[2]))
        for path in ("get_dataset_range", "get_dataset_condition", "list_schemas"):
            self.app.router.add_get(f"/v0/metadata.{path}", getattr(self, path))

    @web.middleware
    async def _authorise(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.records.calls.append(request.path)
        if request.headers.get("Authorization") is None:
            return web.json_response({"detail": "Not authenticated"}, status=401)
        return await handler(request)

    async def get_dataset_range(self, request: web.Request) -> web.Response:
        bounds = {"start": _iso(self.records.start_ns), "end": _iso(min(self.records.end_ns, _now()))}
        return web.json_response(bounds)

    async def get_dataset_condition(self, request: web.Request) -> web.Response:
        first, last = (date.fromisoformat(request.query[name]) for name in ("start_date", "end_date"))
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        said = self.records.conditions
        return web.json_response(
            [
                {"date": str(day), "condition": said.get(str(day), "available"), "last_modified_date": None}
                for day in days
            ]
        )

    async def list_schemas(self, request: web.Request) -> web.Response:
        bars = {schema for schema, _ in self.records.bars}
        return web.json_response(sorted(bars | {schema for schema, _ in self.records.events}))

    async def get_cost(self, request: web.Request) -> web.Response:
        return web.json_response(len(self._select(await request.post())) * self.records.dollars_a_record)

    async def get_record_count(self, request: web.Request) -> web.Response:
        return web.json_response(len(self._select(await request.post())))

    async def resolve(self, request: web.Request) -> web.Response:
        form = await request.post()
        known = {symbol for _, symbol in self.records.bars}
        first, end = (date.fromisoformat(str(form[name])) for name in ("start_date", "end_date"))
        wanted = str(form["symbols"]).split(",")
        result = {}
        for symbol in wanted:
            used, disused = self.records.dates.get(symbol, ALWAYS)
            if symbol in known and max(first, used) < min(end, disused):
                span = {"d0": max(first, used).isoformat(), "d1": min(end, disused).isoformat()}
                result[symbol] = [span | {"s": str(instrument_id(symbol))}]
        return web.json_response({"result": result, "not_found": [s for s in wanted if s not in result]})

    async def get_range(self, request: web.Request) -> web.Response:
        form = await request.post()
        rows = self._select(form)
        metadata = self._metadata(form)
        body = zstandard.compress(bytes(metadata) + rows.tobytes())
        headers = {"X-Warning": json.dumps([self.records.warning])} if self.records.warning else {}
        return web.Response(body=body, headers=headers)

    def _metadata(self, form: Any) -> Any:
        start, end = int(form["start"]), int(form["end"])
        symbols = str(form["symbols"]).split(",")
        mappings = [
            SimpleNamespace(
                raw_symbol=symbol,
                intervals=[
                    SimpleNamespace(
                        start_date=_date(start),
                        end_date=_date(end) + timedelta(days=1),
                        symbol=str(instrument_id(symbol)),
                    )
                ],
            )
            for symbol in symbols
            if form["stype_in"] == "raw_symbol"
        ]
        return dbn.Metadata(
            "GLBX.MDP3", start, dbn.SType.RAW_SYMBOL, dbn.SType.INSTRUMENT_ID, dbn.Schema.from_str(form["schema"]),
            symbols, [], [], mappings, end, None, False, 3,
        )  # fmt: skip

    def _meant(self, form: Any) -> list[str]:
        """Raw symbols; those of a parent such as NQ.FUT are all that begin with its root."""
        symbols = str(form["symbols"]).split(",")
        if form["stype_in"] != "parent":
            return symbols
        roots = tuple(symbol.partition(".")[0] for symbol in symbols)
        return [symbol for schema, symbol in self.records.bars if schema == form["schema"] and symbol.startswith(roots)]

    def _select(self, form: Any) -> npt.NDArray[Any]:
        start, end = int(form["start"]), int(form["end"])
        if form["schema"] == "definition":
            rows = np.concatenate([np.empty(0, DEFINITION), *self.records.definitions])
            asked = str(form["symbols"]).removesuffix(".FUT").encode()
            return rows[(rows["ts_recv"] >= start) & (rows["ts_recv"] < end) & (rows["group"] == asked)]
        if form["schema"] not in RTYPE:
            return self._select_events(form, start, end)
        parts = [np.empty(0, OHLCV)]
        for symbol in self._meant(form):
            bars = self.records.bars.get((form["schema"], symbol))
            if bars is not None:
                kept = bars[(bars.ts >= start) & (bars.ts < end)]
                parts.append(records(kept, form["schema"], instrument_id(symbol)))
        rows = np.concatenate(parts)
        return rows[np.argsort(rows["ts_event"], kind="stable")]

    def _select_events(self, form: Any, start: int, end: int) -> npt.NDArray[Any]:
        parts = [np.empty(0, np.dtype(MESSAGES[form["schema"]][0]._dtypes))]
        for symbol in self._meant(form):
            rows = self.records.events.get((form["schema"], symbol))
            if rows is not None:
                kept = rows[(rows["ts_recv"] >= start) & (rows["ts_recv"] < end)].copy()
                kept["instrument_id"] = instrument_id(symbol)
                parts.append(kept)
        return np.concatenate(parts)


def records(bars: Bars, schema: str, instrument_id: int) -> npt.NDArray[Any]:
    """Bars as DBN records."""
    rows = np.zeros(len(bars), OHLCV)
    rows["length"], rows["rtype"], rows["publisher_id"] = OHLCV.itemsize // 4, RTYPE[schema], 1
    rows["instrument_id"], rows["ts_event"], rows["volume"] = instrument_id, bars.ts, bars.volume
    for name in ("open", "high", "low", "close"):
        rows[name] = getattr(bars, name)
    return rows


def _now() -> int:
    return int(datetime.now(UTC).timestamp()) * 10**9


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")


@contextmanager
def serve(app: web.Application) -> Iterator[str]:
    """Serve an aiohttp application from a thread; yields its URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, access_log=None)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.close()
