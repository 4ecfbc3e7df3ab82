"""Do the work: claim what is due, run each handler on a thread of its own, finish, defer or retry."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from zentra.core import telemetry, tenancy
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.core.queue import operations
from zentra.core.queue.registry import Defer, Periodic, WorkItem, engines, handler_of, periodics

log = structlog.get_logger(__name__)

LIFTS_EVERY: Final = 8
"""One claim of so many looks to what is overdue, whatever its priority."""


class Worker:
    """The threads of one worker process. Slow items hold one thread each; the others go on."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="work")
        self._free = threading.Semaphore(threads)
        self._draining = threading.Lock()
        self._again = threading.Event()
        self._running: set[tuple[str, str]] = set()
        self._last_run: dict[str, float] = {}
        self._claims = 0

    def drain(self) -> int:
        """Claim and start everything due, as far as threads are free; returns how many items were started."""
        self._again.set()
        started = 0
        while self._again.is_set() and self._draining.acquire(blocking=False):
            try:
                self._again.clear()
                started += self._fill()
            finally:
                self._draining.release()
        return started

    def _fill(self) -> int:
        started = 0
        while slots := self._take_slots():
            items: list[WorkItem] = []
            try:
                self._claims += 1
                items = operations.claim(limit=slots, now=now(), lifts_overdue=self._claims % LIFTS_EVERY == 0)
            finally:
                # Also when the database is away: a slot that is not given back is a thread lost for ever.
                for _ in range(slots - len(items)):
                    self._free.release()
            for item in items:
                self._pool.submit(self._run_and_release, item)
            started += len(items)
            if len(items) < slots:
                break
        return started

    def _take_slots(self) -> int:
        """Reserve the threads that are free now, at most half of them, so that a claim is never held waiting."""
        slots = 0
        while slots < max(1, self._threads // 2) and self._free.acquire(blocking=False):
            slots += 1
        return slots

    def _run_and_release(self, item: WorkItem) -> None:
        try:
            run_item(item)
        finally:
            connection.close()
            self._free.release()
            # What was left because no thread was free is picked up now instead of at the next tick.
            self._pool.submit(self._drain_quietly)

    def _drain_quietly(self) -> None:
        try:
            self.drain()
        except Exception as error:  # noqa: BLE001  # the next tick tries again
            log.warning("queue.drain_failed", error=str(error))
        finally:
            connection.close()

    def run_periodics(self) -> None:
        """Start the periodic work whose interval has passed, for every active workspace, never overlapping itself."""
        moment = time.monotonic()
        due = [p for p in periodics() if moment - self._last_run.get(p.name, -1e9) >= p.every_seconds * 0.9]
        if not due:
            return
        workspaces = tenancy.list_active()
        for work in due:
            self._last_run[work.name] = moment
            for ref in workspaces:
                if (work.name, ref.slug) not in self._running:
                    self._running.add((work.name, ref.slug))
                    self._pool.submit(self._run_periodic, work, ref)

    def _run_periodic(self, work: Periodic, ref: tenancy.TenantRef) -> None:
        telemetry.bind_request()
        try:
            work.run(ref)
        except Exception as error:  # noqa: BLE001  # one tenant's trouble is not another's; the interval tries again
            log.warning("periodic.failed", work=work.name, workspace=ref.slug, error=repr(error))
        finally:
            self._running.discard((work.name, ref.slug))
            connection.close()


def run_item(item: WorkItem) -> None:
    """Run one claimed item to its end: done, deferred, or kept for another try. Never raises for a handler's error."""
    telemetry.bind_request()
    close_old_connections()
    handler = handler_of(item.kind)
    try:
        if handler is None:
            raise LookupError(f"No handler for work of kind {item.kind!r}.")
        handler(item, tenancy.resolve(item.workspace_id))
    except Defer as later:
        operations.defer(item=item, until=later.until, reason=later.reason)
    except Exception as error:  # whatever failed, the item is kept and tried again
        expected = isinstance(error, DomainError)
        facts = {"kind": item.kind, "ref": item.ref, "attempts": item.attempts, "error": repr(error)}
        log.warning("work.failed", **facts, exc_info=not expected)
        connection.close()
        operations.fail(item=item, error=repr(error), now=now())
    else:
        operations.finish(item=item, now=now())


def wake_engines() -> None:
    """Tell the engines of this process that there may be work in lanes."""
    for engine in engines():
        engine.wake()


_worker: Worker | None = None
_create = threading.Lock()


def worker() -> Worker:
    """The worker of this process."""
    global _worker
    with _create:
        if _worker is None:
            _worker = Worker(threads=settings.ZENTRA_WORKER_THREADS)
    return _worker
