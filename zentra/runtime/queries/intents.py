"""One intent, and pages of them: newest first by keyset, so that the cost grows with the page."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from zentra.core import ids
from zentra.runtime import store
from zentra.runtime.states import Status
from zentra.runtime.types import HistoryStep, IntentRecord, Step


def get_intent(intent_id: str) -> IntentRecord:
    """The intent by its caller's id; raises IntentNotFound."""
    return store.get(intent_id)


def find_intent(intent_id: str) -> IntentRecord | None:
    """The intent by its caller's id, or None."""
    return store.find(intent_id)


def get_history(intent_id: str) -> list[HistoryStep]:
    """Every transition, first one first."""
    return store.history(intent_id)


def get_path(intent_id: str) -> list[Step]:
    """The states reached, with their moments."""
    return [Step(step.after, step.at) for step in store.history(intent_id)]


def list_paths(intent_ids: Sequence[str]) -> dict[str, list[Step]]:
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
    conditions, values = ["true"], list[object]()
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


def count_by_status() -> dict[str, int]:
    """How many intents stand where, for those that are not at an end (a small, indexed part)."""
    waiting = [s.value for s in (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED,
                                 Status.SYNCHRONIZED, Status.REVIEW)]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, count(*) FROM runtime_intent WHERE status = ANY(%s) GROUP BY status", [waiting]
        )
        return dict(cursor.fetchall())
