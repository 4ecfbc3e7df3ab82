"""The Celery application. Work itself lives in PostgreSQL; Celery wakes the workers and beats the clock."""

from celery import Celery

app = Celery("zentra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["zentra.core.queue"])


def send_wake_up() -> None:
    """Publish one drain, without retrying: a lost one costs at most a second."""
    app.send_task("zentra.core.queue.drain", expires=5, retry=False, ignore_result=True)
