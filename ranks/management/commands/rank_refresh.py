"""Has the workers make the ranks of assets ready, and shows how far they are."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.models import Asset, Job
from market.money import estimate
from ranks import access, services
from ranks.models import DEFAULT_LOOKBACK, KeptWarm

LOOK_SECONDS = 0.5
WIDTH = 30


class Command(BaseCommand):
    help = (
        "Fetch what the lookback of assets wants and summarise it. Workers do it, as jobs that the page of jobs shows "
        "too; Ctrl-C stops the watching, not the jobs. Without --root: all assets that are kept warm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--root", nargs="+", default=[], metavar="ROOT", help="these assets, such as NQ CL")
        parser.add_argument(
            "--days", type=_days, help=f"lookback in calendar days; as kept warm, else {DEFAULT_LOOKBACK}"
        )
        parser.add_argument("--rebuild", action="store_true", help="make all their summaries again")
        parser.add_argument("--no-wait", action="store_true", help="do not watch the jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = _wanted(options)
        jobs = [self._ask(asset, days, options) for asset, days in wanted]
        if options["no_wait"]:
            return
        try:
            states = [self._follow(*each, job, options) for each, job in zip(wanted, jobs, strict=True)]
        except KeyboardInterrupt:
            self.stdout.write("\nThe jobs go on.")
            return
        if any(state != Job.State.DONE for state in states):
            raise CommandError("Not everything is ready; the lines above say why.")

    def _ask(self, asset: Asset, days: int, options: dict[str, Any]) -> Job:
        try:
            if options["rebuild"]:
                job = services.rebuild(asset=asset, lookback_days=days)
            else:
                job = services.ask_for_refresh(asset=asset, lookback_days=days)
        except services.Busy as problem:
            job = problem.job
            self.stdout.write(f"{asset.root}: job {job.pk}, {_days_of(job):,} days, is at it already")
            return job
        self.stdout.write(f"{asset.root}: job {job.pk}, {days:,} days")
        return job

    def _follow(self, asset: Asset, days: int, job: Job, options: dict[str, Any]) -> Job.State:
        """Shows a job until it is over; where it was another one's and did less than was asked for, asks once more."""
        state = self._watch(job)
        while state == Job.State.DONE and _days_of(job) < days:
            job = self._ask(asset, days, options)
            state = self._watch(job)
        return state

    def _watch(self, job: Job) -> Job.State:
        """Shows a job until it is over, or waits for a yes; its state."""
        said = ""
        while True:
            job.refresh_from_db()
            state = Job.State(job.state)
            line = f"{job.params['root']:<4} {_bar(job)} {job.message or 'waits for a worker'}"
            if line != said:
                self.stdout.write(line)
                said = line
            if state == Job.State.ASKING:
                cost = estimate(job.cost) if job.cost is not None else "more"
                self.stdout.write(f"It costs about {cost}. An admin says yes or no to it on the page of jobs.")
            if job.is_over or state == Job.State.ASKING:
                return state
            time.sleep(LOOK_SECONDS)


def _wanted(options: dict[str, Any]) -> list[tuple[Asset, int]]:
    kept = {row.asset_id: row for row in KeptWarm.objects.select_related("asset")}
    roots = [root.upper() for root in options["root"]]
    if not roots and not kept:
        raise CommandError("No asset is kept warm. Name some with --root, or add them in the admin.")
    assets = list(Asset.objects.filter(root__in=roots)) if roots else [row.asset for row in kept.values()]
    unknown = set(roots) - {asset.root for asset in assets}
    if unknown:
        raise CommandError(f"There is no asset {', '.join(sorted(unknown))}.")
    usual = {asset.pk: kept[asset.pk].lookback_days if asset.pk in kept else DEFAULT_LOOKBACK for asset in assets}
    return [(asset, options["days"] or usual[asset.pk]) for asset in assets]


def _days(text: str) -> int:
    """The lookback that was typed."""
    try:
        days = int(text)
        access.check("1D", days)
    except ValueError:
        raise ArgumentTypeError(f"A lookback is a whole number of days, not {text!r}.") from None
    except access.NoRanks as problem:
        raise ArgumentTypeError(str(problem)) from None
    return days


def _days_of(job: Job) -> int:
    return int(job.params["lookback_days"])


def _bar(job: Job) -> str:
    full = job.percent * WIDTH // 100
    return f"[{'#' * full}{'·' * (WIDTH - full)}] {job.percent:>3} %"
