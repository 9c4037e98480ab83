"""The project as an app, so that `manage.py up` is found."""

from django.apps import AppConfig


class FutsimConfig(AppConfig):
    name = "futsim"
