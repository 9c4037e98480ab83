"""Load the 19 assets and create the demo users; safe to run at every start."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_demo_users
from market.services import MixedSources, check_source, load_assets


class Command(BaseCommand):
    help = "Load the 19 assets and create the demo users. Prints the passwords of users it just created."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_source()
        except MixedSources as problem:
            raise CommandError(str(problem)) from None
        added = load_assets()
        if added:
            self.stdout.write(f"loaded {added} assets")
        for name, password in create_demo_users():
            self.stdout.write(f"created user {name} with password {password} (shown once; change it under your name)")
