"""One day of market data by hand: as Databento's own files, or into the store."""

import datetime
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from market import ingest, jobs
from market.databento_historical import HistoricalGateway, Request, partial_file
from market.day_download import STORABLE, CannotDownload, Finder, Piece, Wish
from market.gateway import gateway
from market.gateway_errors import GatewayError
from market.locks import try_advisory_lock
from market.management.arguments import day
from market.models import Job
from market.sessions import BadTime, to_et

JOB_KIND = "download day"
WATCH_SECONDS = 1.0


def clock(text: str) -> datetime.time:
    """A time such as 07:00. Raises ArgumentTypeError."""
    try:
        return datetime.time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time of day. Write it as 07:00.") from None


def zone(text: str) -> ZoneInfo:
    """A time zone such as America/New_York. Raises ArgumentTypeError."""
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise ArgumentTypeError(f"{text!r} is not a time zone. Write it as America/New_York.") from None


def words(text: str) -> list[str]:
    """The parts of a list with commas, without doubles."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


class Declined(Exception):
    """The cost was not agreed to."""


class Command(BaseCommand):
    help = "Download one day: as files in Databento's own format into a folder, or whole sessions into the store."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--symbols", type=lambda text: words(text.upper()), required=True, help="NQM6; NQ: its front month; CL.FUT")
        add("--day", type=day, required=True, help="a trade date; with both times any date")
        add(
            "--schemas", type=words, default=["trades"], help=f"such as trades,mbp-10; the store: {', '.join(STORABLE)}"
        )
        add("--start-time", type=clock, help="07:00; without it, the session's opening")
        add("--end-time", type=clock, help="10:30; without it, the session's close")
        add("--tz", type=zone, default="America/New_York", help="of the two times")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--out", type=Path, default=Path(), help="a folder (default: this one)")
        where.add_argument("--store", action="store_true", help="into futsim's store instead: whole sessions")
        add("--yes", action="store_true", help="do not ask about the cost")

    def handle(self, *args: Any, **options: Any) -> None:
        wish = Wish(
            options["day"], options["symbols"], options["schemas"],
            options["start_time"], options["end_time"], options["tz"],
        )  # fmt: skip
        try:
            with self._job(wish) as progress:
                door = gateway()
                if options["store"]:
                    self._into_store(door, Finder(door, progress).pieces(wish), progress, sure=options["yes"])
                else:
                    requests = Finder(door, progress).requests(wish)
                    self._into_folder(door, requests, wish, options["out"], sure=options["yes"])
        except Declined:
            self.stdout.write("Nothing was downloaded.")
        except (CannotDownload, BadTime, OSError) as problem:
            raise CommandError(str(problem)) from None
        except GatewayError as problem:
            raise CommandError(_without_button(str(problem))) from None

    @contextmanager
    def _job(self, wish: Wish) -> Iterator["Console"]:
        """The row of this download, so that it is seen in the admin."""
        for lost in Job.objects.filter(kind=JOB_KIND, state=Job.State.RUNNING):
            if jobs.is_abandoned(lost):
                jobs.Progress(lost).finish(Job.State.FAILED, "The command was stopped.")
        what = f"{', '.join(wish.symbols)} {wish.day} {', '.join(wish.schemas)}"
        job = Job.objects.create(kind=JOB_KIND, params={"what": what})
        with try_advisory_lock(*jobs.lock(job.pk)):
            started = jobs.start(job.pk)
            assert started is not None
            progress = Console(started, self.stdout)
            try:
                yield progress
            except (Declined, KeyboardInterrupt):
                progress.finish(Job.State.CANCELLED, "Stopped at the keyboard.")
                raise
            except Exception as problem:
                progress.finish(Job.State.FAILED, _without_button(str(problem)))
                raise
            progress.finish(Job.State.DONE, what)

    def _ask(self, title: str, costs: dict[str, Decimal], *, sure: bool) -> None:
        """Show what it costs and ask, unless that is sure. Raises Declined, and CannotDownload where nobody answers."""
        self.stdout.write(title)
        for name, dollars in costs.items():
            self.stdout.write(f"  {name:<24} ${dollars:,.2f}")
        if sure:
            return
        try:
            answer = input(f"Download for about ${sum(costs.values()):,.2f}? [y/N] ")
        except EOFError:
            raise CannotDownload("Nobody answers. Add --yes to download without being asked.") from None
        if answer.strip().lower() not in ("y", "yes"):
            raise Declined

    # --- files ----------------------------------------------------------------------------------------------

    def _into_folder(
        self, door: HistoricalGateway, requests: list[Request], wish: Wish, folder: Path, *, sure: bool
    ) -> None:
        files = {request: folder / f"{request.dataset}.{wish.day}.{request.schema}.dbn.zst" for request in requests}
        for path in files.values():
            if path.exists():
                raise CannotDownload(f"{path} is there already. Move it away, or name another folder with --out.")
        costs = {f"{request.dataset} {request.schema}": door.cost(request) for request in requests}
        self._ask(f"{_title(requests)}, from {door.name}:", costs, sure=sure)
        folder.mkdir(parents=True, exist_ok=True)
        for request, path in files.items():
            with _watched(path, self.stdout):
                saved = door.save(request, path)
            what = f"{saved.records:,} records, {saved.bytes / 1e6:,.1f} MB" if saved.records else "no records, no file"
            self.stdout.write(f"{path}: {what}")
            for warning in saved.warnings:
                self.stderr.write(f"  {warning}")

    # --- the store ------------------------------------------------------------------------------------------

    def _into_store(self, door: HistoricalGateway, pieces: list[Piece], progress: "Console", *, sure: bool) -> None:
        if not pieces:
            self.stdout.write("All of it is stored already.")
            return
        costs = {f"{piece.contract} {piece.schema}": door.cost(_request(piece)) for piece in pieces}
        title = f"{_span(pieces[0].session.open_ns, pieces[0].session.close_ns)} into the store, from {door.name}:"
        self._ask(title, costs, sure=sure)
        available_ns = door.dataset_range(pieces[0].contract.asset.dataset).end_ns
        progress.expect(len(pieces))
        for piece in pieces:
            ingest.ensure(door, piece.contract, piece.schema, [piece.session], available_ns, progress)


class Console(jobs.Progress):
    """A job's progress that is also written to the terminal."""

    def __init__(self, job: Job, out: OutputWrapper) -> None:
        super().__init__(job)
        self._out = out

        self._written = 0.0

    def say(self, message: str, units: int = 0, *, here: bool = False) -> None:
        if units or time.monotonic() - self._written >= WATCH_SECONDS:
            self._written = time.monotonic()
            self._out.write(message)
        super().say(message, units, here=here)


