"""Read denials back. All within the current workspace; they come from the log, of which a partial index keeps them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from zentra.core import ids
from zentra.core.tenancy import TenantRef
from zentra.tenants.denials.types import ActorCount, Denial, DenialCount, DenialFilters

TYPE: Final = "access.denied"
SCAN: Final = 20_000
"""How many denials one page of a filtered list looks at, so that its cost does not grow with history."""

# The type as a literal: a partial index is only taken where the planner sees its condition.
_OURS: Final = f"type = '{TYPE}'"
_BODY: Final = "convert_from(body, 'UTF8')::jsonb"
_WEIGHT: Final = f"1 + coalesce(({_BODY} -> 'data' ->> 'suppressed_before')::bigint, 0)"
_SHOWN: Final = frozenset({"action", "reason", "surface", "side", "workspace", "suppressed_before"})
# Events of the versions before say less: what they had stands for what they lack.
_FIELDS: Final = {
    "actor": "said -> 'actor' ->> 'id'",
    "role": "said -> 'actor' ->> 'role'",
    "reason": "coalesce(said -> 'data' ->> 'reason', said -> 'data' ->> 'code', '')",
    "surface": "coalesce(said -> 'data' ->> 'surface', 'api')",
    "side": "coalesce(said -> 'data' ->> 'side', 'target')",
}
Key = tuple[datetime, str]
EVERYTHING: Final = DenialFilters()


def list_denials(
    *, filters: DenialFilters = EVERYTHING, before: Key | None = None, limit: int = 50
) -> tuple[list[Denial], Key | None]:
    """Denials newest first, and the key (recorded_at, id) after which the next page goes on, None at the end.

    A page that is narrowed by more than a time looks at the newest 20,000 after ``before`` and may hold fewer than
    ``limit``, or none, while older ones exist. Raises BadId for a key that is none of ours.
    """
    where, values = _bounds(filters, before)
    wanted, said = _narrowing(filters)
    rows = _rows(
        f"WITH scanned AS MATERIALIZED (SELECT id, recorded_at, body FROM evidence_event WHERE {where}"  # noqa: S608  # constant words
        " ORDER BY recorded_at DESC, id DESC LIMIT %s),"
        f" told AS (SELECT id, recorded_at, body, {_BODY} AS said FROM scanned)"
        f" SELECT id, recorded_at, body FROM told WHERE {wanted} ORDER BY recorded_at DESC, id DESC LIMIT %s",
        [*values, SCAN if filters.is_narrowed else limit + 1, *said, limit + 1],
    )
    found = [_denial(row) for row in rows]
    if len(found) > limit:
        return found[:limit], found[limit - 1].page_key
    return found, _scan_end(where, values) if filters.is_narrowed else None


def find_denial(*, event_id: str) -> Denial | None:
    """One denial by its event's id; None when it is another event, or none of this workspace. Raises BadId."""
    rows = _rows(
        f"SELECT id, recorded_at, body FROM evidence_event WHERE id = %s AND {_OURS}",  # noqa: S608  # constant words
        [ids.to_uuid(event_id, prefix="evt")],
    )
    return _denial(rows[0]) if rows else None


