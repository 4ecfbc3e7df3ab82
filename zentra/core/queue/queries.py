"""What waits, and which background process did something last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection


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


def in_flight_of(*, lanes: Sequence[str], now: datetime) -> dict[str, int]:
    """How many items of each of these lanes are being done at this moment; a lane without any is left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, count(*) FROM public.work_item WHERE lane = ANY(%s::text[]) AND lane <> ''"
            " AND claim_id IS NOT NULL AND done_at IS NULL AND leased_until > %s GROUP BY lane",
            [list(lanes), now],
        )
        return {lane: int(count) for lane, count in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class DueItem:
    """An open item that is due, as alarms and the stuck list tell of it."""

    workspace_id: UUID
    kind: str
    ref: str
    due_at: datetime
    attempts: int
    last_error: str


def oldest_due(*, now: datetime) -> DueItem | None:
    """The ordinary item that has been due for longest, over all workspaces. Lanes may hold theirs back on purpose."""
    found = _items("lane = '' AND due_at <= %s ORDER BY due_at LIMIT 1", [now])
    return found[0] if found else None


def failing_items(*, workspace_id: UUID, limit: int, least_attempts: int = 3) -> list[DueItem]:
    """Ordinary items of a workspace that failed several times and are tried again, those with most attempts first."""
    return _items(
        "lane = '' AND workspace_id = %s AND attempts >= %s AND last_error <> '' ORDER BY attempts DESC LIMIT %s",
        [workspace_id, least_attempts, limit],
    )


def _items(condition: str, values: Sequence[Any]) -> list[DueItem]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT workspace_id, kind, ref, due_at, attempts, last_error FROM public.work_item"  # noqa: S608  # constant words
            f" WHERE done_at IS NULL AND {condition}",
            values,
        )
        return [DueItem(*row) for row in cursor.fetchall()]


def refs_with_items(*, workspace_id: UUID, refs: Sequence[str]) -> set[str]:
    """Those of these objects that an open item stands for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ref FROM public.work_item WHERE workspace_id = %s AND ref = ANY(%s) AND done_at IS NULL",
            [workspace_id, list(refs)],
        )
        return {row[0] for row in cursor.fetchall()}
