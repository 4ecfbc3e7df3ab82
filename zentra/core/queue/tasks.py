"""The Celery tasks: a wake-up and a tick. They carry no work, only the news that there may be some."""

from datetime import timedelta

from celery import shared_task
from celery.signals import worker_shutdown

from zentra.core.clock import now
from zentra.core.marks import system
from zentra.core.queue import operations
from zentra.core.queue.registry import engines, periodic
from zentra.core.queue.worker import wake_engines, worker
from zentra.core.tenancy import TenantRef

KEEP_DONE = timedelta(hours=6)


@shared_task(name="zentra.core.queue.drain", expires=5)  # type: ignore[untyped-decorator]  # celery carries no types
@system
def drain() -> None:
    """Start whatever is due."""
    wake_engines()
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
    wake_engines()
    worker().run_periodics()
    worker().drain()


@periodic("queue.leases_ahead", every_seconds=30.0)
def free_leases_ahead(ws: TenantRef) -> None:
    """After the clock went back: what a worker that died since had leased must not wait until then."""
    operations.free_leases_ahead(workspace_id=ws.id, now=now())


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # celery carries no types
@system
def stop_engines(**_: object) -> None:
    """Let the calls at hand end before the process does."""
    for engine in engines():
        engine.stop()