@contextmanager
def _watched(path: Path, out: OutputWrapper) -> Iterator[None]:
    """On a terminal, show how much of a file has come."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            part = partial_file(path)
            size = part.stat().st_size if part.exists() else 0
            out.write(f"\r{path.name}: {size / 1e6:,.1f} MB ", ending="")
            out.flush()

    watcher = threading.Thread(target=watch, daemon=True)
    if out.isatty():
        watcher.start()
    try:
        yield
    finally:
        over.set()
        if watcher.is_alive():
            watcher.join()
            out.write("\r", ending="")


def _without_button(problem: str) -> str:
    """The advice of a page, for a command line."""
    return problem.replace("Press Load again", "Run it again").replace("press Load again", "run it again")


def _title(requests: list[Request]) -> str:
    names = ", ".join(dict.fromkeys(symbol for request in requests for symbol in request.symbols))
    return f"{names}, {_span(requests[0].start_ns, requests[0].end_ns)}"


def _span(start_ns: int, end_ns: int) -> str:
    return f"{to_et(start_ns):%a %Y-%m-%d %H:%M} to {to_et(end_ns):%a %Y-%m-%d %H:%M} ET"


def _request(piece: Piece) -> Request:
    session, asset = piece.session, piece.contract.asset
    symbol = piece.contract.raw_symbol
    return Request(asset.dataset, piece.schema, (symbol,), session.open_ns, session.close_ns)
