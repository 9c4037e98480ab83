"""Has the workers make the ranks of assets ready, and shows how far they are."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.models import Asset, Job
from market.money import estimate
from ranks import services
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
            "--days", type=int, help=f"lookback in calendar days; as kept warm, else {DEFAULT_LOOKBACK}"
        )
        parser.add_argument("--rebuild", action="store_true", help="make all their summaries again")
        parser.add_argument("--no-wait", action="store_true", help="do not watch the jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = [self._ask(asset, days, options) for asset, days in _wanted(options)]
        if options["no_wait"]:
            return
        try:
            states = [self._watch(job) for job in jobs]
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
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{asset.root}: job {job.pk}, {days:,} days")
        return job

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


def _bar(job: Job) -> str:
    full = job.percent * WIDTH // 100
    return f"[{'#' * full}{'·' * (WIDTH - full)}] {job.percent:>3} %"
