"""Deliveries by the hundred, for replays and searches: rows as the engine leaves them, without calling anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any, TypeVar

from django.db import connection

from tests.webhooks.work import DEVELOPER, SUPPORT
from webhooks.operations import create_endpoint, start_replay
from webhooks.outbound.replays.working import work_off_replay
from webhooks.queries import ReplayRecord, ReplayScope, get_replay
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work

Result = TypeVar("Result")

_INSERT = """
INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
    endpoint_id, intent_id, state, is_awaited, attempts, failures, next_attempt_at, first_due_at, resolved_at, trigger,
    purpose, last_status, last_error, last_error_class)
SELECT gen_random_uuid(), %(first)s + n * interval '1 second', gen_random_uuid(), %(first)s + n * interval '1 second',
       %(event_type)s, n, '\\x00', %(endpoint)s, %(intent)s, %(state)s, true, %(attempts)s, 0,
       %(next_attempt_at)s, %(first_due_at)s, CASE WHEN %(state)s = 'resolved' THEN %(first)s END, 'auto', %(purpose)s,
       %(status)s, %(error)s, %(error)s
FROM generate_series(1, %(count)s) AS n RETURNING id
"""


def make_endpoint(ws: TenantRef, path: str = "hook") -> str:
    """An endpoint that is never called in these tests."""
    with tenant_work(ws):
        url = f"http://127.0.0.1:9/{path}"
        return create_endpoint(url=url, actor=DEVELOPER, now=clock.now()).endpoint.id


def make_deliveries(
    ws: TenantRef,
    endpoint_id: str,
    state: str,
    count: int,
    *,
    first: datetime | None = None,
    event_type: str = "account.created",
    purpose: str = "event",
    attempts: int = 1,
    due_in: float = 3600,
    status: int | None = 503,
    error: str = "server_error",
    intent_id: str | None = None,
) -> list[str]:
    """So many deliveries in a state, a second apart, the oldest two hours ago; their ids, oldest first."""
    now = clock.now()
    waits = state in {"queued", "retrying"}
    values: dict[str, Any] = {
        "first": first or now - timedelta(hours=2),
        "event_type": event_type,
        "endpoint": ids.to_uuid(endpoint_id, prefix="whe"),
        "intent": intent_id,
        "state": state,
        "attempts": attempts,
        "next_attempt_at": now + timedelta(seconds=due_in) if waits else None,
        "first_due_at": now - timedelta(hours=2) if attempts else None,
        "purpose": purpose,
        "status": 204 if state == "resolved" else status,
        "error": "" if state == "resolved" else error,
        "count": count,
    }
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return [ids.to_public("dlv", row[0]) for row in cursor.fetchall()]


def start(ws: TenantRef, *, rate: int = 500, reason: str = "the consumer is back", **scope: Any) -> ReplayRecord:
    """A replay of a range, started and committed."""
    with tenant_work(ws):
        return start_replay(
            where=ReplayScope(**scope), rate_per_second=rate, actor=SUPPORT, reason=reason, now=clock.now()
        )


def work_off(ws: TenantRef, replay_id: str, *, at: datetime | None = None) -> datetime | None:
    """One slice of a job, committed; when the next one is due."""
    with tenant_work(ws):
        return work_off_replay(replay_id=replay_id, now=at or clock.now())


def work_off_all(ws: TenantRef, replay_id: str, *, slices: int = 200) -> ReplayRecord:
    """The whole job, each slice at the moment at which it is due."""
    again_at = work_off(ws, replay_id)
    while again_at is not None and slices:
        slices -= 1
        again_at = work_off(ws, replay_id, at=max(again_at, clock.now()))
    return read(ws, replay_id)


def read(ws: TenantRef, replay_id: str) -> ReplayRecord:
    with tenant_work(ws):
        return get_replay(replay_id=replay_id)


def open_refs(ws: TenantRef, kind: str = "webhooks.deliver") -> list[tuple[str, datetime]]:
    """The open work items of a kind: (delivery or replay id, due_at)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref, due_at FROM public.work_item WHERE workspace_id = %s AND kind = %s AND done_at IS NULL"
            " ORDER BY due_at, ref",
            [ws.id, kind],
        )
        return [(ref.rpartition("/")[2], due_at) for ref, due_at in cursor.fetchall()]


def race(*works: Callable[[], Result]) -> list[Result | Exception]:
    """Run these at the same moment, each on a connection of its own; what each returned or raised."""
    ready = Barrier(len(works))
    results: list[Result | Exception] = [RuntimeError("never ran")] * len(works)

    def run(place: int, work: Callable[[], Result]) -> None:
        ready.wait()
        try:
            results[place] = work()
        except Exception as error:  # noqa: BLE001  # what it raised is the result
            results[place] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@contextmanager
def held(ws: TenantRef, statement: str, *values: Any) -> Iterator[None]:
    """Keep a statement's locks, on another connection, for as long as this lasts."""
    entered, leave = Barrier(2), Barrier(2)

    def hold() -> None:
        with tenant_work(ws), connection.cursor() as cursor:
            cursor.execute(statement, values)
            entered.wait()
            leave.wait()
        connection.close()

    other = Thread(target=hold)
    other.start()
    entered.wait()
    try:
        yield
    finally:
        leave.wait()
        other.join()


def without_delivery_counts(record: ReplayRecord) -> ReplayRecord:
    """The job alone: equal whatever became of its deliveries meanwhile."""
    return replace(record, resolved=0, failed=0, waiting=0)