def count_denials(*, since: datetime, until: datetime, span: timedelta = timedelta(hours=1)) -> list[DenialCount]:
    """How many there were in each span from ``since`` to before ``until``, quiet spans included."""
    rows = _rows(
        f"SELECT date_bin(%s, recorded_at, %s), sum({_WEIGHT}) FROM evidence_event"  # noqa: S608  # constant words
        f" WHERE {_OURS} AND recorded_at >= %s AND recorded_at < %s GROUP BY 1",
        [span, since, since, until],
    )
    counts = {at: int(count) for at, count in rows}
    spans = range(max(0, -(-(until - since) // span)))
    return [DenialCount(since + each * span, counts.get(since + each * span, 0)) for each in spans]


def count_by_actor(*, since: datetime, limit: int = 50) -> list[ActorCount]:
    """Who was denied most since then, in this workspace or as one of its own elsewhere; most first."""
    rows = _rows(
        f"SELECT {_BODY} -> 'actor' ->> 'kind', {_BODY} -> 'actor' ->> 'id', sum({_WEIGHT}) FROM evidence_event"  # noqa: S608  # constant words
        f" WHERE {_OURS} AND recorded_at >= %s GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT %s",
        [since, limit],
    )
    return [ActorCount(kind, actor, int(count)) for kind, actor, count in rows]


def home_of_user(*, user_id: str) -> TenantRef | None:
    """The workspace that a person belongs to: where they were last, if they still are a member, else their first."""
    rows = _rows(
        "SELECT w.id, w.slug, w.schema_name, w.mode, w.ledger_currency FROM public.tenants_membership m"
        " JOIN public.tenants_workspace w ON w.id = m.workspace_id JOIN public.tenants_user u ON u.id = m.user_id"
        " WHERE m.user_id = %s AND w.state IN ('active', 'suspended')"
        " ORDER BY (w.slug = u.last_workspace) DESC, m.created_at, w.id LIMIT 1",
        [ids.to_uuid(user_id, prefix="usr")],
    )
    return TenantRef(*rows[0]) if rows else None


def find_named(*, name: str) -> TenantRef | None:
    """The workspace that a caller named by short name or id, if it has a log; whether there is one is told nobody."""
    rows = _rows(
        "SELECT id, slug, schema_name, mode, ledger_currency FROM public.tenants_workspace"
        " WHERE (slug = %s OR id::text = %s OR id = %s) AND state <> 'deleted' LIMIT 1",
        [name, name.lower(), _workspace_uuid(name)],
    )
    return TenantRef(*rows[0]) if rows else None


def _workspace_uuid(name: str) -> Any:
    try:
        return ids.to_uuid(name, prefix="ws")
    except ids.BadId:
        return None


def _bounds(filters: DenialFilters, before: Key | None) -> tuple[str, list[Any]]:
    clauses, values = [_OURS], list[Any]()
    if before is not None:
        clauses.append("(recorded_at, id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="evt")]
    if filters.since is not None:
        clauses.append("recorded_at >= %s")
        values.append(filters.since)
    if filters.until is not None:
        clauses.append("recorded_at < %s")
        values.append(filters.until)
    return " AND ".join(clauses), values


def _narrowing(filters: DenialFilters) -> tuple[str, list[Any]]:
    clauses, values = ["true"], list[Any]()
    for name, expression in _FIELDS.items():
        wanted = getattr(filters, name)
        if wanted:
            clauses.append(f"{expression} = %s")
            values.append(wanted)
    if filters.action:
        clauses.append("starts_with(said -> 'data' ->> 'action', %s)")
        values.append(filters.action)
    if filters.text:
        clauses.append("position(%s::bytea IN body) > 0")
        values.append(filters.text.encode())
    return " AND ".join(clauses), values


def _scan_end(where: str, values: Sequence[Any]) -> Key | None:
    """The key of the last denial that a filtered page looked at, or None when it saw the first of all."""
    rows = _rows(
        f"SELECT recorded_at, id FROM evidence_event WHERE {where}"  # noqa: S608  # constant words
        " ORDER BY recorded_at DESC, id DESC LIMIT 1 OFFSET %s",
        [*values, SCAN - 1],
    )
    return (rows[0][0], ids.to_public("evt", rows[0][1])) if rows else None


def _denial(row: Sequence[Any]) -> Denial:
    said = json.loads(bytes(row[2]))
    actor, data = said["actor"], said["data"]
    return Denial(
        id=ids.to_public("evt", row[0]),
        recorded_at=row[1],
        actor_kind=str(actor["kind"]),
        actor_id=str(actor["id"]),
        role=str(actor["role"]),
        action=str(data.get("action", "")),
        reason=str(data.get("reason") or data.get("code") or ""),
        surface=str(data.get("surface") or "api"),
        side=str(data.get("side") or "target"),
        workspace=str(data.get("workspace") or ""),
        suppressed=int(data.get("suppressed_before") or 0),
        more={name: value for name, value in data.items() if name not in _SHOWN and value is not None},
    )


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
