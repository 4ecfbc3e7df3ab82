"""The engine at work: one event loop on a thread of a worker process.

It claims due deliveries over all workspaces, a batch at a time and as far as it has room; sends each on its own task;
and finishes what came back, a batch for each workspace. Statements run on a few threads of their own, so that the loop
only ever waits for sockets. Everything that it holds is also in the database: when the process dies, leases and claims
run out, and another makes the attempts again.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

import structlog
from django.db import connection

from webhooks.outbound.engine.calling import Sent, call
from webhooks.outbound.engine.claiming import Claim, ClaimedBatch, claim_deliveries
from webhooks.outbound.engine.finishing import Outcome, finish_attempts
from webhooks.outbound.sending import Caller, SendResult, make_caller
from zentra.core import telemetry, tenancy
from zentra.core.clock import now
from zentra.core.queue import WorkItem, lanes
from zentra.core.queue import operations as queue
from zentra.core.tenancy import tenant_work

log = structlog.get_logger(__name__)

IN_FLIGHT: Final = 500
"""Calls at once in one process; one workspace has half of them at most, so that its slow endpoints leave room."""

BATCH: Final = 100
_IDLE_SECONDS: Final = 0.5
_HELD_SECONDS: Final = 0.05
_AFTER_ERROR_SECONDS: Final = 1.0
# Long enough for answers to gather into one transaction, short beside any call.
_GATHER_SECONDS: Final = 0.005
# How long finishing waits for somebody's lock: a batch of many endpoints briefly, what is tried again a little longer.
_BATCH_WAITS: Final = "300ms"
_LATE_WAITS: Final = "1s"
_DATABASE_THREADS: Final = 3
# Names are looked up on the loop's own threads: one that never answers must not keep the others waiting.
_NAME_THREADS: Final = 32

P = ParamSpec("P")
T = TypeVar("T")


class Engine:
    """The engine of this process. ``wake`` starts it, and tells it that there may be work."""

    def __init__(self, *, in_flight: int = IN_FLIGHT) -> None:
        self._room = in_flight
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._is_stopping = False
        self._is_wanting = False
        self._database = ThreadPoolExecutor(_DATABASE_THREADS, thread_name_prefix="deliveries-db")
        self._calls: dict[asyncio.Task[None], UUID] = {}
        self._answers: asyncio.Queue[tuple[WorkItem, Outcome]]
        self._late: set[asyncio.Task[None]] = set()
        self._one_late: asyncio.Semaphore
        self._held: set[str] = set()

    def wake(self) -> None:
        """There may be work. Returns at once."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
                self._thread.start()
        self._tell()

    def stop(self, *, seconds: float = 10.0) -> None:
        """Claim nothing more, and wait for the calls at hand. What is left after that is sent again by somebody."""
        self._is_stopping = True
        self._tell()
        if self._thread is not None:
            self._thread.join(timeout=seconds)

    def _tell(self) -> None:
        loop, news = self._loop, self._news
        if loop is not None and news is not None and not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            log.exception("deliveries.stopped")

    async def _work(self) -> None:
        self._loop, self._news, self._answers = asyncio.get_running_loop(), asyncio.Event(), asyncio.Queue()
        self._one_late = asyncio.Semaphore()
        self._loop.set_default_executor(ThreadPoolExecutor(_NAME_THREADS, thread_name_prefix="deliveries-names"))
        finishing = asyncio.create_task(self._finish_all())
        async with make_caller() as caller:
            await self._claim_all(caller)
            if self._calls:
                await asyncio.wait(list(self._calls))
            await self._answers.join()
        finishing.cancel()

    async def _claim_all(self, caller: Caller) -> None:
        """Claim and start calls until told to stop; at rest when nothing is due or there is no room."""
        place = lanes.START
        while not self._is_stopping:
            assert self._news is not None  # noqa: S101  # set before
            self._news.clear()
            pause = _IDLE_SECONDS
            free = self._room - len(self._calls)
            self._is_wanting = free <= 0
            if free > 0:
                try:
                    claimed = await self._query(_claim_items, min(free, BATCH), place, self._crowded())
                except Exception as error:  # noqa: BLE001  # the database may be away; what is due stays due
                    log.warning("deliveries.claim_failed", error=repr(error))
                    claimed, pause = None, _AFTER_ERROR_SECONDS
                if claimed is not None:
                    place = claimed.place
                    await self._start(caller, claimed.items)
                    if claimed.items or not claimed.has_wrapped:
                        continue
                    self._is_wanting = claimed.is_held
                    pause = _HELD_SECONDS if claimed.is_held else _IDLE_SECONDS
            await self._rest(pause)

    def _crowded(self) -> list[UUID]:
        """The workspaces that have half of the calls at hand."""
        return [each for each, calls in Counter(self._calls.values()).items() if calls >= self._room // 2]

    async def _rest(self, seconds: float) -> None:
        assert self._news is not None  # noqa: S101  # set before
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _start(self, caller: Caller, items: Sequence[WorkItem]) -> None:
        """Claim the deliveries of these items, workspace by workspace, and start their calls."""
        groups = _by_workspace(items)
        for claimed in await asyncio.gather(*(self._query(_open, each, group) for each, group in groups)):
            for item, claim in claimed:
                task = asyncio.create_task(self._call(caller, item, claim))
                self._calls[task] = item.workspace_id
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._calls[task]
        if self._is_wanting and self._news is not None:
            self._news.set()

    async def _call(self, caller: Caller, item: WorkItem, claim: Claim) -> None:
        try:
            sent = await call(caller, claim, now=now())
        except Exception as error:
            # A key that cannot be used, a value that no header can hold: this delivery's trouble, kept as its attempt.
            log.exception("deliveries.call_failed", delivery=claim.delivery_id)
            sent = _broken(error)
        await self._answers.put((item, Outcome(claim, sent)))

    async def _finish_all(self) -> None:
        """Finish what came back, batch by batch, as long as the process lives."""
        while True:
            gathered = [await self._answers.get()]
            await asyncio.sleep(_GATHER_SECONDS)
            while len(gathered) < 2 * BATCH and not self._answers.empty():
                gathered.append(self._answers.get_nowait())
            groups: dict[UUID, list[tuple[WorkItem, Outcome]]] = defaultdict(list)
            for pair in gathered:
                groups[pair[0].workspace_id].append(pair)
            await asyncio.gather(*(self._finish(each, group) for each, group in groups.items()))

    async def _finish(self, workspace_id: UUID, group: list[tuple[WorkItem, Outcome]]) -> None:
        """Finish one workspace's batch; what cannot be written now is tried again beside the batches that follow."""
        held = [pair for pair in group if pair[1].claim.endpoint_id in self._held]
        free = [pair for pair in group if pair[1].claim.endpoint_id not in self._held]
        if held:
            self._leave_for_late(workspace_id, held)
        if free:
            if await self._is_finished(workspace_id, free, waits=_BATCH_WAITS):
                self._tell_done(free)
            else:
                self._leave_for_late(workspace_id, free)

    def _leave_for_late(self, workspace_id: UUID, group: list[tuple[WorkItem, Outcome]]) -> None:
        task = asyncio.create_task(self._finish_late(workspace_id, group))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _finish_late(self, workspace_id: UUID, group: list[tuple[WorkItem, Outcome]]) -> None:
        """Finish a batch in ever smaller parts, again and again while the database is away and the claims hold.

        One that cannot be written, or an endpoint that is being changed, must not hold the others; and all of what is
        late takes one thread for statements at a time. An endpoint that holds its answers up keeps them out of the
        batches that follow.
        """
        waiting = _parts(group)
        while waiting:
            left: list[list[tuple[WorkItem, Outcome]]] = []
            for part in waiting:
                async with self._one_late:
                    is_finished = await self._is_finished(workspace_id, part, waits=_LATE_WAITS)
                endpoint_id = part[0][1].claim.endpoint_id
                if is_finished:
                    self._held.discard(endpoint_id)
                else:
                    self._held.add(endpoint_id)
                    left += _parts(part)
            waiting = [part for part in left if any(outcome.claim.claimed_until > now() for _, outcome in part)]
            if waiting:
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
        self._held.difference_update(outcome.claim.endpoint_id for _, outcome in group)
        self._tell_done(group)

    async def _is_finished(self, workspace_id: UUID, group: Sequence[tuple[WorkItem, Outcome]], *, waits: str) -> bool:
        try:
            await self._query(finish_items, workspace_id, group, waits=waits)
        except Exception as error:  # noqa: BLE001  # kept as long as the claims hold, and told
            log.warning("deliveries.finish_failed", error=repr(error), deliveries=len(group))
            return False
        return True

    def _tell_done(self, group: Sequence[object]) -> None:
        for _ in group:
            self._answers.task_done()

    async def _query(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run statements on a thread of their own, and give its connection back."""

        def run() -> T:
            telemetry.bind_request()
            try:
                return work(*args, **kwargs)
            finally:
                connection.close()

        return await asyncio.get_running_loop().run_in_executor(self._database, run)


def deliver_due(*, limit: int = BATCH) -> int:
    """One round on this thread: claim what is due, send it side by side, finish it; returns how many were claimed."""
    items = lanes.claim(limit=limit, now=now()).items
    for workspace_id, group in _by_workspace(items):
        claimed = _open(workspace_id, group)
        if claimed:
            finish_items(workspace_id, asyncio.run(_send_all(claimed)))
    return len(items)


async def _send_all(claimed: Sequence[tuple[WorkItem, Claim]]) -> list[tuple[WorkItem, Outcome]]:
    async with make_caller() as caller:
        sent = await asyncio.gather(*(call(caller, claim, now=now()) for _, claim in claimed))
    return [(item, Outcome(claim, each)) for (item, claim), each in zip(claimed, sent, strict=True)]


def finish_items(workspace_id: UUID, group: Sequence[tuple[WorkItem, Outcome]], *, waits: str = _LATE_WAITS) -> None:
    """Finish the attempts in their workspace, and their items with them: done, or put off to the next attempt.

    One transaction: an item that outlived its delivery would be sent twice, one that ended before it never again.
    The item of a superseded attempt is left alone, since whoever claims it next asks the delivery.
    """
    with tenant_work(workspace_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [waits])
        finished = finish_attempts(outcomes=[outcome for _, outcome in group], now=now())
        current = [(item, outcome, finished[outcome.key]) for item, outcome in group]
        current = [each for each in current if not each[2].is_superseded]
        queue.finish_many(items=[item for item, _, became in current if became.next_attempt_at is None], now=now())
        queue.defer_many(
            items=[
                (
                    item,
                    became.next_attempt_at,
                    f"attempt {outcome.claim.number} failed: {outcome.sent.result.error_class}",
                )
                for item, outcome, became in current
                if became.next_attempt_at is not None
            ]
        )


def _claim_items(limit: int, place: lanes.Place, leave_out: Sequence[UUID]) -> lanes.Claimed:
    return lanes.claim(limit=limit, now=now(), place=place, leave_out=leave_out)


def _parts(group: Sequence[tuple[WorkItem, Outcome]]) -> list[list[tuple[WorkItem, Outcome]]]:
    """A batch by endpoint; that of one endpoint one by one."""
    parts: dict[str, list[tuple[WorkItem, Outcome]]] = defaultdict(list)
    for pair in group:
        parts[pair[1].claim.endpoint_id].append(pair)
    return list(parts.values()) if len(parts) > 1 else [[pair] for pair in group]


def _open(workspace_id: UUID, items: Sequence[WorkItem]) -> list[tuple[WorkItem, Claim]]:
    """Claim the deliveries behind one workspace's items; what waits or has nothing to send is settled here."""
    by_delivery = {item.ref.partition("/")[2]: item for item in items}
    try:
        with tenant_work(tenancy.resolve(workspace_id)):
            batch: ClaimedBatch = claim_deliveries(delivery_ids=list(by_delivery), now=now())
            claims = {claim.delivery_id: claim for claim in batch.claims}
            queue.defer_many(items=[(by_delivery[each], wait.until, wait.reason) for each, wait in batch.waits.items()])
            chosen = {by_delivery[each].id for each in (*claims, *batch.waits)}
            queue.finish_many(items=[item for item in items if item.id not in chosen], now=now())
    except Exception as error:  # noqa: BLE001  # one workspace's trouble is not another's; its items are kept
        log.warning("deliveries.open_failed", workspace=str(workspace_id), error=repr(error))
        _put_back(items, error)
        return []
    return [(by_delivery[each], claim) for each, claim in claims.items()]


def _put_back(items: Sequence[WorkItem], error: Exception) -> None:
    """Try these items again soon; when the database is away, their leases run out."""
    connection.close()
    try:
        for item in items:
            queue.fail(item=item, error=repr(error), now=now())
    except Exception as again:  # noqa: BLE001  # nothing is lost: who raised here would end the whole engine
        log.warning("deliveries.put_back_failed", error=repr(again))


def _broken(error: Exception) -> Sent:
    detail = f"{type(error).__name__}: {error}"
    result = SendResult(started_at=now(), duration_ms=0, error_class="protocol", error_detail=detail[:500])
    return Sent(headers={}, result=result, is_signature_verified=False)


def _by_workspace(items: Iterable[WorkItem]) -> list[tuple[UUID, list[WorkItem]]]:
    groups: dict[UUID, list[WorkItem]] = defaultdict(list)
    for item in items:
        groups[item.workspace_id].append(item)
    return list(groups.items())
