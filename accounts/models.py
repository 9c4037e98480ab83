"""People who log in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A trader. Admins (`is_staff`) create users; everything a user makes belongs to that user alone."""
