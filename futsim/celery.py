"""The Celery application: `celery -A futsim worker`, `celery -A futsim beat`."""

import os
import warnings

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "futsim.settings")

app = Celery("futsim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def be_brief(**_: object) -> None:
    """At each restart of Valkey, Celery would explain at length how its next version acknowledges tasks."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
