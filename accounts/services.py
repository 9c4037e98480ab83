"""Account changes."""

import secrets

from accounts.models import User

DEMO_USERS = (("demo", False), ("admin", True))
"""Name and whether the user is an admin."""


def create_demo_users() -> list[tuple[str, str]]:
    """Create the missing demo users; return (name, password) of those just created."""
    created = []
    for name, is_admin in DEMO_USERS:
        if User.objects.filter(username=name).exists():
            continue
        password = secrets.token_urlsafe(9)
        User.objects.create_user(name, password=password, is_staff=is_admin, is_superuser=is_admin)
        created.append((name, password))
    return created
