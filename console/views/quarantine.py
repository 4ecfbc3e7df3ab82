"""The quarantine: callbacks that are signed and could not be taken in, corrected once by a person or left to rest."""

from dataclasses import dataclass
from typing import Final, cast

from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.forms import MAX_WORDS, act_once
from console.presenters import callbacks as present_callbacks
from console.presenters import quarantine as present
from console.readings.inbound import find_detail, inbound_tabs, rail_names
from console.readings.ledger import names_of
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip
from console.types.inbound import QuarantinedPage, QuarantinePage, RepairForm
from webhooks.operations import dismiss_callback, repair_callback
from webhooks.queries import CallbackDetail, QuarantineRecord, count_quarantined, get_quarantined, list_quarantine
from webhooks.types import CallbackReceipt, QuarantineState
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

STATES: Final = (("open", "Open"), ("applied", "Taken in"), ("dismissed", "Dismissed"), ("all", "All"))
_DONE: Final = {
    "applied": "It is applied",
    "duplicate": "It is taken in; it says what was known already",
    "late": "It is taken in; a later word about the same payment came first, so nothing was posted",
    "mismatch": "It is taken in; it speaks of other money than we ordered, so nothing was posted",
    "unmatched": "It is taken in; it names no payment of ours yet, and waits for it",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody filled in; kept when it is refused."""

    text: str
    note: str
    is_dismissal: bool = False


@room(Permission.CALLBACKS_READ)
def show_quarantine(visit: Visit) -> HttpResponse:
    """What waits for a person; or what was decided."""
    chosen, before = asked(visit, "state"), asked(visit, "before")
    state = chosen if chosen in {key for key, _ in STATES} else "open"
    found = list_quarantine(
        state=None if state == "all" else cast("QuarantineState", state), before=paging.decode(before)
    )
    rails, names, here = rail_names(), names_of(each.decided_by for each in found.rows), f"{visit.base}inbound/"
    here += "quarantine/"
    kept = state if state != "open" else ""
    page = QuarantinePage(
        tabs=inbound_tabs(visit, "quarantine"),
        states=tuple(
            Chip(
                title,
                paging.link(here, state=key if key != "open" else ""),
                key == state,
                count_quarantined() if key == "open" else None,
            )
            for key, title in STATES
        ),
        rows=tuple(
            present.quarantine_row(each, base=visit.base, now=visit.now, rails=rails, names=names)
            for each in found.rows
        ),
        is_open=state == "open",
        next_url=paging.link(here, state=kept, before=paging.encode(found.next_key)) if found.next_key else "",
        first_url=paging.link(here, state=kept) if before else "",
    )
    return render(visit.request, "console/quarantine.html", {"shell": build_shell(visit, room="inbound"), "page": page})


@room(Permission.CALLBACKS_READ)
def show_quarantined(visit: Visit, callback_id: str) -> HttpResponse:
    """One of them: its bytes, what is wrong with them, and the form that corrects it."""
    return _show(visit, get_quarantined(callback_id=callback_id))


@room(Permission.CALLBACKS_REPAIR, step_up=True)
def repair(visit: Visit, callback_id: str) -> HttpResponse:
    """Apply a corrected body, once. A refusal shows the form again as it was filled in."""
    record = get_quarantined(callback_id=callback_id)
    if visit.request.method != "POST":  # somebody came back to where the form went
        return HttpResponseRedirect(_here(visit, record))
    typed = _typed(visit, record)
    body = record.body if visit.request.POST.get("do") == "repeat" else typed.text.encode()

    def effect() -> str:
        receipt = repair_callback(callback_id=record.id, body=body, actor=visit.actor(), note=typed.note, now=visit.now)
        return _said(receipt)

    try:
        with transaction.atomic():
            return act_once(visit, operation="callbacks.repair", effect=effect, to=_here(visit, record))
    except DomainError as error:
        return _show(visit, get_quarantined(callback_id=record.id), typed=typed, error=error)


@room(Permission.CALLBACKS_REPAIR, step_up=True)
def dismiss(visit: Visit, callback_id: str) -> HttpResponse:
    """Decide that nothing comes of it. It is kept."""
    record = get_quarantined(callback_id=callback_id)
    note = visit.request.POST.get("reason", "").strip()[:MAX_WORDS]

    def effect() -> str:
        dismiss_callback(callback_id=record.id, actor=visit.actor(), note=note, now=visit.now)
        return "It is dismissed: kept, and answered when it comes again, so that the rail stops sending it."

    try:
        with transaction.atomic():
            return act_once(visit, operation="callbacks.dismiss", effect=effect, to=_here(visit, record))
    except DomainError as error:
        typed = Typed(_text(record), note, is_dismissal=True)
        return _show(visit, get_quarantined(callback_id=record.id), typed=typed, error=error)


def _said(receipt: CallbackReceipt) -> str:
    done = _DONE[receipt.state]
    return f"{done}: {receipt.posting_id} stands for it." if receipt.posting_id else f"{done}."


def _here(visit: Visit, record: QuarantineRecord) -> str:
    return f"{visit.base}inbound/quarantine/{record.id}/"


def _text(record: QuarantineRecord) -> str:
    """The body as a field can hold it."""
    return record.body.decode("utf-8", "replace").replace("\x00", "�")


def _typed(visit: Visit, record: QuarantineRecord) -> Typed:
    """What the form says. Browsers send line ends as CRLF, whatever they were given."""
    text = visit.request.POST.get("body", "")
    if b"\r\n" not in record.body:
        text = text.replace("\r\n", "\n")
    return Typed(text, visit.request.POST.get("note", "").strip()[:MAX_WORDS])


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(
    visit: Visit, record: QuarantineRecord, *, typed: Typed | None = None, error: DomainError | None = None
) -> HttpResponse:
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    names, detail = names_of([record.decided_by]), find_detail(record.id)
    row = present.quarantine_row(record, base=visit.base, now=visit.now, rails=rail_names(), names=names)
    posting_id = present_callbacks.posting_of(detail) if detail else ""
    intent_id = present_callbacks.intent_of(detail) if detail else ""
    page = QuarantinedPage(
        row=row,
        words=present.quarantine_words(record),
        body=present_callbacks.body_view(record.body),
        facts=present.quarantine_facts(record, row=row),
        fixed=present_callbacks.body_view(record.fixed_body) if record.fixed_body is not None else None,
        form=_form(visit, record, typed),
        form_note="" if visit.may(Permission.CALLBACKS_REPAIR) else _may_not(visit, record),
        arrivals_url=f"{visit.base}inbound/{record.id}/" if detail else "",
        result=_result(record, detail),
        posting_id=posting_id,
        posting_url=f"{visit.base}ledger/postings/{posting_id}/" if visit.may(Permission.LEDGER_READ) else "",
        intent_id=intent_id,
        intent_url=f"{visit.base}intents/{intent_id}/" if visit.may(Permission.INTENTS_READ) else "",
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
        typed=typed.text if typed and record.state != "open" and not typed.is_dismissal else "",
        typed_note=typed.note if typed and record.state != "open" else "",
    )
    context = {"shell": build_shell(visit, room="inbound"), "page": page}
    return render(visit.request, "console/quarantined.html", context, status=error.status if error else 200)


def _form(visit: Visit, record: QuarantineRecord, typed: Typed | None) -> RepairForm | None:
    if record.state != "open" or not visit.may(Permission.CALLBACKS_REPAIR):
        return None
    here = _here(visit, record)
    return RepairForm(
        action=f"{here}repair/",
        dismiss_url=f"{here}dismiss/",
        text=typed.text if typed else _text(record),
        note=typed.note if typed else "",
        words=""
        if present_callbacks.body_view(record.body).is_text
        else "The original is no UTF-8: what could not be read is shown as �.",
        may_repeat=record.code == present.APPLY_FAILED,
        is_refused=typed is not None,
    )


def _may_not(visit: Visit, record: QuarantineRecord) -> str:
    if record.state != "open":
        return ""
    return f"As {visit.member.role} you can look at it; correcting it takes “callbacks.repair”."


def _result(record: QuarantineRecord, detail: CallbackDetail | None) -> str:
    """What became of it, once it is decided."""
    if record.state == "open":
        return ""
    if record.state == "dismissed":
        return "Dismissed: nothing came of it. It is kept; the same bytes again are answered, so that the rail stops."
    return f"{_DONE.get(detail.now_state, 'It is taken in')}." if detail else "It is taken in."
