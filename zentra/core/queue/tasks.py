"""The Celery tasks: a wake-up and a tick. They carry no work, only the news that there may be some."""

from datetime import timedelta

from celery import shared_task

from zentra.core.clock import now
from zentra.core.marks import system
from zentra.core.queue import operations
from zentra.core.queue.worker import worker

KEEP_DONE = timedelta(days=1)


@shared_task(name="zentra.core.queue.drain", expires=5)  # type: ignore[untyped-decorator]  # celery carries no types
@system
def drain() -> None:
    """Start whatever is due."""
    worker().drain()


@shared_task(name="zentra.core.queue.tick")  # type: ignore[untyped-decorator]  # celery carries no types
@system
def tick() -> None:
    """Once a second by beat: show that beat sends and this worker consumes, run periodic work, drain."""
    moment = now()
    operations.beat_heart(name="worker", now=moment)
    operations.beat_heart(name="beat", now=moment)
    if moment.second % 5 == 0:
        operations.prune_done(before=moment - KEEP_DONE)
    worker().run_periodics()
    worker().drain()
