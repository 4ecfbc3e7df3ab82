"""Recording facts. On the money path: one statement for any number of events, no lock, no chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from evidence import catalogue
from evidence.types import NewEvent
from zentra.core import canonical, clock, ids
from zentra.core.db.hot import defer_hot, execute_bulk
from zentra.core.tenancy import current_tenant

SCHEMA: Final = "v2026.04"

# The database computes the leaf hash from the bytes that it stores, so that no caller can store another one. Rows of
# single values, not arrays, as long as they are few: binding six arrays costs more than the rest of the statement.
_ROW = "(%s::uuid, %s::text, %s::text, %s::text, %s::text, %s::bytea)"
_MANY: Final = 8
_ARRAYS = "unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[])"
_RECORD = """
WITH fresh AS (
    INSERT INTO evidence_event (id, recorded_at, type, announced_as, intent_id, trace_id, body, leaf_hash)
    SELECT n.id, %s::timestamptz, n.type, string_to_array(n.names, ','), n.intent_id, n.trace_id, n.body,
           sha256('\\x00'::bytea || n.body)
      FROM {rows} AS n (id, type, names, intent_id, trace_id, body)
    RETURNING id, recorded_at
)
INSERT INTO evidence_unsealed (event_id, recorded_at) SELECT id, recorded_at FROM fresh
"""


def record_events(*, events: Sequence[NewEvent], now: datetime) -> list[str]:
    """Record facts in the caller's tenant transaction; returns their ids in the order given.

    They commit or vanish with the money that they describe. Their place in the log is assigned after the commit.

    Raises:
        UnknownEventType: a type or an announced name is not in the catalogue.
        NotCanonical: the data holds a float, a non-ASCII key or an integer beyond 2^53−1.
    """
    if not events:
        return []
    workspace = current_tenant().slug
    # Ids are strictly increasing within a process, and the sealer takes events in id order: what one operation
    # records is sequenced in the order in which it happened.
    uuids = [ids.new_uuid() for _ in events]
    public = [ids.to_public("evt", value) for value in uuids]
    bodies = [
        _body(event, event_id=name, workspace=workspace, now=now) for event, name in zip(events, public, strict=True)
    ]
    rows = [
        (identity, event.type, ",".join(event.announced_as), event.intent_id, event.trace_id, body)
        for event, identity, body in zip(events, uuids, bodies, strict=True)
    ]
    if len(rows) < _MANY:
        one_by_one = ", ".join([_ROW] * len(rows))
        defer_hot(_RECORD.format(rows=f"(VALUES {one_by_one})"), [now, *(value for row in rows for value in row)])
    else:
        execute_bulk(_RECORD.format(rows=_ARRAYS), [now, *(list(column) for column in zip(*rows, strict=True))])
    return public


def _body(event: NewEvent, *, event_id: str, workspace: str, now: datetime) -> bytes:
    """The event's canonical bytes (CONTRACT.md 4)."""
    for name in (event.type, *event.announced_as):
        catalogue.describe(name)
    data = {**event.data, "announced_as": list(event.announced_as)} if event.announced_as else event.data
    return canonical.dumps(
        {
            "id": event_id,
            "type": event.type,
            "schema": SCHEMA,
            "occurred_at": clock.iso(event.occurred_at or now),
            "workspace": workspace,
            "actor": event.actor.as_dict(),
            "intent_id": event.intent_id,
            "trace_id": event.trace_id,
            "data": data,
        }
    )
