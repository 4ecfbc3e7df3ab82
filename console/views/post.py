"""Posting by hand: several lines, a preview of the balances that would result, then the posting. And corrections."""

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from console.asked import asked, read_moment, read_whole
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.refusals import explain
from console.rehearsal import rehearse
from console.shell import build_shell
from console.types.ledger import Field, Option
from console.types.postings import EntriesForm, LineInput, PreviewView
from evidence.operations import record_events
from ledger.operations import correct_posting, post_entries, posting_events
from ledger.queries import StoredPosting, find_account, get_posting, list_accounts
from ledger.types import AccountRecord, Fx, Line, Posted
from zentra.core import ids
from zentra.core.errors import DomainError
from zentra.core.money import currencies
from zentra.core.telemetry import correlation_id
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import CODE_FIELD, PASSKEY_FIELD, require_step_up

START_LINES: Final = 4
MAX_LINES: Final = 40
SUGGESTED: Final = 200
_RATE: Final = re.compile(r"\d{1,12}(?:\.\d{1,12})?")
_FX: Final = (("base", "Base"), ("quote", "Quote"), ("rate", "Rate"), ("source", "Source"))
_UNPRINTED: Final = frozenset(
    {"csrfmiddlewaretoken", "idempotency_key", "do", "previewed", "next", CODE_FIELD, PASSKEY_FIELD}
)
Write = Callable[[], list[Posted]]


@room(Permission.LEDGER_POST)
def post(visit: Visit) -> HttpResponse:
    """The form, its preview, or the posting."""
    action = f"{visit.base}ledger/post/"
    if visit.request.method != "POST":
        lines = _numbered([LineInput(1, account=asked(visit, "account")), *_blank(START_LINES - 1)])
        return _show(visit, _form(visit, action, lines, currency=asked(visit, "currency")))

    def write() -> list[Posted]:
        form = visit.request.POST
        return [
            post_entries(
                lines=_lines(form),
                currency=form.get("currency", ""),
                posting_id=ids.new_id("posting"),
                purpose="manual",
                actor=visit.actor(),
                correlation_id=correlation_id(),
                recorded_at=visit.now,
                effective_at=_effective(form),
                idempotency_key=form.get("idempotency_key") or None,
                description=form.get("description", "").strip()[:500],
                external_reference=form.get("reference", "").strip()[:200] or None,
                fx=_fx(form),
            )
        ]

    return _preview_or_write(visit, action, write, operation="ledger.post", said="Posted")


@room(Permission.LEDGER_POST)
def correct(visit: Visit, posting_id: str) -> HttpResponse:
    """Reverse what is left of a posting and post what it should have been, both or none."""
    action = f"{visit.base}ledger/postings/{posting_id}/correct/"
    stored = get_posting(posting_id=posting_id)
    if visit.request.method != "POST":
        return _show(visit, _correction_form(visit, action, stored))

    def write() -> list[Posted]:
        form = visit.request.POST
        if not form.get("reason", "").strip():
            raise FormIncomplete("Say why it is corrected.")
        reversal, correction = correct_posting(
            posting_id=posting_id,
            lines=_lines(form),
            currency=form.get("currency", ""),
            reversal_id=ids.new_id("posting"),
            correction_id=ids.new_id("posting"),
            actor=visit.actor(),
            correlation_id=correlation_id(),
            recorded_at=visit.now,
            reason=form.get("reason", "").strip()[:500],
            effective_at=_effective(form),
            idempotency_key=form.get("idempotency_key") or None,
        )
        return [reversal, correction]

    return _preview_or_write(visit, action, write, operation="ledger.correct", said="Corrected", stored=stored)


def _preview_or_write(
    visit: Visit, action: str, write: Write, *, operation: str, said: str, stored: StoredPosting | None = None
) -> HttpResponse:
    """A refusal shows the form again as it was filled in: nobody types eight lines twice. Writing asks for a code."""
    wanted = visit.request.POST.get("do", "")
    lines, currency = _typed(visit.request.POST), visit.request.POST.get("currency", "")
    if wanted == "more":
        lines = _numbered([*lines, *_blank(START_LINES)][:MAX_LINES])
        return _show(visit, _form(visit, action, lines, currency=currency, stored=stored))
    is_seen = visit.request.POST.get("previewed") == _print(visit.request.POST)
    if wanted != "preview" and is_seen:
        require_step_up(visit.request, visit.now)
    try:
        if wanted == "preview":
            found = rehearse(write, base=visit.base)
            return _show(visit, _form(visit, action, lines, currency=currency, stored=stored, preview=found))
        if not is_seen:
            raise FormIncomplete("The lines are not those of the preview any more: look at what follows first.")
        with transaction.atomic():
            return _write(visit, write, operation=operation, said=said)
    except DomainError as error:
        return _show(
            visit, _form(visit, action, lines, currency=currency, stored=stored, error=error), status=error.status
        )


def _write(visit: Visit, write: Write, *, operation: str, said: str) -> HttpResponse:
    made: list[Posted] = []

    def effect() -> str:
        made.extend(write())
        record_events(events=posting_events(postings=made, actor=visit.actor()), now=visit.now)
        return f"{said}: {made[-1].posting_id}."

    answer = act_once(visit, operation=operation, effect=effect, to=f"{visit.base}ledger/")
    if made:
        answer.headers["Location"] = f"{visit.base}ledger/postings/{made[-1].posting_id}/"
    return answer


