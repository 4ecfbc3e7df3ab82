"""The shapes of exceptions and of an intent's three-way story, for the contract."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock
from zentra.reconciliation.matching.desk.types import (
    AdjustmentRecord,
    AgeCount,
    ExceptionCase,
    ExceptionRecord,
    NoteRecord,
    StoryBreak,
    StoryRow,
    ThreeWay,
)

Kind = Literal[
    "line_only", "entry_only", "missing", "amount_differs", "date_differs", "currency_differs", "duplicate",
    "split_mismatch", "fee_variance", "continuity_break",
]  # fmt: skip
Bucket = Literal["0-1", "2-7", "8-30", "30+"]


class ExceptionSummary(BaseModel):
    """What does not pair. Amounts are minor units; ``difference_minor`` is the statement's side less the ledger's."""

    id: str
    object: Literal["reconciliation_exception"]
    account_id: str
    kind: Kind
    status: Literal["open", "waiting", "resolved"]
    waits_for: str | None
    line_id: str | None
    entry_id: str | None
    expected_id: str | None
    statement_id: str | None
    match_id: str | None
    intent_id: str | None
    amount_minor: int
    difference_minor: int
    currency: str
    happened_on: str
    age_days: int
    due_at: str
    owner: str | None
    explained_by: str | None
    resolution: str | None
    reason_code: str | None
    opened_at: str
    resolved_at: str | None
    version: int


class ExceptionNoteAnswer(BaseModel):
    """What somebody said of an exception, or the name and SHA-256 of a file that they put to it."""

    id: str
    by: str
    at: str
    text: str
    file_name: str | None
    sha256: str | None
    size_bytes: int | None


class AdjustmentLineAnswer(BaseModel):
    """One entry of an adjustment."""

    account: str
    direction: Literal["debit", "credit"]
    amount_minor: int


class AdjustmentAnswer(BaseModel):
    """A posting that one person proposed; another lets it through."""

    id: str
    kind: Literal["adjustment", "write_off"]
    status: Literal["proposed", "posted", "declined"]
    reason_code: str
    amount_minor: int
    currency: str
    effective_on: str
    lines: list[AdjustmentLineAnswer]
    proposed_by: str
    proposed_at: str
    decided_by: str | None
    decided_at: str | None
    posting_id: str | None


class ExceptionAnswer(ExceptionSummary):
    """An exception with what was said and proposed about it."""

    facts: dict[str, Any]
    notes: list[ExceptionNoteAnswer]
    adjustments: list[AdjustmentAnswer]


class ExceptionPage(BaseModel):
    """Exceptions, newest first."""

    data: list[ExceptionSummary]
    next_cursor: str | None
    has_more: bool


class AgeAnswer(BaseModel):
    """How many unresolved exceptions of a kind are so many days old, and what they come to in minor units."""

    kind: Kind
    days: Bucket
    currency: str
    count: int
    amount_minor: int


class AgesAnswer(BaseModel):
    """Unresolved exceptions by kind, age and currency, all of them."""

    data: list[AgeAnswer]
    next_cursor: str | None
    has_more: bool


class StoryRowAnswer(BaseModel):
    """One fact about an intent's money; ``agrees`` is null where there is nothing to compare."""

    source: Literal["ledger", "provider", "statement"]
    at: str
    what: str
    amount_minor: int | None
    currency: str
    reference: str
    id: str
    agrees: bool | None


class StoryBreakAnswer(BaseModel):
    """Where two of the three differ."""

    kind: str
    between: list[str]
    words: str
    expected_minor: int | None
    found_minor: int | None
    since: str


class StoryAnswer(BaseModel):
    """What ledger, provider and statements say about one intent. Amounts are minor units, from our side."""

    object: Literal["three_way_story"]
    intent_id: str
    status: str
    verdict: Literal["agreed", "waiting", "broken"]
    amount_minor: int
    currency: str
    rail: str | None
    ledger: list[StoryRowAnswer]
    provider: list[StoryRowAnswer]
    statement: list[StoryRowAnswer]
    breaks: list[StoryBreakAnswer]
    exceptions: list[str]


