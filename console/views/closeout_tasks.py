"""One row of a period's checklist: who does it, by when, and that it is done."""

from datetime import date

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.asked import version_of
from console.doors import Visit, room
from console.forms import FormIncomplete, words
from console.kept import Refused, again, keeping
from console.marks import mark
from console.presenters.accounts import person
from console.presenters.finance import columns, facts, options, row, sheet
from console.presenters.words import dated
from console.readings.closeout import ROOM, act_on_period, crumbs, period_of, period_url
from console.readings.exception_forms import owner_asks
from console.readings.recon import people
from console.shell import build_shell
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.checklist import AFTER_LOCK
from zentra.reconciliation.closeout.errors import TaskNotFound
from zentra.reconciliation.closeout.queries import list_tasks
from zentra.reconciliation.closeout.types import Link as TaskLink
from zentra.reconciliation.closeout.types import PeriodRecord, TaskRecord
from zentra.tenants.permissions import Permission


@room(Permission.RECONCILIATION_READ)
def show_task(visit: Visit, month: str, task_id: str) -> HttpResponse:
    """One row of the checklist with its evidence."""
    return _task_page(visit, None, month, task_id)


def _task_page(visit: Visit, refused: Refused | None, month: str, task_id: str) -> HttpResponse:
    period = period_of(month)
    tasks = list_tasks(period_id=period.id, now=visit.now)
    task = next((each for each in tasks if each.id == task_id), None)
    if task is None:
        raise TaskNotFound(f"There is no task {task_id[:40]} in {period.month}.")
    titles = {each.key: each.title for each in tasks}
    names = people([dict(task.done_by)] if task.done_by else [], [task.owner_id])
    marks = {
        "blocked": mark("not_applicable", says="blocked"),
        "todo": mark("pending", says="to do"),
        "done": mark("done"),
    }
    page = FinancePage(
        heading=task.title,
        words=task.says,
        mark=marks[task.state],
        crumbs=crumbs(visit, (period.name, f"{period_url(visit, period)}?tab=checklist")),
        note=task.note,
        sheets=(
            sheet(
                "Evidence of the task",
                columns("Evidence", "Where"),
                (
                    row(f"{at}", each.words, Cell(each.ref, url=_evidence(visit, each)))
                    for at, each in enumerate(task.links)
                ),
                title="Evidence",
                empty_title="No evidence is linked",
            ),
        ),
        facts=(
            Facts(
                "Task",
                facts(
                    ("owner", names.get(task.owner_id or "", "nobody")),
                    Fact("due", f"{task.due_on:%Y-%m-%d}", css="late" if task.is_overdue else ""),
                    ("after", ", ".join(titles.get(key, key) for key in task.depends_on)),
                    ("done", f"{person(dict(task.done_by), names)}, {dated(task.done_at)} UTC" if task.done_by else ""),
                    ("state", "follows from the facts" if task.is_computed else "ticked by a person"),
                    Fact("id", task.id, copy=task.id),
                ),
            ),
        ),
        acts=_task_acts(visit, period, task),
    )
    page = again(page, refused, at=f"{period_url(visit, period)}tasks/{task.id}/")
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-task"}
    return render(visit.request, "console/finance/page.html", context)


def _evidence(visit: Visit, link: TaskLink) -> str:
    places = {
        "statement": "reconciliation/statements/",
        "exception": "reconciliation/exceptions/",
        "match": "reconciliation/matches/",
        "account": "reconciliation/accounts/",
        "posting": "ledger/postings/",
        "intent": "intents/",
        "import": "reconciliation/imports/",
    }
    return f"{visit.base}{places[link.kind]}{link.ref}/" if link.kind in places else ""


def _task_acts(visit: Visit, period: PeriodRecord, task: TaskRecord) -> tuple[Act, ...]:
    if not visit.may(Permission.CLOSEOUT_PREPARE) or (period.state == "closed" and task.key not in AFTER_LOCK):
        return ()
    here, version = f"{period_url(visit, period)}tasks/{task.id}/", (("version", str(task.version)),)
    due = Ask("due_on", "Due", f"{task.due_on:%Y-%m-%d}", type="date", maximum=10)
    acts = [
        Act(
            "assign",
            "Owner and due day…",
            f"{here}assign/",
            verb="Save",
            hidden=version,
            asks=(owner_asks(with_nobody=True), due),
        )
    ]
    if not task.is_computed and task.state == "todo":
        kinds = (
            ("", "none"),
            ("statement", "statement"),
            ("posting", "posting"),
            ("exception", "exception"),
            ("intent", "intent"),
        )
        acts.append(
            Act(
                "finish",
                "Tick off…",
                f"{here}finish/",
                verb="Tick it off",
                hidden=version,
                is_primary=True,
                shortcut="d",
                asks=(
                    Ask("note", "What was done", is_long=True),
                    Ask("kind", "Evidence", options=options(kinds), is_required=False),
                    Ask("ref", "Its id", is_required=False, maximum=80),
                ),
            )
        )
    if not task.is_computed and task.state == "done":
        acts.append(Act("undo", "Take it back", f"{here}undo/", hidden=version, is_warning=True))
    return tuple(acts)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_task_page, act="assign")
def assign_task(visit: Visit, month: str, task_id: str) -> HttpResponseBase:
    """Who does it, and by when."""
    period = period_of(month)
    due = _day(visit.request.POST.get("due_on", ""))

    def effect() -> str:
        closing.assign_task(
            task_id=task_id,
            owner_id=words(visit, "owner", needed=False) or None,
            due_on=due,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The task is saved."

    return act_on_period(visit, "task.assign", f"{period_url(visit, period)}tasks/{task_id}/", effect)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise FormIncomplete("The due day is a day, such as 2026-05-04.", field="due_on") from None
    if not 1970 <= found.year <= 9000:
        raise FormIncomplete("The due day is a day, such as 2026-05-04.", field="due_on")
    return found


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_task_page, act="finish")
def finish_task(visit: Visit, month: str, task_id: str) -> HttpResponseBase:
    """Tick a task off, with what was done."""
    period = period_of(month)
    kind, ref = visit.request.POST.get("kind", ""), visit.request.POST.get("ref", "").strip()[:80]
    links = (TaskLink(kind, kind, ref),) if kind and ref else ()

    def effect() -> str:
        closing.finish_task(
            task_id=task_id,
            note=words(visit, "note"),
            links=links,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The task is done."

    return act_on_period(visit, "task.finish", f"{period_url(visit, period)}?tab=checklist", effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_task_page, act="undo")
def undo_task(visit: Visit, month: str, task_id: str) -> HttpResponseBase:
    """Take a tick back."""
    period = period_of(month)

    def effect() -> str:
        closing.undo_task(task_id=task_id, version=version_of(visit), actor=visit.actor(), now=visit.now)
        return "The task is to do again."

    return act_on_period(visit, "task.undo", f"{period_url(visit, period)}tasks/{task_id}/", effect)
