"""What people do to a closeout: explain, sign, tick off, close, lock, open again, seal and export."""

from collections.abc import Callable
from datetime import date
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.asked import read_whole
from console.doors import Visit, room
from console.downloads import send_file, spooled, still_may
from console.forms import FormIncomplete, act_once, words
from console.kept import Refused, again, keeping
from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.closeout import tie_mark, tie_reckoning
from console.presenters.finance import columns, facts, options, row, sheet
from console.presenters.words import NONE, dated, grouped
from console.readings.closeout import ROOM, crumbs, period_of, period_url
from console.readings.recon import people
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Act, Ask, Cell, Fact, Facts, FinancePage, Sheet
from console.views.closeout import period_page
from console.views.exceptions import attached, owner_asks
from zentra.reconciliation.closeout import exports
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.errors import CloseoutPacketNotFound, TaskNotFound, TieOutNotFound
from zentra.reconciliation.closeout.queries import (
    get_packet,
    get_tie_out,
    list_gl_accounts,
    list_tasks,
    open_packet,
)
from zentra.reconciliation.closeout.types import Link as TaskLink
from zentra.reconciliation.closeout.types import PeriodRecord, TaskRecord, TieOutRecord
from zentra.tenants.permissions import Permission

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
MOST_MINUTES: Final = 24 * 60
MOST_SAMPLED: Final = 500


def _version(visit: Visit) -> int:
    return read_whole(visit.request.POST.get("version", "")) or 0


def _do(visit: Visit, name: str, to: str, effect: Callable[[], str]) -> HttpResponse:
    return act_once(visit, operation=f"closeout.{name}", effect=effect, to=to)


# --- tie-outs --------------------------------------------------------------------------------------------------------


def _tie_out(period: PeriodRecord, tie_out_id: str) -> TieOutRecord:
    found = get_tie_out(tie_out_id=tie_out_id)
    if found.period_id != period.id:
        raise TieOutNotFound(f"There is no tie-out {tie_out_id} in {period.month}.")
    return found


@room(Permission.RECONCILIATION_READ)
def show_tie_out(visit: Visit, month: str, tie_out_id: str) -> HttpResponse:
    """One account in one period: its figures, what is left, and who signed."""
    return _tie_out_page(visit, None, month, tie_out_id)


def _tie_out_page(visit: Visit, refused: Refused | None, month: str, tie_out_id: str) -> HttpResponse:
    period = period_of(month)
    tie = _tie_out(period, tie_out_id)
    names = people(
        [*(dict(each.by) for each in tie.sign_offs), *([dict(tie.explained_by)] if tie.explained_by else [])]
    )
    room_url = f"{visit.base}reconciliation/"
    page = FinancePage(
        heading=f"Tie-out of {tie.account_name}",
        words=f"{period.name} · {tie.currency} · computed {dated(tie.computed_at)} UTC",
        mark=tie_mark(tie),
        crumbs=crumbs(visit, (period.name, period_url(visit, period))),
        note="The figures changed after they were signed; they are signed anew." if tie.state == "suspended" else "",
        reckonings=(tie_reckoning(tie, until=f"{period.ends_on:%d %B}".lstrip("0")),),
        sheets=(_signatures(tie, names),),
        facts=(
            Facts(
                "Tie-out",
                facts(
                    Fact("account", tie.account_name, url=f"{room_url}accounts/{tie.account_id}/"),
                    ("ledger account", tie.ledger_account_code),
                    ("named", tie.external_id),
                    ("statements", grouped(tie.figures.statements)),
                    Fact(
                        "last one",
                        f"ends {tie.figures.statement_ends_on:%Y-%m-%d}",
                        url=f"{room_url}statements/{tie.figures.statement_id}/",
                    )
                    if tie.figures.statement_id
                    else Fact("last one", "none reaches the period"),
                    Fact(
                        "exceptions",
                        grouped(tie.figures.open_exceptions),
                        url=f"{room_url}exceptions/?account={tie.account_id}",
                    ),
                    (
                        "explained by",
                        f"{person(dict(tie.explained_by), names)}: {tie.explanation}" if tie.explained_by else "",
                    ),
                    Fact("figures", f"{tie.figures_hash[:16]}…", copy=tie.figures_hash),
                    Fact("id", tie.id, copy=tie.id),
                ),
            ),
        ),
        acts=_tie_acts(visit, period, tie),
        side_note=_turn(visit, period, tie) if visit.may(Permission.CLOSEOUT_PREPARE) else "",
        links=(Chip("Workbench", f"{room_url}accounts/{tie.account_id}/workbench/", key="w"),),
    )
    page = again(page, refused, at=f"{period_url(visit, period)}tie-outs/{tie.id}/")
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-tie-out"}
    return render(visit.request, "console/finance/page.html", context)


