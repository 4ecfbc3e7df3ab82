"""The checklist of a period as it stands."""

from datetime import datetime
from typing import Any

from zentra.reconciliation.closeout import calendar
from zentra.reconciliation.closeout.checklist import TASKS, TaskKind
from zentra.reconciliation.closeout.models import Task
from zentra.reconciliation.closeout.queries.overviews import overview_of
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import Link, TaskRecord


def list_tasks(*, period_id: str, now: datetime) -> list[TaskRecord]:
    """The tasks in their order. A computed one's state follows from the facts. Raises PeriodNotFound, BadId."""
    period = get_row(period_id)
    seen = overview_of(row=period, now=now)
    today = calendar.business_day(at=now, zone=period.time_zone, hour=period.cut_off_hour)
    stored = {row.key: row for row in Task.objects.filter(period_id=period.id)}
    kinds = [kind for kind in TASKS if kind.key in stored]
    done = {kind.key for kind in kinds if (kind.done(seen) if kind.done else stored[kind.key].done_at is not None)}
    return [
        _record(
            stored[kind.key],
            kind,
            state="done" if kind.key in done else "blocked" if set(kind.depends_on) - done else "todo",
            says=kind.says(seen) if kind.says else "",
            is_overdue=kind.key not in done and stored[kind.key].due_on < today,
        )
        for kind in kinds
    ]


def _record(row: Task, kind: TaskKind, **more: Any) -> TaskRecord:
    return TaskRecord(
        id=row.id,
        period_id=row.period_id,
        key=row.key,
        title=kind.title,
        is_computed=kind.is_computed,
        owner_id=row.owner_id,
        due_on=row.due_on,
        depends_on=kind.depends_on,
        note=row.note,
        links=tuple(Link(**each) for each in row.links),
        done_by=row.done_by,
        done_at=row.done_at,
        version=row.version,
        **more,
    )
