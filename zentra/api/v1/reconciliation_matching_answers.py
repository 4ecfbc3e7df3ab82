"""The shapes of what matching did and left, for the contract; and records in them. Amounts are signed minor units."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel

from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock
from zentra.reconciliation.matching.queries import rules_as_json
from zentra.reconciliation.matching.types import (
    DayRate,
    EntryRecord,
    ExpectedRecord,
    MatchRecord,
    RuleSetRecord,
    RunRecord,
    Suggestion,
    Summary,
)
from zentra.reconciliation.statements.types import ReconciledAccountRecord


class RuleCountAnswer(BaseModel):
    """What one rule did; of a dry run also how many of its matches would stay, be new or be lost."""

    rule: str
    matches: int
    lines: int
    entries: int
    same: int
    fresh: int
    lost: int


class RunAnswer(BaseModel):
    """One pass of an account's rules. Of a dry run the counts are what it would have confirmed: ``same``, ``fresh`` and
    ``lost`` compare that with what stands; ``rules`` are those that it tried without anybody having saved them.
    """

    id: str
    object: Literal["matching_run"]
    reconciled_account: str
    rules_version: int
    dry_run: bool
    status: Literal["queued", "running", "done", "failed"]
    lines: int
    entries: int
    matches: int
    same: int
    fresh: int
    lost: int
    by_rule: list[RuleCountAnswer]
    rules: list[dict[str, Any]] | None
    problem: str
    started_by: str
    created_at: str
    finished_at: str | None


class RunPage(BaseModel):
    """Runs, newest first."""

    data: list[RunAnswer]
    next_cursor: str | None
    has_more: bool


class SummaryAnswer(BaseModel):
    """How an account stands. ``match_rate_bp``: matched lines in hundredths of a percent of all, null without lines."""

    object: Literal["reconciliation_summary"]
    reconciled_account: str
    name: str
    kind: Literal["bank", "rail"]
    currency: str
    closed: bool
    lines: int
    lines_matched: int
    lines_open: int
    lines_open_minor: int
    entries_open: int
    entries_open_minor: int
    matches_proposed: int
    exceptions: int
    match_rate_bp: int | None
    last_run: RunAnswer | None


class SummaryList(BaseModel):
    """Every reconciled account, by name; there is one page."""

    data: list[SummaryAnswer]
    next_cursor: str | None
    has_more: bool


class DayRateAnswer(BaseModel):
    """Of the lines booked on a day, how many are matched now."""

    day: str
    lines: int
    matched: int


class DayRateList(BaseModel):
    """Days with lines, oldest first."""

    data: list[DayRateAnswer]
    next_cursor: str | None
    has_more: bool


class MatchSummary(BaseModel):
    """Lines and entries said to be the same money; ``difference_minor`` is what they miss of each other beyond fees."""

    id: str
    object: Literal["match"]
    reconciled_account: str
    status: Literal["proposed", "confirmed", "undone", "declined"]
    how: Literal["rule", "manual", "forced"]
    rule: str | None
    rules_version: int | None
    run: str | None
    lines: int
    entries: int
    line_minor: int
    entry_minor: int
    fee_minor: int
    difference_minor: int
    currency: str
    reason: str
    made_by: str
    made_at: str
    decided_by: str | None
    decided_at: str | None
    undo_asked_by: str | None
    undo_asked_at: str | None
    undone_by: str | None
    undone_at: str | None
    undone_reason: str


class MatchAnswer(MatchSummary):
    """A match with its lines and entries, and part by part why they are the same money."""

    explanation: dict[str, Any]
    line_ids: list[str]
    entry_ids: list[str]


class MatchPage(BaseModel):
    """Matches, newest first."""

    data: list[MatchSummary]
    next_cursor: str | None
    has_more: bool


class MatchHistory(BaseModel):
    """Every match that ever held it, newest first, undone ones too; there is one page."""

    data: list[MatchAnswer]
    next_cursor: str | None
    has_more: bool


class ReconciledEntryAnswer(BaseModel):
    """An entry of a reconciled account; positive in the ledger account's normal direction. ``match``: what holds it."""

    id: str
    object: Literal["reconciled_entry"]
    reconciled_account: str
    posting_id: str
    intent_id: str | None
    purpose: str
    amount_minor: int
    currency: str
    original_amount_minor: int | None
    original_currency: str
    effective_at: str
    effective_on: str
    recorded_at: str
    reference: str
    references: dict[str, Any]
    batch: str
    match: str | None


class ReconciledEntryPage(BaseModel):
    """Entries, oldest first."""

    data: list[ReconciledEntryAnswer]
    next_cursor: str | None
    has_more: bool


class ExpectedAnswer(BaseModel):
    """Money that somebody owes us, and when it is due."""

    id: str
    object: Literal["expected_money"]
    reconciled_account: str
    source: str
    reference: str
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    currency: str
    due_on: str
    status: Literal["expected", "arrived", "missing", "written_off"]
    line: str | None
    created_at: str
    changed_at: str


class ExpectedPage(BaseModel):
    """Expected money, newest first."""

    data: list[ExpectedAnswer]
    next_cursor: str | None
    has_more: bool


class SuggestionPart(BaseModel):
    """A part of a score: its share and its weight, 0 to 1, and what was compared."""

    name: Literal["reference", "amount", "date", "counterparty"]
    score: float
    weight: float
    says: str


