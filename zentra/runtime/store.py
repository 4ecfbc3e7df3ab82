"""The intent's rows: read, insert, advance. Private to the runtime; the only place with their SQL."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.db.hot import HotCursor, defer_hot
from zentra.runtime.errors import IntentExists, IntentNotFound, StaleIntent
from zentra.runtime.states import Status, check_transition
from zentra.runtime.types import HistoryStep, IntentRecord

COLUMNS: Final = tuple(field.name for field in fields(IntentRecord))
SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM runtime_intent "  # noqa: S608  # our own columns
_PREFIXES: Final = {
    "id": "intent", "source_account": "acct", "destination_account": "acct", "decision_id": "dec",
    "reserve_entry_id": "entry",
}  # fmt: skip
_JSON: Final = frozenset({"corridor", "metadata", "primitives", "actor"})
_INSERT: Final = (
    f"WITH fresh AS (INSERT INTO runtime_intent ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608  # our own columns
    " ON CONFLICT ON CONSTRAINT intent_one_per_caller_id DO NOTHING RETURNING intent_id)"
    " INSERT INTO runtime_transition (id, intent_id, before, after, at, actor, reason, version)"
    " SELECT t.id, fresh.intent_id, t.before, t.after, t.at, t.actor::jsonb, t.reason, t.version FROM fresh,"
    " unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::int[])"
    " AS t (id, before, after, at, actor, reason, version)"
)

Passage = tuple[Status | None, Status, datetime, Actor, str]
"""One transition to write: before, after, at, actor, reason."""


def read_row(row: Sequence[Any]) -> IntentRecord:
    """The record of a row of COLUMNS."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name, prefix in _PREFIXES.items():
        if values[name] is not None:
            values[name] = ids.to_public(prefix, values[name])
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    values["primitives"] = tuple(values["primitives"])
    values["status"] = Status(values["status"])
    return IntentRecord(**values)


def _to_column(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _PREFIXES:
        return ids.to_uuid(value, prefix=_PREFIXES[name])
    if name in _JSON:
        return json.dumps(list(value) if isinstance(value, tuple) else value)
    return value


def insert(intent: IntentRecord, passages: Sequence[Passage]) -> None:
    """Write a new intent with the transitions that it has made, in one statement; raises IntentExists."""

    def verify(written: HotCursor) -> None:
        if written.rowcount != len(passages):
            raise IntentExists(f"{intent.intent_id!r} is taken; use the key that made it, or another intent_id.")

    defer_hot(
        _INSERT,
        [
            *(_to_column(name, getattr(intent, name)) for name in COLUMNS),
            [ids.new_uuid() for _ in passages],
            [before for before, *_ in passages],
            [after for _, after, *_ in passages],
            [at for _, _, at, *_ in passages],
            [json.dumps(actor.as_dict()) for _, _, _, actor, _ in passages],
            [reason for *_, reason in passages],
            list(range(1, len(passages) + 1)),
        ],
        verify,
    )


def get(intent_id: str) -> IntentRecord:
    """The intent as it stands; raises IntentNotFound."""
    found = find(intent_id)
    if found is None:
        raise IntentNotFound(f"There is no intent {intent_id[:80]!r} in this workspace.")
    return found


def find(intent_id: str) -> IntentRecord | None:
    """The intent as it stands, or None."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT + "WHERE intent_id = %s", [intent_id])
        row = cursor.fetchone()
    return read_row(row) if row else None


def lock(intent_id: str) -> IntentRecord:
    """The intent, held by us until the transaction ends; raises IntentNotFound.

    The lock is a statement of its own, so that the read after it sees what the holder before us committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM runtime_intent WHERE intent_id = %s FOR UPDATE", [intent_id])
    return get(intent_id)


def moment_of(intent: IntentRecord, now: datetime) -> datetime:
    """When a change to an intent that we hold locked happens: ``now``, but never before its last change.

    A door reads the clock before it waits for the lock. Of two callbacks that arrive together, the one that comes
    second into the story may have read it first, and its postings would be listed before those that they follow.
    """
    return max(now, intent.updated_at + timedelta(microseconds=1))


def advance(
    intent: IntentRecord, to: Status, *, actor: Actor, at: datetime, reason: str = "", **facts: Any
) -> IntentRecord:
    """Take one transition by compare-and-set on status and version; returns the intent as it is then.

    Raises TransitionNotAllowed when the table has no such step, StaleIntent when somebody else was first.
    """
    check_transition(intent.status, to)
    changes = {"status": to, "version": intent.version + 1, "updated_at": at, **facts}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH moved AS (UPDATE runtime_intent SET {_assignments(changes)}"  # noqa: S608  # our own columns
            " WHERE intent_id = %s AND status = %s AND version = %s RETURNING intent_id)"
            " INSERT INTO runtime_transition (id, intent_id, before, after, at, actor, reason, version)"
            " SELECT %s, intent_id, %s, %s, %s, %s, %s, %s FROM moved",
            [
                *(_to_column(name, value) for name, value in changes.items()),
                intent.intent_id, intent.status, intent.version, ids.new_uuid(), intent.status, to, at,
                json.dumps(actor.as_dict()), reason[:500], intent.version + 1,
            ],
        )  # fmt: skip
        if cursor.rowcount != 1:
            raise StaleIntent(f"{intent.intent_id} is no longer {intent.status}.")
    return get(intent.intent_id)


def note(intent: IntentRecord, *, at: datetime, **facts: Any) -> None:
    """Keep facts beside the status of an intent that we hold locked."""
    changes = {"updated_at": at, **facts}
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE runtime_intent SET {_assignments(changes)} WHERE intent_id = %s",  # noqa: S608  # our own columns
            [*(_to_column(name, value) for name, value in changes.items()), intent.intent_id],
        )


def _assignments(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} = %s" for name in changes)


def history(intent_id: str) -> list[HistoryStep]:
    """Every transition, first one first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT before, after, at, actor, reason, version FROM runtime_transition WHERE intent_id = %s"
            " ORDER BY version",
            [intent_id],
        )
        return [
            HistoryStep(before, after, at, json.loads(actor) if isinstance(actor, str) else actor, reason, version)
            for before, after, at, actor, reason, version in cursor.fetchall()
        ]


def count_replay(intent_id: str) -> None:
    """Count a repeat that was resolved without effect; harmless for an intent that is not there."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runtime_intent SET replays = replays + 1 WHERE intent_id = %s", [intent_id])
