"""The checklist's tasks: who does them, until when, what they say and show, and that they are done.

Each act enters the period's history. The checklist of a locked period stays, but for the packet's task.
"""

from collections.abc import Sequence
from datetime import date, datetime

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.reconciliation.closeout.checklist import AFTER_LOCK, BY_KEY
from zentra.reconciliation.closeout.errors import (
    CloseoutInvalid,
    NotReady,
    StaleTask,
    TaskFrozen,
    TaskIsComputed,
    TaskNotFound,
)
from zentra.reconciliation.closeout.models import Period, Task
from zentra.reconciliation.closeout.queries.checklist import list_tasks
from zentra.reconciliation.closeout.store import add_act, lock_period
from zentra.reconciliation.closeout.types import Act, Link, TaskRecord

_LONGEST_NOTE = 2_000
_MOST_LINKS = 20


def assign_task(
    *,
    task_id: str,
    owner_id: str | None,
    due_on: date,
    version: int,
    actor: Actor,
    now: datetime,
) -> TaskRecord:
    """Give a task to somebody (or nobody) and set its day. Raises TaskNotFound, StaleTask, TaskFrozen, BadId."""
    if owner_id is not None:
        ids.to_uuid(owner_id, prefix="usr")
    period, row = _lock(task_id, version)
    row.owner_id, row.due_on = owner_id, due_on
    _tell(period, row, "task_given", actor, now, owner_id=owner_id, due_on=due_on.isoformat())
    return _save(row, now, "owner_id", "due_on")


def finish_task(
    *, task_id: str, note: str, links: Sequence[Link], version: int, actor: Actor, now: datetime
) -> TaskRecord:
    """Tick a task off, with what was found and links to it. What it depends on is done first.

    Raises TaskNotFound, StaleTask, TaskFrozen, TaskIsComputed, NotReady, CloseoutInvalid, BadId.
    """
    if len(note) > _LONGEST_NOTE or "\x00" in note or len(links) > _MOST_LINKS:
        raise CloseoutInvalid(f"A note has at most {_LONGEST_NOTE:,} characters, a task {_MOST_LINKS} links.")
    period, row = _lock(task_id, version)
    _refuse_computed(row)
    states = {each.key: each for each in list_tasks(period_id=row.period_id, now=now)}
    open_ones = [states[key].title for key in BY_KEY[row.key].depends_on if states[key].state != "done"]
    if open_ones:
        raise NotReady("Other tasks come first.", missing=open_ones)
    row.note, row.done_by, row.done_at = note.strip(), actor.as_dict(), now
    row.links = [{"words": each.words[:200], "kind": each.kind[:40], "ref": each.ref[:200]} for each in links]
    _tell(period, row, "task_done", actor, now, note=row.note, links=row.links)
    return _save(row, now, "note", "links", "done_by", "done_at")


def undo_task(*, task_id: str, version: int, actor: Actor, now: datetime) -> TaskRecord:
    """Take a tick back; the note stays. Raises TaskNotFound, StaleTask, TaskFrozen, TaskIsComputed, BadId."""
    period, row = _lock(task_id, version)
    _refuse_computed(row)
    row.done_by, row.done_at = None, None
    _tell(period, row, "task_undone", actor, now)
    return _save(row, now, "done_by", "done_at")


def _lock(task_id: str, version: int) -> tuple[Period, Task]:
    """The period's row and the task's, both locked, in that order; the period still takes it."""
    ids.to_uuid(task_id, prefix="tsk")
    found = Task.objects.filter(id=task_id).first()
    if found is None:
        raise TaskNotFound(f"There is no task {task_id}.", task_id=task_id)
    period = lock_period(found.period_id)
    row = Task.objects.select_for_update().get(id=task_id)
    if row.version != version:
        raise StaleTask("The task was changed in the meantime.", version=row.version)
    if period.state == "closed" and row.key not in AFTER_LOCK:
        raise TaskFrozen("The period is locked; its checklist stays as it was.", key=row.key)
    return period, row


def _tell(period: Period, row: Task, act: Act, actor: Actor, now: datetime, **facts: object) -> None:
    add_act(period, act, by=actor, now=now, facts={"task_id": row.id, "key": row.key, **facts})


def _refuse_computed(row: Task) -> None:
    if BY_KEY[row.key].is_computed:
        raise TaskIsComputed(f"“{BY_KEY[row.key].title}” is done when the facts say so.")


def _save(row: Task, now: datetime, *fields: str) -> TaskRecord:
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    return next(each for each in list_tasks(period_id=row.period_id, now=now) if each.id == row.id)
