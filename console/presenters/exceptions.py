"""Exceptions as people read them: their kind, their state, what differs, what people know them by."""

from console.marks import mark
from console.presenters.finance import DIFFERENCES, KINDS
from console.presenters.words import grouped
from console.types import Mark
from zentra.reconciliation.matching.desk.types import ExceptionRecord


def state_mark(record: ExceptionRecord) -> Mark:
    """An exception's state, and whom it waits for."""
    waits = {
        "adjustment": "second person",
        "match": "second person",
        "explanation": "second person",
        "dispute": "provider",
        "": "waiting",
    }
    if record.state == "resolved":
        return mark("resolved", says=record.resolution.replace("_", " ") or "resolved")
    return mark("review", says=waits[record.waits_for]) if record.state == "waiting" else mark("open")


def kind_mark(record: ExceptionRecord) -> Mark:
    """An exception's kind."""
    tone = mark("resolved") if record.is_resolved else mark("open")
    return Mark(KINDS.get(record.kind, record.kind), tone.glyph, tone.tone)


def difference_words(record: ExceptionRecord) -> str:
    """``50 short``, ``missing entry``."""
    if record.kind in DIFFERENCES:
        return DIFFERENCES[record.kind]
    minor = record.difference_minor
    return "agrees" if not minor else f"{grouped(abs(minor))} {'short' if minor < 0 else 'over'}"


def name_of(record: ExceptionRecord) -> str:
    """What people know it by: a reference, or what it is about."""
    said = record.facts.get("reference") or record.facts.get("description") or record.intent_id
    if not said and record.statement_id and not record.line_id:
        return f"statement …{record.statement_id[-8:]}"
    return str(said or record.line_id or record.entry_id or record.id)