def _signatures(tie: TieOutRecord, names: Names) -> Sheet:
    return sheet(
        "Signatures",
        columns("Step", "By", "At, UTC", "Figures|opt", "Stands"),
        (
            row(
                each.id,
                each.step,
                person(dict(each.by), names),
                Cell(dated(each.at), css="num"),
                Cell(f"{each.figures_hash[:16]}…", css="num quiet", title=each.figures_hash),
                Cell(
                    mark=mark("overdue", says=f"suspended {dated(each.suspended_at)}")
                    if each.suspended_at
                    else mark("sound", says="stands")
                ),
            )
            for each in tie.sign_offs
        ),
        title="Sign-offs",
        label="preparer ≠ approver",
        empty_title="Nobody has signed yet",
        empty_words="It is signed when nothing is unexplained, or when what is left is explained in words.",
    )


def _tie_acts(visit: Visit, period: PeriodRecord, tie: TieOutRecord) -> tuple[Act, ...]:
    here = f"{period_url(visit, period)}tie-outs/{tie.id}/"
    if period.state == "closed":
        return ()
    acts = []
    signed = (("figures_hash", tie.figures_hash), ("explanation_version", str(tie.explanation_version)))
    prepared, approved = tie.standing("prepared"), tie.standing("approved")
    if visit.may(Permission.CLOSEOUT_PREPARE):
        if not tie.figures.is_tied and approved is None:
            acts.append(
                Act(
                    "explain",
                    "Explain…",
                    f"{here}explain/",
                    verb="Explain it",
                    shortcut="e",
                    hidden=(("version", str(tie.version)),),
                    words="For exactly these figures. It stands in the packet.",
                    asks=(Ask("explanation", "What the rest is", tie.explanation, is_long=True, maximum=2000),),
                )
            )
        if prepared is None and tie.can_be_signed and period.state == "soft":
            acts.append(
                Act("prepare", "Sign as preparer", f"{here}prepare/", hidden=signed, is_primary=True, shortcut="s")
            )
    may_approve = visit.may(Permission.CLOSEOUT_APPROVE) and prepared is not None and approved is None
    if may_approve and not _turn(visit, period, tie):
        acts.append(Act("approve", "Sign as approver", f"{here}approve/", hidden=signed, is_primary=True, shortcut="a"))
    return tuple(acts)


