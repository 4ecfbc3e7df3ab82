"""The checklist's tasks: who does them, until when, what they say and show, and that they are done."""

from collections.abc import Sequence
from datetime import date, datetime

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.reconciliation.closeout.checklist import BY_KEY
from zentra.reconciliation.closeout.errors import CloseoutInvalid, NotReady, StaleTask, TaskIsComputed, TaskNotFound
from zentra.reconciliation.closeout.models import Task
from zentra.reconciliation.closeout.queries.checklist import list_tasks
from zentra.reconciliation.closeout.types import Link, TaskRecord

_LONGEST_NOTE = 2_000
_MOST_LINKS = 20


def assign_task(
    *,
    task_id: str,
    owner_id: str | None,
    due_on: date,
    version: int,
    actor: Actor,  # noqa: ARG001  # every door has one
    now: datetime,
) -> TaskRecord:
    """Give a task to somebody (or nobody) and set its day. Raises TaskNotFound, StaleTask, BadId."""
    if owner_id is not None:
        ids.to_uuid(owner_id, prefix="usr")
    row = _lock(task_id, version)
    row.owner_id, row.due_on = owner_id, due_on
    return _save(row, now, "owner_id", "due_on")


def finish_task(
    *, task_id: str, note: str, links: Sequence[Link], version: int, actor: Actor, now: datetime
) -> TaskRecord:
    """Tick a task off, with what was found and links to it. What it depends on is done first.

    Raises TaskNotFound, StaleTask, TaskIsComputed, NotReady, CloseoutInvalid, BadId.
    """
    if len(note) > _LONGEST_NOTE or "\x00" in note or len(links) > _MOST_LINKS:
        raise CloseoutInvalid(f"A note has at most {_LONGEST_NOTE:,} characters, a task {_MOST_LINKS} links.")
    row = _lock(task_id, version)
    _refuse_computed(row)
    states = {each.key: each for each in list_tasks(period_id=row.period_id, now=now)}
    open_ones = [states[key].title for key in BY_KEY[row.key].depends_on if states[key].state != "done"]
    if open_ones:
        raise NotReady("Other tasks come first.", missing=open_ones)
    row.note, row.done_by, row.done_at = note.strip(), actor.as_dict(), now
    row.links = [{"words": each.words[:200], "kind": each.kind[:40], "ref": each.ref[:200]} for each in links]
    return _save(row, now, "note", "links", "done_by", "done_at")


def undo_task(*, task_id: str, version: int, actor: Actor, now: datetime) -> TaskRecord:  # noqa: ARG001  # every door has one
    """Take a tick back; the note stays. Raises TaskNotFound, StaleTask, TaskIsComputed, BadId."""
    row = _lock(task_id, version)
    _refuse_computed(row)
    row.done_by, row.done_at = None, None
    return _save(row, now, "done_by", "done_at")


def _lock(task_id: str, version: int) -> Task:
    ids.to_uuid(task_id, prefix="tsk")
    row = Task.objects.select_for_update().filter(id=task_id).first()
    if row is None:
        raise TaskNotFound(f"There is no task {task_id}.", task_id=task_id)
    if row.version != version:
        raise StaleTask("The task was changed in the meantime.", version=row.version)
    return row


def _refuse_computed(row: Task) -> None:
    if BY_KEY[row.key].is_computed:
        raise TaskIsComputed(f"“{BY_KEY[row.key].title}” is done when the facts say so.")


def _save(row: Task, now: datetime, *fields: str) -> TaskRecord:
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    return next(each for each in list_tasks(period_id=row.period_id, now=now) if each.id == row.id)
