"""What waits, and which background process did something last."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Open items that are due, and the moment the oldest became due."""

    due: int
    oldest_due_at: datetime | None


def queue_depth(*, now: datetime) -> QueueDepth:
    """How much work is due and unclaimed now, over all workspaces."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(due_at) FROM public.work_item WHERE done_at IS NULL AND due_at <= %s", [now]
        )
        return QueueDepth(*cursor.fetchone())


def heartbeats() -> dict[str, tuple[datetime, str]]:
    """Name → (last moment, detail)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, at, detail FROM public.heartbeat")
        return {name: (at, detail) for name, at, detail in cursor.fetchall()}


def open_items(*, workspace_id: UUID, ref: str) -> list[tuple[str, datetime, int, str]]:
    """What an object still waits for: (kind, due_at, attempts, last error)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, due_at, attempts, last_error FROM public.work_item"
            " WHERE workspace_id = %s AND ref = %s AND done_at IS NULL ORDER BY due_at",
            [workspace_id, ref],
        )
        return list(cursor.fetchall())
