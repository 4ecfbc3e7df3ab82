"""The Celery application: ``celery -A zentra.celery worker``. Work itself lives in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")

app = Celery("zentra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["zentra.core.queue"])


def send_wake_up() -> None:
    """Publish one drain, without retrying: a lost one costs at most a second."""
    app.send_task("zentra.core.queue.drain", expires=5, retry=False, ignore_result=True)
