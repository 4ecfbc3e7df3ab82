"""What people do about an exception: take, explain, dispute, adjust, write off, and let an adjustment through."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Final, Literal
from urllib.parse import quote

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from console.asked import minor, version_of
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.kept import Refused, keeping
from console.presenters.words import grouped
from console.readings.exception_forms import exception_url
from console.readings.recon import people
from console.views.exception import exception_page
from zentra.reconciliation.matching.desk import operations as desk
from zentra.reconciliation.matching.desk.errors import NoteFileRefused
from zentra.reconciliation.matching.desk.queries import get_adjustment, get_exception, read_note_file
from zentra.reconciliation.matching.desk.types import AdjustmentLine
from zentra.reconciliation.matching.operations import confirm_match
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import require_step_up

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_LINES: Final = 4
_OUTCOMES: Final[tuple[Literal["accepted", "rejected", "withdrawn"], ...]] = ("accepted", "rejected", "withdrawn")


def _act(
    visit: Visit, exception_id: str, name: str, effect: Callable[[], str], *, file_sha256: str = ""
) -> HttpResponse:
    return act_once(
        visit,
        operation=f"recon.exception.{name}",
        effect=effect,
        to=exception_url(visit, exception_id),
        file_sha256=file_sha256,
    )


def _day(visit: Visit, name: str, what: str) -> date:
    try:
        found = date.fromisoformat(visit.request.POST.get(name, "").strip())
    except ValueError:
        raise FormIncomplete(f"{what} is a day, such as 2026-04-30.", field=name) from None
    if not 1970 <= found.year <= 9000:
        raise FormIncomplete(f"{what} is a day, such as 2026-04-30.", field=name)
    return found


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="take")
def take(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Make it one's own."""

    def effect() -> str:
        desk.take_exception(exception_id=exception_id, version=version_of(visit), actor=visit.actor(), now=visit.now)
        return "It is yours."

    return _act(visit, exception_id, "take", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="assign")
