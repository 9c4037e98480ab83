"""The Django project: it only wires the rooms together."""

from futsim.celery import app as celery_app

__all__ = ("celery_app",)
