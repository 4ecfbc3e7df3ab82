"""Put work in, claim it with a lease, finish it. Each function is one statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from zentra.core import ids
from zentra.core.db.hot import defer_hot
from zentra.core.queue import wake
from zentra.core.queue.registry import WorkItem

LEASE = timedelta(seconds=45)
"""Longer than the longest provider or webhook timeout, so that a live worker never loses its item."""

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(minutes=5)


def enqueue(*, workspace_id: UUID, kind: str, ref: str, due_at: datetime, priority: int = 5) -> UUID:
    """Add an item in the caller's transaction; a worker is woken after the commit. Smaller priority goes first."""
    return enqueue_many([(workspace_id, kind, ref, due_at, priority)])[0]


def enqueue_many(items: Sequence[tuple[UUID, str, str, datetime, int]]) -> list[UUID]:
    """Add items (workspace, kind, ref, due_at, priority) in one statement."""
    if not items:
        return []
    new = [ids.new_uuid() for _ in items]
    workspaces, kinds, refs, dues, priorities = (list(column) for column in zip(*items, strict=True))
    defer_hot(
        "INSERT INTO public.work_item (id, workspace_id, kind, ref, due_at, priority, attempts, last_error)"
        " SELECT *, 0, '' FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[],"
        " %s::smallint[])",
        [new, workspaces, kinds, refs, dues, priorities],
    )
    transaction.on_commit(wake.wake)
    return new


def claim(*, limit: int, now: datetime, lease: timedelta = LEASE) -> list[WorkItem]:
    """Claim what is due, oldest first within a priority, and lease it; two workers never claim the same item."""
    claim_id = ids.new_uuid()
    with connection.cursor() as cursor:
        cursor.execute(
            # Materialized: as a plain IN (…) the planner may run the subselect again per row and lock more than limit.
            "WITH due AS MATERIALIZED (SELECT id FROM public.work_item WHERE done_at IS NULL AND due_at <= %s"
            " ORDER BY priority, due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE public.work_item w SET claim_id = %s, leased_until = %s, due_at = %s, attempts = w.attempts + 1"
            " FROM due WHERE w.id = due.id RETURNING w.id, w.workspace_id, w.kind, w.ref, w.due_at, w.attempts",
            [now, limit, claim_id, now + lease, now + lease],
        )
        return [
            WorkItem(item_id, workspace_id, kind, ref, due_at, attempts, claim_id)
            for item_id, workspace_id, kind, ref, due_at, attempts in cursor.fetchall()
        ]


def finish(*, item: WorkItem, now: datetime) -> bool:
    """Mark an item done; False when the claim is no longer ours."""
    return _settle(item, "done_at = %s, leased_until = NULL, claim_id = NULL", [now])


def defer(*, item: WorkItem, until: datetime, reason: str) -> bool:
    """Put an item off; this was no attempt."""
    return _settle(
        item,
        "due_at = %s, attempts = attempts - 1, last_error = %s, leased_until = NULL, claim_id = NULL",
        [until, reason[:500]],
    )


def fail(*, item: WorkItem, error: str, now: datetime) -> bool:
    """Keep a failed item and try it again later; nothing is ever dropped."""
    wait = min(FIRST_BACKOFF * 2 ** min(item.attempts - 1, 16), LONGEST_BACKOFF)
    return _settle(
        item, "due_at = %s, last_error = %s, leased_until = NULL, claim_id = NULL", [now + wait, error[:500]]
    )


def _settle(item: WorkItem, assignments: str, values: list[datetime | str]) -> bool:
    """Compare-and-set on the claim: a worker whose lease ran out cannot finish another's work."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE public.work_item SET {assignments} WHERE id = %s AND claim_id = %s AND done_at IS NULL",  # noqa: S608  # constant assignments of this module
            [*values, item.id, item.claim_id],
        )
        return bool(cursor.rowcount == 1)


def prune_done(*, before: datetime, limit: int = 5000) -> int:
    """Delete items done before a moment, a batch at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM public.work_item WHERE id IN"
            " (SELECT id FROM public.work_item WHERE done_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
            [before, limit],
        )
        return int(cursor.rowcount)


def beat_heart(*, name: str, now: datetime, detail: str = "") -> None:
    """Record that a background process did something."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.heartbeat (name, at, detail) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail",
            [name, now, detail],
        )