def assign(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Make somebody responsible, or nobody."""
    owner = words(visit, "owner", needed=False) or None

    def effect() -> str:
        desk.assign_exception(
            exception_id=exception_id, owner_id=owner, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        name = people([], [owner]).get(owner or "", owner)
        return f"{name} is responsible." if owner else "It is nobody's now."

    return _act(visit, exception_id, "assign", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="note")
def note(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Say something about it."""
    text = visit.request.POST.get("text", "").strip()
    if not text:
        raise FormIncomplete("Write the note first.", field="text")

    def effect() -> str:
        desk.add_note(exception_id=exception_id, text=text, actor=visit.actor(), now=visit.now)
        return "The note is kept."

    return _act(visit, exception_id, "note", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="attach")
def attach(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Put a file to it."""
    upload = visit.request.FILES.get("file")
    if upload is None:
        raise FormIncomplete("Choose a file.", field="file")
    if (upload.size or 0) > MAX_FILE_BYTES:
        raise NoteFileRefused("A file has at most 10 MB.")
    content = upload.read()

    def effect() -> str:
        kept = desk.attach_file(
            exception_id=exception_id,
            name=upload.name or "file",
            content_type=upload.content_type or "",
            content=content,
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{kept.file_name} is attached."

    return _act(visit, exception_id, "attach", effect, file_sha256=hashlib.sha256(content).hexdigest())


@room(Permission.RECONCILIATION_READ)
def download(visit: Visit, exception_id: str, note_id: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """A file of the exception, as a download: it is never opened inside our pages."""
    record, content = read_note_file(exception_id=exception_id, note_id=note_id)
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(record.file_name)}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="match")
def match(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Confirm a suggestion that agrees."""
    record = get_exception(exception_id=exception_id, now=visit.now)
    lines, entries = visit.request.POST.getlist("line")[:200], visit.request.POST.getlist("entry")[:200]

    def effect() -> str:
        made = confirm_match(
            account_id=record.account_id,
            line_ids=lines,
            entry_ids=entries,
            actor=visit.actor(),
            reason="suggestion, looked at",
            now=visit.now,
        )
        if made.state == "proposed":
            return "The match waits for a second person."
        return f"{made.lines} and {made.entries} are matched."

    return _act(visit, exception_id, "match", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False, step_up=True)
@keeping(exception_page, act="explain")
def explain(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Say why it may stand as it is."""
    code, reason = words(visit, "reason_code"), words(visit, "reason", needed=False)

    def effect() -> str:
        made = desk.explain_exception(
            exception_id=exception_id,
            reason_code=code,
            reason=reason,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        if made.state == "waiting":
            return "It is much money: the explanation stands when a second person lets it."
        return "It is explained; no money moved."

    return _act(visit, exception_id, "explain", effect)


@room(Permission.RECONCILIATION_APPROVE, in_transaction=False, step_up=True)
@keeping(exception_page, act="approve-explanation")
def approve_explanation(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Let an explanation of much money stand, as a second person."""

    def effect() -> str:
        desk.approve_explanation(
            exception_id=exception_id, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        return "The explanation stands; no money moved."

    return _act(visit, exception_id, "explanation.approve", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="decline-explanation")
def decline_explanation(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Refuse an explanation, or take one's own back."""
    reason = words(visit, "reason")

    def effect() -> str:
        desk.decline_explanation(
            exception_id=exception_id, reason=reason, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        return "It is open again."

    return _act(visit, exception_id, "explanation.decline", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="reopen")
def reopen(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Open what was explained or disputed again."""
    reason = words(visit, "reason")

    def effect() -> str:
        desk.reopen_exception(
            exception_id=exception_id, reason=reason, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        return "It is open again."

    return _act(visit, exception_id, "reopen", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="dispute")
def dispute(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Tell a provider what is wrong."""
    due = _day(visit, "answer_due_on", "The answer's day")

    def effect() -> str:
        desk.dispute_exception(
            exception_id=exception_id,
            provider=words(visit, "provider"),
            claim=words(visit, "claim"),
            reason_code=words(visit, "reason_code"),
            reason=words(visit, "reason", needed=False),
            answer_due_on=due,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "It waits for the provider's answer."

    return _act(visit, exception_id, "dispute", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="answer")
def answer(visit: Visit, exception_id: str) -> HttpResponseBase:
    """What the provider answered."""
    said = visit.request.POST.get("outcome", "")
    outcome = next((each for each in _OUTCOMES if each == said), None)
    if outcome is None:
        raise FormIncomplete("Say how the dispute ended.", field="outcome")
    if outcome == "accepted":  # it resolves the exception
        require_step_up(visit.request, visit.now)

    def effect() -> str:
        desk.answer_dispute(
            exception_id=exception_id,
            outcome=outcome,
            answer=words(visit, "answer"),
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The answer is kept."

    return _act(visit, exception_id, "answer", effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="adjust")
def adjust(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Propose the posting that resolves it."""
    lines = _typed_lines(visit)
    effective = _day(visit, "effective_on", "The day on which it counts")

    def effect() -> str:
        made = desk.propose_adjustment(
            exception_id=exception_id,
            lines=lines,
            reason_code=words(visit, "reason_code"),
            reason=words(visit, "reason", needed=False),
            effective_on=effective,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{grouped(made.amount_minor)} {made.currency} waits for a second person."

    return _act(visit, exception_id, "adjust", effect)


def _typed_lines(visit: Visit) -> tuple[AdjustmentLine, ...]:
    post, found = visit.request.POST, []
    for at in range(MAX_LINES):
        account = post.get(f"account_{at}", "").strip()
        if not account:
            continue
        direction = post.get(f"direction_{at}", "")
        if direction not in {"debit", "credit"}:
            raise FormIncomplete(f"Say whether line {at + 1} is a debit or a credit.", field=f"direction_{at}")
        value = minor(post.get(f"amount_{at}", ""), what=f"The amount of line {at + 1}")
        found.append(AdjustmentLine(account, "debit" if direction == "debit" else "credit", value))
    return tuple(found)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(exception_page, act="write-off")
def write_off(visit: Visit, exception_id: str) -> HttpResponseBase:
    """Propose to give the difference up."""
    effective = _day(visit, "effective_on", "The day on which it counts")

    def effect() -> str:
        made = desk.propose_write_off(
            exception_id=exception_id,
            reason_code=words(visit, "reason_code"),
            reason=words(visit, "reason", needed=False),
            effective_on=effective,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"Writing off {grouped(made.amount_minor)} {made.currency} waits for a second person."

    return _act(visit, exception_id, "write_off", effect)


def _adjusted_page(visit: Visit, refused: Refused, adjustment_id: str) -> HttpResponse:
    return exception_page(visit, refused, get_adjustment(adjustment_id=adjustment_id).exception_id)


@room(Permission.RECONCILIATION_APPROVE, in_transaction=False, step_up=True)
@keeping(_adjusted_page, act="approve")
def approve_adjustment(visit: Visit, adjustment_id: str) -> HttpResponseBase:
    """Let an adjustment through, as a second person: it is posted."""

    def effect() -> str:
        made = desk.approve_adjustment(
            adjustment_id=adjustment_id, note=words(visit, "note", needed=False), actor=visit.actor(), now=visit.now
        )
        return f"{grouped(made.amount_minor)} {made.currency} is posted."

    return act_once(visit, operation="recon.adjustment.approve", effect=effect)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(_adjusted_page, act="decline")
def decline_adjustment(visit: Visit, adjustment_id: str) -> HttpResponseBase:
    """Refuse an adjustment, or withdraw one's own."""
    reason = words(visit, "reason")

    def effect() -> str:
        desk.decline_adjustment(adjustment_id=adjustment_id, reason=reason, actor=visit.actor(), now=visit.now)
        return "Nothing is posted; the exception is open again."

    return act_once(visit, operation="recon.adjustment.decline", effect=effect)