def _show(visit: Visit, form: EntriesForm, *, status: int = 200) -> HttpResponse:
    context = {"shell": build_shell(visit, room="ledger"), "page": form}
    return render(visit.request, "console/entries_form.html", context, status=status)


def _form(
    visit: Visit,
    action: str,
    lines: tuple[LineInput, ...],
    *,
    currency: str,
    stored: StoredPosting | None = None,
    preview: PreviewView | None = None,
    error: DomainError | None = None,
) -> EntriesForm:
    said = visit.request.POST
    chosen = currency or visit.workspace.ledger_currency
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    previewed = _print(said) if preview is not None else ""
    fx = tuple(Field(f"fx_{name}", label, said.get(f"fx_{name}", "")) for name, label in _FX)
    return EntriesForm(
        title=f"Correct {stored.posted.posting_id}" if stored else "Post entries",
        words="Reverses what is left of it and posts these entries instead, at once or not at all."
        if stored
        else "Debits and credits of each currency must be equal. Nothing is written before you have seen what follows.",
        action=action,
        lines=lines,
        currencies=tuple(Option(code, code, code == chosen) for code in sorted(currencies())),
        effective=said.get("effective_at", ""),
        description=said.get("description", ""),
        reference=said.get("reference", ""),
        reason=said.get("reason", ""),
        fx=fx,
        fx_open=any(field.value for field in fx),
        is_correction=stored is not None,
        back_url=f"{visit.base}ledger/postings/{stored.posted.posting_id}/" if stored else f"{visit.base}ledger/",
        accounts=tuple((account.code, account.name) for account in _suggested(chosen)),
        preview=preview,
        previewed=previewed,
        problem=f"{refusal.title}. {refusal.why}" if refusal else "",
        problem_next=refusal.next if refusal else "",
    )


def _suggested(currency: str) -> list[AccountRecord]:
    return list_accounts(limit=SUGGESTED, currency=currency, state="active")


def _correction_form(visit: Visit, action: str, stored: StoredPosting) -> EntriesForm:
    lines = [
        LineInput(
            0,
            account=entry.account_code,
            debit=str(entry.amount_minor) if entry.direction == "debit" else "",
            credit=str(entry.amount_minor) if entry.direction == "credit" else "",
            currency=entry.currency if entry.currency != stored.posted.currency else "",
        )
        for entry in stored.posted.entries
    ]
    return _form(visit, action, _numbered([*lines, *_blank(1)]), currency=stored.posted.currency, stored=stored)


def _print(form: QueryDict) -> str:
    """What stands for everything that was typed, so that only what was shown is posted."""
    typed = sorted((name, form.getlist(name)) for name in form if name not in _UNPRINTED)
    return hashlib.sha256(repr(typed).encode()).hexdigest()[:24]


# --- what was typed --------------------------------------------------------------------------------------------------


def _blank(count: int) -> list[LineInput]:
    return [LineInput(0) for _ in range(count)]


def _numbered(lines: Sequence[LineInput]) -> tuple[LineInput, ...]:
    return tuple(
        LineInput(number, line.account, line.debit, line.credit, line.currency)
        for number, line in enumerate(lines, start=1)
    )


def _typed(form: QueryDict) -> tuple[LineInput, ...]:
    columns = [form.getlist(name) for name in ("account", "debit", "credit", "line_currency")]
    typed = [LineInput(0, *(cell.strip() for cell in row)) for row in zip(*columns, strict=False)]
    return _numbered(typed[:MAX_LINES] or _blank(START_LINES))


def _lines(form: QueryDict) -> list[Line]:
    """The lines that say something; raises FormIncomplete for one that says half of it."""
    currency = form.get("currency", "")
    lines = [_line(typed, currency) for typed in _typed(form) if typed.account or typed.debit or typed.credit]
    if len(lines) < 2:
        raise FormIncomplete("A posting has two lines or more: at least one debit and one credit.")
    return lines


def _line(typed: LineInput, currency: str) -> Line:
    if not typed.account:
        raise FormIncomplete(f"Line {typed.number} names no account.")
    if bool(typed.debit) == bool(typed.credit):
        raise FormIncomplete(f"Line {typed.number} has a debit or a credit, one of the two.")
    amount = read_whole(typed.debit or typed.credit)
    if amount is None:
        raise FormIncomplete(f"Line {typed.number}: “{typed.debit or typed.credit}” is no whole number of minor units.")
    own = typed.currency.upper() or None
    # Also of an id: its code may be another account's too, in the currency of the posting.
    account = find_account(ref=typed.account, currency=own or currency)
    return Line(account.code, "debit" if typed.debit else "credit", amount, currency=own)


def _effective(form: QueryDict) -> datetime | None:
    text = form.get("effective_at", "").strip()
    if not text:
        return None
    found = read_moment(text)
    if found is None:
        raise FormIncomplete(f"“{text[:30]}” is no moment: give a day and a time, in UTC.")
    return found


def _fx(form: QueryDict) -> Fx | None:
    values = {name: form.get(f"fx_{name}", "").strip() for name, _ in _FX}
    if not any(values.values()):
        return None
    if not all(values.values()) or not _RATE.fullmatch(values["rate"]):
        raise FormIncomplete("A rate has base, quote, a positive decimal such as 1.0842, and its source.")
    return Fx(values["base"].upper(), values["quote"].upper(), values["rate"], values["source"][:100])
