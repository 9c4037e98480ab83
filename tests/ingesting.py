"""Fetches one window of NQ and stores it: `python -m tests.ingesting DATABASE`, for tests that kill it."""

import sys
from datetime import date, timedelta

import django
from django.db import connections


def main() -> None:
    django.setup()
    connections["default"].settings_dict["NAME"] = sys.argv[1]
    from market import jobs, tapes
    from market.gateway import gateway
    from market.models import Asset, Job
    from market.plans import Window

    asset = Asset.objects.get(root="NQ")
    sessions = asset.sessions.between(date(2026, 3, 3), date(2026, 3, 24))
    entry = date(2026, 3, 17)
    window = Window(asset, sessions, entry, entry - timedelta(days=30))
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    tapes.prepare(window, gateway(), 2**62, jobs.Progress(job))


if __name__ == "__main__":
    main()