def _turn(visit: Visit, period: PeriodRecord, tie: TieOutRecord) -> str:
    """Why this person does not sign here now; nothing when they may, or when nobody has to."""
    prepared, me = tie.standing("prepared"), visit.member.user_id
    if period.state == "closed" or tie.standing("approved") is not None:
        return ""
    if period.state == "open":
        return "It is signed once the month is softly closed."
    if prepared is not None and prepared.by.get("id") == me:
        return "You signed as preparer; another person approves."
    if prepared is not None and (tie.explained_by or {}).get("id") == me:
        return "You explained the rest; another person approves."
    return ""


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="explain")
def explain(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Say what the unexplained rest is."""
    period = period_of(month)
    text = visit.request.POST.get("explanation", "").strip()[:2000]
    if not text:
        raise FormIncomplete("Say in words what the rest is.", field="explanation")

    def effect() -> str:
        closing.explain_tie_out(
            tie_out_id=tie_out_id, explanation=text, version=_version(visit), actor=visit.actor(), now=visit.now
        )
        return "The rest is explained for these figures."

    return _do(visit, "explain", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="prepare")
def prepare(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Sign as the one who prepared it."""
    period = period_of(month)

    def effect() -> str:
        closing.prepare_tie_out(
            tie_out_id=tie_out_id,
            figures_hash=visit.request.POST.get("figures_hash", ""),
            explanation_version=read_whole(visit.request.POST.get("explanation_version", "")),
            actor=visit.actor(),
            now=visit.now,
        )
        return "You signed as preparer; another person approves."

    return _do(visit, "prepare", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(_tie_out_page, act="approve")
def approve(visit: Visit, month: str, tie_out_id: str) -> HttpResponseBase:
    """Sign as the second person."""
    period = period_of(month)

    def effect() -> str:
        closing.approve_tie_out(
            tie_out_id=tie_out_id,
            figures_hash=visit.request.POST.get("figures_hash", ""),
            explanation_version=read_whole(visit.request.POST.get("explanation_version", "")),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The tie-out is signed by two people."

    return _do(visit, "approve", f"{period_url(visit, period)}tie-outs/{tie_out_id}/", effect)


# --- tasks -----------------------------------------------------------------------------------------------------------


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
    if not visit.may(Permission.CLOSEOUT_PREPARE) or period.state == "closed":
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
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The task is saved."

    return _do(visit, "task.assign", f"{period_url(visit, period)}tasks/{task_id}/", effect)


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
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The task is done."

    return _do(visit, "task.finish", f"{period_url(visit, period)}?tab=checklist", effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_task_page, act="undo")
def undo_task(visit: Visit, month: str, task_id: str) -> HttpResponseBase:
    """Take a tick back."""
    period = period_of(month)

    def effect() -> str:
        closing.undo_task(task_id=task_id, version=_version(visit), actor=visit.actor(), now=visit.now)
        return "The task is to do again."

    return _do(visit, "task.undo", f"{period_url(visit, period)}tasks/{task_id}/", effect)


# --- the period ------------------------------------------------------------------------------------------------------


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="refresh")
def refresh(visit: Visit, month: str) -> HttpResponseBase:
    """Compute the tie-outs anew."""
    period = period_of(month)

    def effect() -> str:
        found = closing.refresh_tie_outs(period_id=period.id, now=visit.now)
        return f"{len(found)} tie-outs are computed anew."

    return _do(visit, "refresh", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="soft-close")
def soft_close(visit: Visit, month: str) -> HttpResponseBase:
    """From now on only adjustments post into it."""
    period = period_of(month)

    def effect() -> str:
        closing.soft_close_period(period_id=period.id, version=_version(visit), actor=visit.actor(), now=visit.now)
        return f"{period.name} is soft closed: only adjustments post into it."

    return _do(visit, "soft_close", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="soft-open")
def soft_open(visit: Visit, month: str) -> HttpResponseBase:
    """Open a soft-closed period again."""
    period = period_of(month)

    def effect() -> str:
        closing.soft_open_period(
            period_id=period.id,
            reason=words(visit, "reason"),
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{period.name} is open again."

    return _do(visit, "soft_open", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(period_page, act="lock")
def lock(visit: Visit, month: str) -> HttpResponseBase:
    """Lock it: nothing posts into it any more."""
    period = period_of(month)
    if visit.request.POST.get("sure") != "yes":
        raise FormIncomplete("Tick that you looked at it: a locked period is opened by two people only.", field="sure")

    def effect() -> str:
        closing.lock_period(period_id=period.id, version=_version(visit), actor=visit.actor(), now=visit.now)
        return f"{period.name} is locked. Nothing posts into it."

    return _do(visit, "lock", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="reopen")
def reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Ask for a locked period to be opened for a while."""
    period = period_of(month)
    minutes = read_whole(visit.request.POST.get("minutes", ""))
    if minutes is None or not 1 <= minutes <= MOST_MINUTES:
        raise FormIncomplete("Say for how many minutes, 1 to 1,440.", field="minutes")

    def effect() -> str:
        closing.request_reopen(
            period_id=period.id,
            reason=words(visit, "reason"),
            minutes=minutes,
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "A second person has to let it be opened."

    return _do(visit, "reopen", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(period_page, act="approve-reopen")
def approve_reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Let it be opened; it locks again by itself."""
    period = period_of(month)

    def effect() -> str:
        found = closing.approve_reopen(period_id=period.id, version=_version(visit), actor=visit.actor(), now=visit.now)
        return f"{period.name} takes adjustments until {dated(found.until)} UTC and locks again by itself."

    return _do(visit, "reopen.approve", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="decline-reopen")
def decline_reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Leave it locked."""
    period = period_of(month)

    def effect() -> str:
        closing.decline_reopen(
            period_id=period.id,
            reason=words(visit, "reason"),
            version=_version(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{period.name} stays locked."

    return _do(visit, "reopen.decline", period_url(visit, period), effect)


# --- packets, the general ledger, exports ----------------------------------------------------------------------------


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="packet")
def seal_packet(visit: Visit, month: str) -> HttpResponseBase:
    """Ask for a packet; a worker seals it within seconds."""
    period = period_of(month)
    size = read_whole(visit.request.POST.get("sample_size", ""))
    if size is None or not 1 <= size <= MOST_SAMPLED:
        raise FormIncomplete("An audit sample has 1 to 500 postings.", field="sample_size")

    def effect() -> str:
        made = closing.request_packet(period_id=period.id, sample_size=size, actor=visit.actor(), now=visit.now)
        return f"Revision {made.revision} is being sealed; it stands here in a few seconds."

    return _do(visit, "packet", f"{period_url(visit, period)}?tab=packet", effect)


@room(Permission.PACKETS_EXPORT)
def download_packet(visit: Visit, month: str, packet_id: str) -> HttpResponse:  # noqa: ARG001  # all have a visit
    """A sealed packet."""
    period, record = period_of(month), get_packet(packet_id=packet_id)
    if record.period_id != period.id:
        raise CloseoutPacketNotFound(f"There is no packet {packet_id} of {period.month}.")
    return attached(open_packet(packet_id=packet_id), record.filename, "application/zip")


@room(Permission.RECONCILIATION_READ)
def show_gl_account(visit: Visit, month: str, account_id: str) -> HttpResponse:
    """How a ledger account is called in the general ledger."""
    return _gl_page(visit, None, month, account_id)


def _gl_page(visit: Visit, refused: Refused | None, month: str, account_id: str) -> HttpResponse:
    period = period_of(month)
    found = next((each for each in list_gl_accounts() if each.ledger_account_id == account_id), None)
    if found is None:
        raise TieOutNotFound(f"There is no ledger account {account_id[:40]}.")
    here = f"{period_url(visit, period)}gl/{account_id}/"
    may = visit.may(Permission.CLOSEOUT_PREPARE)
    page = FinancePage(
        heading=found.ledger_account_code,
        words=f"{found.currency} · in the general ledger",
        crumbs=crumbs(visit, (period.name, f"{period_url(visit, period)}?tab=packet")),
        facts=(Facts("General ledger", facts(("code", found.gl_code or NONE), ("name", found.gl_name or NONE))),),
        acts=(
            Act(
                "gl",
                "Map…",
                f"{here}save/",
                verb="Save",
                is_primary=True,
                asks=(
                    Ask("gl_code", "Code", found.gl_code, maximum=40),
                    Ask("gl_name", "Name", found.gl_name, maximum=120),
                ),
            ),
        )
        if may
        else (),
    )
    page = again(page, refused, at=here)
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-gl"}
    return render(visit.request, "console/finance/page.html", context)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_gl_page, act="gl")
def save_gl_account(visit: Visit, month: str, account_id: str) -> HttpResponseBase:
    """Map a ledger account."""
    period = period_of(month)

    def effect() -> str:
        closing.save_gl_account(
            ledger_account_id=account_id,
            gl_code=words(visit, "gl_code"),
            gl_name=words(visit, "gl_name"),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The account is mapped."

    return _do(visit, "gl", f"{period_url(visit, period)}?tab=packet", effect)


@room(Permission.LEDGER_EXPORT)
def journal_csv(visit: Visit, month: str) -> HttpResponseBase:
    """The journal of the period, by general-ledger accounts, however long it is."""
    period = period_of(month)
    file = spooled(exports.journal_csv(period_id=period.id))  # read within this transaction, sent after it
    still = still_may(visit, Permission.LEDGER_EXPORT)
    return send_file(visit.request, file, name=f"journal-{period.month}.csv", kind=CSV, still=still)


@room(Permission.LEDGER_EXPORT)
def journal_xlsx(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The same as a spreadsheet."""
    period = period_of(month)
    return attached(exports.journal_xlsx(period_id=period.id), f"journal-{period.month}.xlsx", XLSX)


@room(Permission.RECONCILIATION_READ)
def trial_csv(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The trial balance with its roll-forward."""
    period = period_of(month)
    return attached(exports.trial_balance_csv(period_id=period.id), f"trial-balance-{period.month}.csv", CSV)


@room(Permission.RECONCILIATION_READ)
def trial_xlsx(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The same as a spreadsheet."""
    period = period_of(month)
    return attached(exports.trial_balance_xlsx(period_id=period.id), f"trial-balance-{period.month}.xlsx", XLSX)
