"""One intent, and pages of them: newest first by keyset, so that the cost grows with the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from zentra.core import ids
from zentra.runtime import store
from zentra.runtime.states import Status
from zentra.runtime.types import HistoryStep, IntentRecord, Step


@dataclass(frozen=True, slots=True)
class Held:
    """Routed intents that wait: for an outcome that nobody knows, for another rail's answer, for their event stream."""

    outcome_unknown: int
    failing_over: int
    syncing: int


def get_intent(*, intent_id: str) -> IntentRecord:
    """The intent by its caller's id; raises IntentNotFound."""
    return store.get(intent_id)


def find_intent(*, intent_id: str) -> IntentRecord | None:
    """The intent by its caller's id, or None."""
    return store.find(intent_id)


def get_history(*, intent_id: str) -> list[HistoryStep]:
    """Every transition, first one first."""
    return store.history(intent_id)


def get_path(*, intent_id: str) -> list[Step]:
    """The states reached, with their moments."""
    return [Step(step.after, step.at) for step in store.history(intent_id)]


def list_paths(*, intent_ids: Sequence[str]) -> dict[str, list[Step]]:
    """The states that a page of intents reached, by intent, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id, after, at FROM runtime_transition WHERE intent_id = ANY(%s) ORDER BY intent_id, version",
            [list(intent_ids)],
        )
        paths: dict[str, list[Step]] = {intent_id: [] for intent_id in intent_ids}
        for intent_id, after, at in cursor.fetchall():
            paths[intent_id].append(Step(after, at))
    return paths


def list_intents(
    *,
    statuses: Sequence[Status] = (),
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
    intent_ids: Sequence[str] | None = None,
) -> list[IntentRecord]:
    """Intents newest first; ``before`` is the (created_at, id) of the last row seen."""
    conditions, values = ["true"], list[Any]()
    if statuses:
        conditions.append("status = ANY(%s)")
        values.append([status.value for status in statuses])
    if intent_ids is not None:
        conditions.append("intent_id = ANY(%s)")
        values.append(list(intent_ids))
    if before is not None:
        conditions.append("(created_at, id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="intent")]
    with connection.cursor() as cursor:
        cursor.execute(
            store.SELECT + f"WHERE {' AND '.join(conditions)} ORDER BY created_at DESC, id DESC LIMIT %s",
            [*values, limit],
        )
        return [store.read_row(row) for row in cursor.fetchall()]


def list_reserved(*, limit: int, after: tuple[datetime, str] | None = None) -> list[IntentRecord]:
    """Intents whose reserve is posted and neither settled nor released yet, the oldest first.

    They stand at ledgered, or at routed until the provider's outcome moves the reserve on. ``after`` is the
    (created_at, id) of the last one seen.
    """
    moment, last = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            store.SELECT
            + "WHERE status = ANY(%s) AND reserve_entry_id IS NOT NULL AND (outcome IS NULL OR outcome = 'accepted')"
            " AND (%s::timestamptz IS NULL OR (created_at, id) > (%s, %s::uuid))"
            " ORDER BY created_at, id LIMIT %s",
            [
                [Status.LEDGERED.value, Status.ROUTED.value],
                moment,
                moment,
                None if last is None else ids.to_uuid(last, prefix="intent"),
                limit,
            ],
        )
        return [store.read_row(row) for row in cursor.fetchall()]


def count_by_status() -> dict[str, int]:
    """How many intents stand where, for those that are not at an end (a small, indexed part)."""
    waiting = [s.value for s in (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED,
                                 Status.SYNCHRONIZED, Status.REVIEW)]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM runtime_intent WHERE status = ANY(%s) GROUP BY status", [waiting])
        return dict(cursor.fetchall())


def count_held() -> Held:
    """What stands at ``routed`` and why, among the intents that are there now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE is_outcome_unknown AND outcome IS DISTINCT FROM 'settled'),"
            " count(*) FILTER (WHERE is_failover AND outcome IS NULL AND NOT is_outcome_unknown),"
            " count(*) FILTER (WHERE outcome = 'settled') FROM runtime_intent WHERE status = %s",
            [Status.ROUTED.value],
        )
        return Held(*cursor.fetchone())


def count_failed(*, since: datetime) -> int:
    """How many intents of this window ended declined, failed, expired or canceled."""
    undone = [Status.FAILED.value, Status.DECLINED.value, Status.EXPIRED.value, Status.CANCELED.value]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM runtime_intent WHERE status = ANY(%s) AND created_at >= %s", [undone, since]
        )
        return int(cursor.fetchone()[0])


def find_by_prefix(*, text: str, limit: int = 8) -> list[str]:
    """Caller's ids that begin so, for the finder."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id FROM runtime_intent WHERE intent_id >= %s AND intent_id < %s ORDER BY intent_id LIMIT %s",
            [text, text + "\U0010ffff", limit],
        )
        return [row[0] for row in cursor.fetchall()]