def show_exception(found: ExceptionRecord) -> dict[str, Any]:
    """An exception of a list."""
    return {
        "id": found.id,
        "object": "reconciliation_exception",
        "account_id": found.account_id,
        "kind": found.kind,
        "status": found.state,
        "waits_for": found.waits_for or None,
        "line_id": found.line_id,
        "entry_id": found.entry_id,
        "expected_id": found.expected_id,
        "statement_id": found.statement_id,
        "match_id": found.match_id,
        "intent_id": found.intent_id,
        "amount_minor": found.amount_minor,
        "difference_minor": found.difference_minor,
        "currency": found.currency,
        "happened_on": found.happened_on.isoformat(),
        "age_days": found.age_days,
        "due_at": clock.iso(found.due_at),
        "owner": found.owner_id,
        "explained_by": None if found.explained_by is None else str(found.explained_by.get("id", "")),
        "resolution": found.resolution or None,
        "reason_code": found.reason_code or None,
        "opened_at": clock.iso(found.opened_at),
        "resolved_at": moment(found.resolved_at),
        "version": found.version,
    }


def show_case(case: ExceptionCase) -> dict[str, Any]:
    """An exception with everything about it."""
    return show_exception(case.exception) | {
        "facts": case.exception.facts,
        "notes": [show_note(each) for each in case.notes],
        "adjustments": [_show_adjustment(each) for each in case.adjustments],
    }


def show_note(note: NoteRecord) -> dict[str, Any]:
    """What was said, or which file was put."""
    return {
        "id": note.id,
        "by": str(note.made_by.get("id", "")),
        "at": clock.iso(note.made_at),
        "text": note.text,
        "file_name": note.file_name or None,
        "sha256": note.sha256 or None,
        "size_bytes": note.size_bytes or None,
    }


def _show_adjustment(found: AdjustmentRecord) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.state,
        "reason_code": found.reason_code,
        "amount_minor": found.amount_minor,
        "currency": found.currency,
        "effective_on": found.effective_on.isoformat(),
        "lines": [
            {"account": line.account, "direction": line.direction, "amount_minor": line.amount_minor}
            for line in found.lines
        ],
        "proposed_by": str(found.proposed_by.get("id", "")),
        "proposed_at": clock.iso(found.proposed_at),
        "decided_by": None if found.decided_by is None else str(found.decided_by.get("id", "")),
        "decided_at": moment(found.decided_at),
        "posting_id": found.posting_id,
    }


def show_age(found: AgeCount) -> dict[str, Any]:
    """One cell of the aging table."""
    return {
        "kind": found.kind,
        "days": found.bucket,
        "currency": found.currency,
        "count": found.count,
        "amount_minor": found.amount_minor,
    }


def show_story(story: ThreeWay) -> dict[str, Any]:
    """The three sides of an intent."""
    return {
        "object": "three_way_story",
        "intent_id": story.intent_id,
        "status": story.status,
        "verdict": story.verdict,
        "amount_minor": story.amount_minor,
        "currency": story.currency,
        "rail": story.rail or None,
        "ledger": [_show_row(each) for each in story.ledger],
        "provider": [_show_row(each) for each in story.provider],
        "statement": [_show_row(each) for each in story.statement],
        "breaks": [_show_break(each) for each in story.breaks],
        "exceptions": list(story.exceptions),
    }


def _show_row(row: StoryRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "at": clock.iso(row.at),
        "what": row.what,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "reference": row.reference,
        "id": row.id,
        "agrees": row.agrees,
    }


def _show_break(found: StoryBreak) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "between": list(found.between),
        "words": found.words,
        "expected_minor": found.expected_minor,
        "found_minor": found.found_minor,
        "since": clock.iso(found.since),
    }
