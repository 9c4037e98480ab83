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
from market.money import estimate
from market.sessions import BadTime, to_et
from market.spending import LimitReached, NeedsApproval, purse_for

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
        self._sure = options["yes"]
        try:
            with self._job(wish) as job:
                progress, door = Console(job, self.stdout), gateway(purse=purse_for(job))
                if options["store"]:
                    self._into_store(door, Finder(door, progress).pieces(wish), job, progress)
                else:
                    wanted = Finder(door, progress).requests(wish)
                    self._into_folder(door, _files(wanted, options["out"], wish.day), job, progress)
        except Declined:
            self.stdout.write("Nothing was downloaded.")
        except jobs.JobCancelled:
            raise CommandError("Cancelled on the page of jobs. What had come by then is there.") from None
        except NeedsApproval as question:
            raise CommandError(
                f"Daily volumes for about {estimate(question.cost)} are needed first. Load a replay of the asset, "
                "which asks about it."
            ) from None
        except (CannotDownload, LimitReached, BadTime, OSError) as problem:
            raise CommandError(str(problem)) from None
        except GatewayError as problem:
            raise CommandError(_without_button(str(problem))) from None

    @contextmanager
    def _job(self, wish: Wish) -> Iterator[Job]:
        """The row of this download: it is seen among the jobs, and pays."""
        for lost in Job.objects.filter(kind=JOB_KIND, state=Job.State.RUNNING):
            if jobs.is_abandoned(lost):
                jobs.Progress(lost).finish(Job.State.FAILED, "The command was stopped.")
        what = f"{', '.join(wish.symbols)} {wish.day} {', '.join(wish.schemas)}"
        job = Job.objects.create(kind=JOB_KIND, params={"what": what})
        with try_advisory_lock(*jobs.lock(job.pk)):
            started = jobs.start(job.pk)
            assert started is not None
            try:
                yield started
            except (Declined, KeyboardInterrupt):
                jobs.Progress(started).finish(Job.State.CANCELLED, "Stopped at the keyboard.")
                raise
            except Exception as problem:
                jobs.Progress(started).finish(Job.State.FAILED, _without_button(str(problem)))
                raise
            jobs.Progress(started).finish(Job.State.DONE, what)

    def _agree(self, job: Job, title: str, costs: dict[str, Decimal]) -> None:
        """Show what it costs and have it approved. Raises Declined, and CannotDownload where nobody answers."""
        self.stdout.write(title)
        for name, cost in costs.items():
            self.stdout.write(f"  {name:<24} {estimate(cost)}")
        total = sum(costs.values(), Decimal(0))
        if not self._sure and not _says_yes(f"Download for about {estimate(total)}? [y/N] "):
            raise Declined
        job.approved = job.spent + total
        job.save(update_fields=["approved"])

    # --- files ----------------------------------------------------------------------------------------------

    def _into_folder(
        self, door: HistoricalGateway, files: dict[Request, Path], job: Job, progress: jobs.Progress
    ) -> None:
        costs = {f"{request.dataset} {request.schema}": door.cost(request) for request in files}
        self._agree(job, f"{_title(list(files))}, from {door.name}:", costs)
        door.afford(list(files))
        progress.expect(len(files))
        for request, path in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _watched(path, self.stdout):
                saved = door.save(request, path)
            what = f"{saved.records:,} records, {saved.bytes / 1e6:,.1f} MB" if saved.records else "no records, no file"
            progress.say(f"{path}: {what}", 1)
            for warning in saved.warnings:
                self.stderr.write(f"  {warning}")

    # --- the store ------------------------------------------------------------------------------------------

    def _into_store(self, door: HistoricalGateway, pieces: list[Piece], job: Job, progress: jobs.Progress) -> None:
        if not pieces:
            self.stdout.write("All of it is stored already.")
            return
        session, available_ns = pieces[0].session, door.dataset_range(pieces[0].contract.asset.dataset).end_ns
        requests = {
            f"{piece.contract} {piece.schema}": ingest.requests(
                piece.contract, piece.schema, [piece.session], available_ns
            )
            for piece in pieces
        }
        costs = {name: sum(map(door.cost, asked), Decimal(0)) for name, asked in requests.items()}
        title = f"{_span(session.open_ns, session.close_ns)} into the store, from {door.name}:"
        self._agree(job, title, costs)
        door.afford([request for asked in requests.values() for request in asked])
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


def _says_yes(question: str) -> bool:
    """Raises CannotDownload where nobody can answer."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        raise CannotDownload("Nobody answers. Add --yes to download without being asked.") from None


def _without_button(problem: str) -> str:
    """The advice of a page, for a command line."""
    return problem.replace("Try again", "Run it again").replace("try again", "run it again")


def _files(requests: list[Request], folder: Path, day: datetime.date) -> dict[Request, Path]:
    """Where each answer goes. Raises CannotDownload where there is a file already."""
    files = {request: folder / f"{request.dataset}.{day}.{request.schema}.dbn.zst" for request in requests}
    for path in files.values():
        if path.exists():
            raise CannotDownload(f"{path} is there already. Move it away, or name another folder with --out.")
    return files


def _title(requests: list[Request]) -> str:
    names = ", ".join(dict.fromkeys(symbol for request in requests for symbol in request.symbols))
    return f"{names}, {_span(requests[0].start_ns, requests[0].end_ns)}"


def _span(start_ns: int, end_ns: int) -> str:
    return f"{to_et(start_ns):%a %Y-%m-%d %H:%M} to {to_et(end_ns):%a %Y-%m-%d %H:%M} ET"
