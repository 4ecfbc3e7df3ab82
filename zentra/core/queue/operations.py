"""Put work in, claim it with a lease, finish it. Each function is one statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from zentra.core import ids
from zentra.core.db.hot import defer_hot, execute_bulk
from zentra.core.queue import wake
from zentra.core.queue.registry import WorkItem

LEASE = timedelta(seconds=45)
"""Longer than the longest provider or webhook timeout, so that a live worker never loses its item."""

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(minutes=5)

OVERDUE = timedelta(seconds=30)
"""What is due for longer than this goes before every priority, in the claims that look to it."""

# Walks from line to line (workspace and priority) by the index, so that a claim's cost grows with neither backlog nor
# history. It looks at more than it takes, since others may be claiming the same ones at this moment. What is due since
# before %(overdue)s stands before every priority; null lifts nothing.
_CLAIM = """
WITH RECURSIVE line AS (
    (SELECT workspace_id, priority FROM public.work_item
      WHERE done_at IS NULL AND lane = '' ORDER BY workspace_id, priority LIMIT 1)
    UNION ALL
    SELECT following.workspace_id, following.priority FROM line CROSS JOIN LATERAL (
        SELECT w.workspace_id, w.priority FROM public.work_item w
         WHERE w.done_at IS NULL AND w.lane = '' AND (w.workspace_id, w.priority) > (line.workspace_id, line.priority)
         ORDER BY w.workspace_id, w.priority LIMIT 1) following
), candidate AS MATERIALIZED (
    SELECT oldest.id, oldest.due_at, standing.priority,
           row_number() OVER (PARTITION BY line.workspace_id ORDER BY standing.priority, oldest.due_at) AS turn
      FROM line CROSS JOIN LATERAL (
        SELECT w.id, w.due_at FROM public.work_item w
         WHERE w.done_at IS NULL AND w.lane = '' AND w.workspace_id = line.workspace_id AND w.priority = line.priority
           AND w.due_at <= %(now)s
         ORDER BY w.due_at LIMIT %(looked)s) oldest
     CROSS JOIN LATERAL (
        SELECT CASE WHEN oldest.due_at <= %(overdue)s::timestamptz THEN -1 ELSE line.priority END AS priority) standing
     ORDER BY turn, priority, due_at LIMIT %(looked)s
), due AS MATERIALIZED (
    SELECT w.id FROM candidate c JOIN public.work_item w ON w.id = c.id
     WHERE w.done_at IS NULL AND w.due_at <= %(now)s
     ORDER BY c.turn, c.priority, c.due_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED
)
UPDATE public.work_item w
   SET claim_id = %(claim)s, leased_until = %(until)s, due_at = %(until)s, attempts = w.attempts + 1
  FROM due WHERE w.id = due.id
RETURNING w.id, w.workspace_id, w.kind, w.ref, w.due_at, w.attempts
"""


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


def claim(*, limit: int, now: datetime, lease: timedelta = LEASE, lifts_overdue: bool = False) -> list[WorkItem]:
    """Claim what is due outside lanes, and lease it; two workers never claim the same item.

    A turn for each workspace, in it the oldest of the first priority: one workspace's backlog delays no other. With
    ``lifts_overdue`` what is due for half a minute goes first, whatever its priority: a worker that claims like this
    now and then starves nothing, and what is urgent still has most of its threads.
    """
    claim_id = ids.new_uuid()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "now": now,
                "overdue": now - OVERDUE if lifts_overdue else None,
                "limit": limit,
                "looked": 4 * limit,
                "claim": claim_id,
                "until": now + lease,
            },
        )
        return [
            WorkItem(item_id, workspace_id, kind, ref, due_at, attempts, claim_id)
            for item_id, workspace_id, kind, ref, due_at, attempts in cursor.fetchall()
        ]


def finish(*, item: WorkItem, now: datetime) -> bool:
    """Mark an item done; False when the claim is no longer ours."""
    return finish_many(items=[item], now=now) == 1


def finish_many(*, items: Sequence[WorkItem], now: datetime) -> int:
    """Mark items done, as far as their claims are still ours; returns how many were."""
    return _settle(items, "done_at = %s, leased_until = NULL, claim_id = NULL", [now])


def defer(*, item: WorkItem, until: datetime, reason: str) -> bool:
    """Put an item off; this was no attempt."""
    return defer_many(items=[(item, until, reason)]) == 1


def defer_many(*, items: Sequence[tuple[WorkItem, datetime, str]]) -> int:
    """Put items off, each until its own moment; returns how many were still ours."""
    if not items:
        return 0
    done = execute_bulk(
        "UPDATE public.work_item w SET due_at = n.due_at, attempts = w.attempts - 1, last_error = n.reason,"
        " leased_until = NULL, claim_id = NULL"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[]) AS n (id, claim_id, due_at, reason)"
        " WHERE w.id = n.id AND w.claim_id = n.claim_id AND w.done_at IS NULL",
        [
            [item.id for item, _, _ in items],
            [item.claim_id for item, _, _ in items],
            [until for _, until, _ in items],
            [reason[:500] for _, _, reason in items],
        ],
    )
    return int(done.rowcount)


def fail(*, item: WorkItem, error: str, now: datetime) -> bool:
    """Keep a failed item and try it again later; nothing is ever dropped."""
    wait = min(FIRST_BACKOFF * 2 ** min(item.attempts - 1, 16), LONGEST_BACKOFF)
    assignments = "due_at = %s, last_error = %s, leased_until = NULL, claim_id = NULL"
    return _settle([item], assignments, [now + wait, error[:500]]) == 1


def _settle(items: Sequence[WorkItem], assignments: str, values: list[datetime | str]) -> int:
    """Compare-and-set on the claim: a worker whose lease ran out cannot finish another's work."""
    if not items:
        return 0
    done = execute_bulk(
        f"UPDATE public.work_item w SET {assignments}"  # noqa: S608  # constant assignments of this module
        " FROM unnest(%s::uuid[], %s::uuid[]) AS n (id, claim_id)"
        " WHERE w.id = n.id AND w.claim_id = n.claim_id AND w.done_at IS NULL",
        [*values, [item.id for item in items], [item.claim_id for item in items]],
    )
    return int(done.rowcount)


def prune_done(*, before: datetime, limit: int = 20_000) -> int:
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


def free_leases_ahead(*, workspace_id: UUID, now: datetime) -> int:
    """Make due now what is leased for longer than any lease lasts: the clock has gone back since. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.work_item SET due_at = %s, leased_until = NULL, claim_id = NULL WHERE id IN"
            " (SELECT id FROM public.work_item WHERE workspace_id = %s AND done_at IS NULL AND claim_id IS NOT NULL"
            " AND leased_until > %s FOR UPDATE SKIP LOCKED)",
            [now, workspace_id, now + 2 * LEASE],
        )
        return int(cursor.rowcount)
