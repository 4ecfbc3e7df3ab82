"""How workspaces run, from outside: the platform's own look at numbers, never at content.

It reads by the names of schemas, one statement for a whole page of workspaces, and enters none of them. Drift is what
the ledger's last full re-sum found; how old the other figures are is nobody's question, since they are of this moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from psycopg import sql

from zentra.core.tenancy import TenantRef
from zentra.tenants.queries import head_migrations

LATE_SECONDS: Final = 30.0
"""Work that is due, or an event that is not sealed, for longer than this makes a workspace late."""

BAD_SECONDS: Final = 300.0
MOST_AT_ONCE: Final = 200
_MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class WorkspaceHealth:
    """What is known of a workspace from outside. Seconds are None where nothing waits.

    ``unsealed`` counts up to 10,000. ``drift`` names the currencies whose entries did not sum to zero, or whose
    balances are not what their entries come to.
    """

    workspace_id: UUID
    schema_at_head: bool
    oldest_due_seconds: float | None
    unsealed: int
    sealed_lag_seconds: float | None
    sealed_size: int
    sealed_at: datetime | None
    drift: tuple[str, ...]
    summed_at: datetime | None

    @property
    def state(self) -> Literal["good", "late", "bad"]:
        """In a word: drift or a schema behind is bad, and so is what waits for five minutes."""
        waits = max(self.oldest_due_seconds or 0.0, self.sealed_lag_seconds or 0.0)
        if self.drift or not self.schema_at_head or waits > BAD_SECONDS:
            return "bad"
        return "late" if waits > LATE_SECONDS else "good"


_ONE: Final = sql.SQL("""
    SELECT {id}::uuid,
           (SELECT count(*) FROM {schema}.django_migrations m JOIN head h ON h.app = m.app AND h.name = m.name),
           (SELECT min(due_at) FROM public.work_item WHERE workspace_id = {id} AND done_at IS NULL AND lane = ''),
           (SELECT count(*) FROM (SELECT 1 FROM {schema}.evidence_unsealed LIMIT {most}) u),
           (SELECT min(recorded_at) FROM {schema}.evidence_unsealed),
           (SELECT max(size) FROM {schema}.evidence_checkpoint),
           (SELECT signed_at FROM {schema}.evidence_checkpoint ORDER BY size DESC LIMIT 1),
           array(SELECT currency FROM {schema}.ledger_resum
                  WHERE entry_sum_minor <> 0 OR diverging_accounts > 0 ORDER BY currency),
           (SELECT min(computed_at) FROM {schema}.ledger_resum)
""")


def workspace_health(*, workspace: TenantRef, now: datetime) -> WorkspaceHealth:
    """How one workspace runs. Raises ProgrammingError when it has no schema."""
    return workspaces_health(workspaces=[workspace], now=now)[workspace.id]


def workspaces_health(*, workspaces: Sequence[TenantRef], now: datetime) -> dict[UUID, WorkspaceHealth]:
    """How a page of workspaces runs, in one statement; at most 200. Only of those that have a schema."""
    if not workspaces:
        return {}
    if len(workspaces) > MOST_AT_ONCE:
        raise ValueError(f"At most {MOST_AT_ONCE} workspaces at once.")
    heads = sorted(head_migrations(public=False))
    parts = sql.SQL(" UNION ALL ").join(
        _ONE.format(id=sql.Literal(str(each.id)), schema=sql.Identifier(each.schema), most=sql.Literal(_MOST_COUNTED))
        for each in workspaces
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH head AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[]) AS h (app, name)) "  # noqa: S608  # what is put in is quoted
            + parts.as_string(None).replace("%", "%%"),
            [[app for app, _ in heads], [name for _, name in heads]],
        )
        return {row[0]: _health(row, len(heads), now) for row in cursor.fetchall()}


def _health(row: Sequence[Any], heads: int, now: datetime) -> WorkspaceHealth:
    key, applied, due_at, unsealed, oldest, size, signed_at, drift, summed_at = row
    return WorkspaceHealth(
        workspace_id=key, schema_at_head=applied == heads, oldest_due_seconds=_age(due_at, now), unsealed=unsealed,
        sealed_lag_seconds=_age(oldest, now), sealed_size=size or 0, sealed_at=signed_at, drift=tuple(drift),
        summed_at=summed_at,
    )  # fmt: skip


def _age(moment: datetime | None, now: datetime) -> float | None:
    """Seconds since; None when it lies ahead, or there is none."""
    if moment is None or moment > now:
        return None
    return (now - moment).total_seconds()