class SuggestionAnswer(BaseModel):
    """What could be the other side. It confirms nothing; a person does."""

    line_ids: list[str]
    entry_ids: list[str]
    score: float
    difference_minor: int
    parts: list[SuggestionPart]


class SuggestionList(BaseModel):
    """The likeliest first."""

    data: list[SuggestionAnswer]
    next_cursor: str | None
    has_more: bool


class MatchingRulesAnswer(BaseModel):
    """A version of an account's rules, in their order; of each what differs from defaults."""

    object: Literal["matching_rules"]
    reconciled_account: str
    version: int
    rules: list[dict[str, Any]]
    note: str
    created_by: str
    created_at: str


def show_summary(found: Summary, account: ReconciledAccountRecord) -> dict[str, Any]:
    """How an account stands, as the API answers it."""
    return {
        "object": "reconciliation_summary",
        "reconciled_account": found.account_id,
        "name": account.name,
        "kind": account.kind,
        "currency": account.currency,
        "closed": not account.is_open,
        "lines": found.lines,
        "lines_matched": found.matched_lines,
        "lines_open": found.open_lines,
        "lines_open_minor": found.open_lines_minor,
        "entries_open": found.open_entries,
        "entries_open_minor": found.open_entries_minor,
        "matches_proposed": found.proposed,
        "exceptions": found.open_exceptions,
        "match_rate_bp": found.match_rate_bp,
        "last_run": None if found.last_run is None else show_run(found.last_run),
    }


def show_rate(found: DayRate) -> dict[str, Any]:
    """A day's lines."""
    return asdict(found) | {"day": found.day.isoformat()}


def show_run(found: RunRecord) -> dict[str, Any]:
    """A run as the API answers it."""
    same = ("id", "rules_version", "lines", "entries", "matches", "same", "fresh", "lost", "problem")
    return {
        **{name: getattr(found, name) for name in same},
        "object": "matching_run",
        "reconciled_account": found.account_id,
        "dry_run": found.is_dry_run,
        "status": found.state,
        "by_rule": [asdict(each) for each in found.by_rule],
        "rules": None if found.rules is None else rules_as_json(rules=found.rules),
        "started_by": _who(found.started_by),
        "created_at": clock.iso(found.created_at),
        "finished_at": moment(found.finished_at),
    }


def show_match(found: MatchRecord) -> dict[str, Any]:
    """A match of a list."""
    same = (
        "id", "how", "rules_version", "lines", "entries", "line_minor", "entry_minor", "fee_minor", "difference_minor",
        "currency", "reason", "undone_reason",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in same},
        "object": "match",
        "reconciled_account": found.account_id,
        "status": found.state,
        "rule": found.rule or None,
        "run": found.run_id,
        "made_by": _who(found.made_by),
        "made_at": clock.iso(found.made_at),
        "decided_by": None if found.decided_by is None else _who(found.decided_by),
        "decided_at": moment(found.decided_at),
        "undo_asked_by": None if found.undo_asked_by is None else _who(found.undo_asked_by),
        "undo_asked_at": moment(found.undo_asked_at),
        "undone_by": None if found.undone_by is None else _who(found.undone_by),
        "undone_at": moment(found.undone_at),
    }


def show_whole_match(found: MatchRecord) -> dict[str, Any]:
    """A match with what it holds and why."""
    return show_match(found) | {
        "explanation": found.explanation,
        "line_ids": list(found.line_ids),
        "entry_ids": list(found.entry_ids),
    }


def show_entry(found: EntryRecord) -> dict[str, Any]:
    """An entry as matching took it over."""
    same = (
        "id", "posting_id", "intent_id", "purpose", "amount_minor", "currency", "original_amount_minor",
        "original_currency", "reference", "references", "batch",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in same},
        "object": "reconciled_entry",
        "reconciled_account": found.account_id,
        "effective_at": clock.iso(found.effective_at),
        "effective_on": found.effective_on.isoformat(),
        "recorded_at": clock.iso(found.recorded_at),
        "match": found.match_id,
    }


def show_expected(found: ExpectedRecord) -> dict[str, Any]:
    """Expected money as the API answers it."""
    return {
        **{name: getattr(found, name) for name in ("id", "source", "reference", "amount_minor", "currency")},
        **{name: getattr(found, name) for name in ("gross_minor", "fee_minor")},
        "object": "expected_money",
        "reconciled_account": found.account_id,
        "due_on": found.due_on.isoformat(),
        "status": found.state,
        "line": found.line_id,
        "created_at": clock.iso(found.made_at),
        "changed_at": clock.iso(found.changed_at),
    }


def show_suggestion(found: Suggestion) -> dict[str, Any]:
    """A suggestion with its score, part by part."""
    return {
        "line_ids": list(found.line_ids),
        "entry_ids": list(found.entry_ids),
        "score": found.score,
        "difference_minor": found.difference_minor,
        "parts": [asdict(part) for part in found.parts],
    }


def show_rules(found: RuleSetRecord) -> dict[str, Any]:
    """A version of the rules."""
    return {
        "object": "matching_rules",
        "reconciled_account": found.account_id,
        "version": found.version,
        "rules": rules_as_json(rules=found.rules),
        "note": found.note,
        "created_by": _who(found.created_by),
        "created_at": clock.iso(found.created_at),
    }


def _who(actor: dict[str, Any]) -> str:
    return str(actor.get("id", ""))
