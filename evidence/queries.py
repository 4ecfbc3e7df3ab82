"""Evidence's reads. All within the current workspace."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from django.db import connection

from evidence.store import read_size
from evidence.types import Checkpoint, Leaf, RecordedEvent, SealedTo
from zentra.core import ids
from zentra.core.errors import DomainError

_EVENTS = """
SELECT e.id, e.type, e.announced_as, e.recorded_at, e.intent_id, e.trace_id, e.body, l.index
  FROM evidence_event e LEFT JOIN evidence_leaf l ON l.event_id = e.id AND l.recorded_at = e.recorded_at
"""


class EventNotFound(DomainError):
    """There is no event of this id in the workspace."""

    code = "event_not_found"
    status = 404
    title = "There is no such event"


def has_unsealed() -> bool:
    """Whether any event waits for its place."""
    return bool(_rows("SELECT EXISTS (SELECT 1 FROM evidence_unsealed)", [])[0][0])


def find_verifier_key() -> str | None:
    """The log's note verifier key, which auditors pin; None until the log exists."""
    rows = _rows("SELECT verifier_key FROM evidence_log WHERE id = 1", [])
    return str(rows[0][0]) if rows else None


def find_event(*, event_id: str) -> RecordedEvent:
    """One event by its id; raises EventNotFound, BadId."""
    found = _events("WHERE e.id = %s", [ids.to_uuid(event_id, prefix="evt")])
    if not found:
        raise EventNotFound(f"There is no event {event_id}.")
    return found[0]


def find_event_that_says(
    *, text: str, start: datetime, end: datetime, types: Collection[str] = (), intent_id: str | None = None
) -> RecordedEvent | None:
    """The first event recorded from ``start`` to before ``end`` whose bytes hold a text (an id, say), or None.

    ``types`` matches announced names too. What it reads is the events of that span, or of that intent, so ask for a
    short one.
    """
    found = _events(
        "WHERE e.recorded_at >= %s AND e.recorded_at < %s AND position(%s::bytea IN e.body) > 0"
        " AND (%s OR e.type = ANY(%s) OR e.announced_as && %s) AND (%s::text IS NULL OR e.intent_id = %s)"
        " ORDER BY e.recorded_at, e.id LIMIT 1",
        [start, end, text.encode(), not types, list(types), list(types), intent_id, intent_id],
    )
    return found[0] if found else None


def timeline(*, intent_id: str, limit: int = 1000) -> list[RecordedEvent]:
    """The events of an intent in the order in which they happened, those not yet sequenced included."""
    # By id: UUIDv7 order is the order of the facts, and the order in which they are sequenced.
    return _events("WHERE e.intent_id = %s ORDER BY e.id LIMIT %s", [intent_id, limit])


def events_after(
    *, index: int, limit: int = 100, types: Collection[str] = (), intent_id: str | None = None
) -> list[RecordedEvent]:
    """Sequenced events after a leaf index (−1 for the start), in log order; ``types`` matches announced names too."""
    clause = "WHERE l.index > %s"
    values: list[Any] = [index]
    if types:
        clause += " AND (e.type = ANY(%s) OR e.announced_as && %s)"
        values += [list(types), list(types)]
    if intent_id is not None:
        clause += " AND e.intent_id = %s"
        values.append(intent_id)
    return _events(clause + " ORDER BY l.index LIMIT %s", [*values, limit])


def latest_events(*, limit: int = 50) -> list[RecordedEvent]:
    """The newest events, newest first, those not yet sequenced included."""
    return _events("ORDER BY e.recorded_at DESC, e.id DESC LIMIT %s", [limit])


def sealed_to(*, now: datetime) -> SealedTo:
    """How far the log is sequenced and signed, and how long the oldest unsealed event has waited."""
    [row] = _rows(
        "SELECT (SELECT coalesce(max(index) + 1, 0) FROM evidence_leaf), c.size, c.signed_at,"
        " (SELECT count(*) FROM evidence_unsealed),"
        " least((SELECT min(recorded_at) FROM evidence_unsealed),"
        "       (SELECT recorded_at FROM evidence_leaf WHERE index = coalesce(c.size, 0)))"
        " FROM (SELECT 1) AS one LEFT JOIN"
        " (SELECT size, signed_at FROM evidence_checkpoint ORDER BY size DESC LIMIT 1) AS c ON true",
        [],
    )
    sequenced, signed, signed_at, waiting, oldest = row
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return SealedTo(sequenced=sequenced, signed=signed or 0, signed_at=signed_at, waiting=waiting, age_seconds=age)


def latest_checkpoint() -> Checkpoint | None:
    """The newest signed tree head."""
    rows = _rows("SELECT size, root, note, signed_at FROM evidence_checkpoint ORDER BY size DESC LIMIT 1", [])
    return Checkpoint(rows[0][0], bytes(rows[0][1]), rows[0][2], rows[0][3]) if rows else None


def packet_status(*, intent_id: str) -> Literal["pending", "ready"]:
    """Whether a packet of the intent was sealed."""
    rows = _rows("SELECT EXISTS (SELECT 1 FROM evidence_packet WHERE intent_id = %s)", [intent_id])
    return "ready" if rows[0][0] else "pending"


def packet_statuses(*, intent_ids: Sequence[str]) -> dict[str, Literal["pending", "ready"]]:
    """The same for a page of intents, in one statement."""
    rows = _rows("SELECT DISTINCT intent_id FROM evidence_packet WHERE intent_id = ANY(%s)", [list(intent_ids)])
    ready = {row[0] for row in rows}
    return {intent_id: "ready" if intent_id in ready else "pending" for intent_id in intent_ids}


