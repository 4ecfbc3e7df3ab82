"""Everything that a workspace holds, counted, so that a test can say: nothing was written but the recorded refusal."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.db import connection

from zentra.core.tenancy import TenantRef, tenant_work

_EVENT_TABLES = ("evidence_event", "evidence_unsealed")
# Where processes of an end-to-end test run beside this one, they sequence, roll up and add up in every workspace.
_NOT_OURS = ("evidence_leaf", "evidence_node", "evidence_checkpoint", "evidence_log", "runtime_rollup", "ledger_resum",
             "routing_health")  # fmt: skip


class Writes:
    """The rows of one workspace. Made when the test starts; `new_*` compare with that moment."""

    def __init__(self, workspace: TenantRef) -> None:
        self._workspace = workspace
        self.note()

    def note(self) -> None:
        """Take this moment as the one to compare with."""
        self._rows = self._count()
        self._events = self._event_ids()

    def new_rows(self) -> dict[str, int]:
        """Tables with more rows than before, those of events left out."""
        now = self._count()
        return {
            table: count - self._rows.get(table, 0)
            for table, count in now.items()
            if count != self._rows.get(table, 0) and not table.startswith((*_EVENT_TABLES, *_NOT_OURS))
        }

    def new_events(self) -> list[dict[str, Any]]:
        """The events recorded since, in their order."""
        with tenant_work(self._workspace), connection.cursor() as cursor:
            cursor.execute("SELECT id, body FROM evidence_event ORDER BY id")
            return [json.loads(bytes(body)) for key, body in cursor.fetchall() if key not in self._events]

    def new_types(self) -> Counter[str]:
        """How many events of each type were recorded since."""
        return Counter(event["type"] for event in self.new_events())

    def one(self, statement: str, *values: str) -> Any:
        """The single value of a query inside the workspace."""
        with tenant_work(self._workspace), connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone()
        return row[0] if row else None

    def _count(self) -> dict[str, int]:
        with tenant_work(self._workspace), connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"
                " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
                " AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1",
                [self._workspace.schema],
            )
            tables = [name for (name,) in cursor.fetchall()]
            cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables))
            return dict(cursor.fetchall())

    def _event_ids(self) -> set[Any]:
        with tenant_work(self._workspace), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM evidence_event")
            return {key for (key,) in cursor.fetchall()}
