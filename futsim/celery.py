"""The Celery application: `celery -A futsim worker`, `celery -A futsim beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "futsim.settings")

app = Celery("futsim")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