def leaves_since(*, index: int, limit: int = 1000) -> list[Leaf]:
    """The leaves after an index, in log order."""
    rows = _rows(
        "SELECT index, event_id, recorded_at, leaf_hash FROM evidence_leaf WHERE index > %s ORDER BY index LIMIT %s",
        [index, limit],
    )
    return [Leaf(row[0], ids.to_public("evt", row[1]), row[2], bytes(row[3])) for row in rows]


def find_events(*, event_ids: Sequence[str]) -> list[RecordedEvent]:
    """These events, in the order in which they were recorded; ids that are not here are left out."""
    return _events("WHERE e.id = ANY(%s) ORDER BY e.id", [[ids.to_uuid(each, prefix="evt") for each in event_ids]])


def next_index() -> int:
    """The leaf index that the next sequenced event gets: the cursor of now."""
    return read_size()


def intents_after(*, index: int, limit: int = 2000) -> tuple[int, list[str]]:
    """The next leaf index after a batch, and the intents that the batch's events are about.

    For followers that only need to know what changed. An empty batch gives ``index + 1`` back.
    """
    rows = _rows(
        "SELECT l.index, e.intent_id FROM evidence_leaf l"
        " JOIN evidence_event e ON e.id = l.event_id AND e.recorded_at = l.recorded_at"
        " WHERE l.index > %s ORDER BY l.index LIMIT %s",
        [index, limit],
    )
    following = rows[-1][0] + 1 if rows else index + 1
    return following, sorted({row[1] for row in rows if row[1] is not None})


def _events(condition: str, values: Sequence[Any]) -> list[RecordedEvent]:
    return [_event(row) for row in _rows(_EVENTS + condition, values)]


def _event(row: Sequence[Any]) -> RecordedEvent:
    identity, kind, announced, recorded_at, intent_id, trace_id, body, index = row
    return RecordedEvent(
        id=ids.to_public("evt", identity),
        type=kind,
        announced_as=tuple(announced),
        recorded_at=recorded_at,
        intent_id=intent_id,
        trace_id=trace_id,
        body=bytes(body),
        index=index,
    )


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


# How many events one page of a filtered list looks at, so that its cost does not grow with history.
_SCAN = 20_000


def list_events(
    *,
    before: tuple[datetime, str] | None = None,
    types: Collection[str] = (),
    intent_id: str | None = None,
    text: str = "",
    limit: int = 50,
) -> tuple[list[RecordedEvent], tuple[datetime, str] | None]:
    """Events newest first, and the key (recorded_at, id) after which the next page goes on, None at the end.

    ``types`` matches announced names too; ``text`` is looked for in the events' bytes, letter by letter. A page that is
    narrowed by either looks at the newest 20,000 events after ``before`` and may hold fewer than ``limit``, or none,
    while older ones exist.
    """
    conditions: list[str] = []
    values: list[Any] = []
    if before is not None:
        conditions.append("(recorded_at, id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="evt")]
    if intent_id is not None:
        conditions.append("intent_id = %s")
        values.append(intent_id)
    clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    names, is_narrowed = list(types), bool(types or text)
    rows = _rows(
        f"WITH scanned AS MATERIALIZED (SELECT * FROM evidence_event {clause} ORDER BY recorded_at DESC, id DESC"  # noqa: S608  # constant words
        " LIMIT %s)"
        " SELECT e.id, e.type, e.announced_as, e.recorded_at, e.intent_id, e.trace_id, e.body, l.index"
        " FROM scanned e LEFT JOIN evidence_leaf l ON l.event_id = e.id AND l.recorded_at = e.recorded_at"
        " WHERE (%s OR e.type = ANY(%s) OR e.announced_as && %s) AND (%s OR position(%s::bytea IN e.body) > 0)"
        " ORDER BY e.recorded_at DESC, e.id DESC LIMIT %s",
        [
            *values,
            _SCAN if is_narrowed else limit + 1,
            not names,
            names,
            names,
            not text,
            text.encode(),
            limit + 1,
        ],
    )
    found = [_event(row) for row in rows]
    if len(found) > limit:
        found = found[:limit]
        return found, (found[-1].recorded_at, found[-1].id)
    return found, _scan_end(clause, values) if is_narrowed else None


def _scan_end(clause: str, values: Sequence[Any]) -> tuple[datetime, str] | None:
    """The key of the last event that a filtered page looked at, or None when it saw the first event of all."""
    rows = _rows(
        f"SELECT recorded_at, id FROM evidence_event {clause} ORDER BY recorded_at DESC, id DESC LIMIT 1 OFFSET %s",  # noqa: S608  # constant words
        [*values, _SCAN - 1],
    )
    return (rows[0][0], ids.to_public("evt", rows[0][1])) if rows else None


def count_events_of(*, actor_id: str, role: str, spans: Sequence[tuple[datetime, datetime]]) -> tuple[int, ...]:
    """How many events an actor in a role made in each span of time; of the newest 20,000 of each, so no more."""
    if not spans:
        return ()
    said = f'"id":"{actor_id}","kind":"user","role":"{role}"'
    rows = _rows(
        "SELECT (SELECT count(*) FROM (SELECT body FROM evidence_event WHERE recorded_at BETWEEN s.since AND s.until"
        " ORDER BY recorded_at DESC LIMIT %s) e WHERE position(%s::bytea IN e.body) > 0)"
        " FROM unnest(%s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS s(since, until, place) ORDER BY s.place",
        [_SCAN, said.encode(), [since for since, _ in spans], [until for _, until in spans]],
    )
    return tuple(count for (count,) in rows)
