"""What the API says of rule sets, drafts, decisions and limits: shapes for the contract, and the documents."""

from typing import Any, Literal

from pydantic import BaseModel

from policy.decisions.explaining import ExplainedNode, ExplainedRule
from policy.limits.types import LimitUsage
from policy.rulesets.trying import Preview
from policy.rulesets.types import DraftRecord, RuleSetDiff, RuleSetRecord
from policy.types import StoredDecision
from zentra.api.v1.endpoint_answers import moment
from zentra.core import clock


class RuleSetSummary(BaseModel):
    """A published version. It never changes; ``published_by`` is none of its ``editors``."""

    version: int
    object: Literal["rule_set"]
    status: Literal["live", "past"]
    published_at: str
    published_by: str
    editors: list[str]
    note: str
    digest: str
    draft_id: str | None
    restores: int | None


class RuleSetAnswer(RuleSetSummary):
    """A version with its document, as it was published."""

    document: dict[str, Any]


class RuleSetPage(BaseModel):
    """Versions, newest first."""

    data: list[RuleSetSummary]
    next_cursor: str | None
    has_more: bool


class ChangedRuleAnswer(BaseModel):
    """A rule that both versions have: the pointers inside it that differ (RFC 6901), and what stands on each side."""

    name: str
    is_limit: bool
    pointers: list[str]
    before: dict[str, Any]
    after: dict[str, Any]


class RuleSetDiffAnswer(BaseModel):
    """What differs between two versions."""

    object: Literal["rule_set_diff"]
    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[ChangedRuleAnswer]
    settings: list[str]
    is_reordered: bool


class DraftSummary(BaseModel):
    """Rules being written. ``version`` counts changes: a change names the one that it saw."""

    id: str
    object: Literal["rule_set_draft"]
    name: str
    status: Literal["draft", "validated", "published", "discarded"]
    based_on: int
    restores: int | None
    made_by: str
    editors: list[str]
    created_at: str
    edited_at: str
    edited_by: str
    validated_at: str | None
    ended_at: str | None
    published_version: int | None
    version: int


class DraftAnswer(DraftSummary):
    """A draft with its document."""

    document: dict[str, Any]


class DraftPage(BaseModel):
    """Drafts, the last edited first."""

    data: list[DraftSummary]
    next_cursor: str | None
    has_more: bool


class NodeAnswer(BaseModel):
    """One node of a rule's tree in words: what it saw and whether it held (null where it was not asked)."""

    depth: int
    words: str
    saw: str
    holds: bool | None


class RuleAnswer(BaseModel):
    """A rule or limit with what came of it; ``duration_us`` in microseconds, amounts in minor units."""

    rule: str
    is_limit: bool
    action: str
    outcome: Literal["not_applicable", "passed", "noted", "review", "blocked", "declined"]
    score: int
    words: str
    reason: str
    why: str
    input_minor: int | None
    limit_minor: int | None
    duration_us: int
    nodes: list[NodeAnswer]


class RuleTestAnswer(BaseModel):
    """What rules that are not in force would have decided about a past intent, beside what was decided."""

    object: Literal["rule_set_test"]
    intent_id: str
    decision_id: str
    decided_at: str
    amount_minor: int
    currency: str
    was: Literal["accepted", "review", "declined"]
    was_rule_set: int
    outcome: Literal["accepted", "review", "declined"]
    score: int
    lane: str
    tags: list[str]
    four_eyes: bool
    gate: str
    rules: list[RuleAnswer]


class DecisionSummary(BaseModel):
    """What policy decided about an intent. ``gate`` is the rule that held or declined it, else empty."""

    id: str
    object: Literal["decision"]
    intent_id: str
    rule_set: int
    outcome: Literal["accepted", "review", "declined"]
    lane: str
    score: int
    gate: str
    tags: list[str]
    four_eyes: bool
    decided_at: str
    duration_us: int | None
    actor: dict[str, Any]


class DecisionAnswer(DecisionSummary):
    """A decision with every rule of its version: the tree in words, and the value that each node saw."""

    rules: list[RuleAnswer]


class DecisionPage(BaseModel):
    """Decisions, newest first."""

    data: list[DecisionSummary]
    next_cursor: str | None
    has_more: bool


class LimitUsageAnswer(BaseModel):
    """How much of a limit a subject has used: minor units, or a number of intents or counterparties."""

    object: Literal["limit_usage"]
    limit: str
    by: Literal["account", "customer", "corridor", "card", "workspace"]
    subject: str
    currency: str | None
    used: int
    cap: int
    percent: int
    window_starts_at: str
    resets_at: str | None


class LimitUsagePage(BaseModel):
    """Who uses how much of the limits in force."""

    data: list[LimitUsageAnswer]
    next_cursor: str | None
    has_more: bool


def show_rule_set(found: RuleSetRecord, *, live: int) -> dict[str, Any]:
    """A version without its document."""
    return {
        "version": found.version,
        "object": "rule_set",
        "status": "live" if found.version == live else "past",
        "published_at": clock.iso(found.published_at),
        "published_by": found.published_by,
        "editors": list(found.editors),
        "note": found.note,
        "digest": found.digest,
        "draft_id": found.draft_id,
        "restores": found.restores,
    }


def show_diff(diff: RuleSetDiff) -> dict[str, Any]:
    """What differs."""
    return {
        "object": "rule_set_diff",
        "added": [dict(each) for each in diff.added],
        "removed": [dict(each) for each in diff.removed],
        "changed": [
            {
                "name": each.name,
                "is_limit": each.is_limit,
                "pointers": list(each.pointers),
                "before": dict(each.before),
                "after": dict(each.after),
            }
            for each in diff.changed
        ],
        "settings": list(diff.settings),
        "is_reordered": diff.is_reordered,
    }


def show_draft(draft: DraftRecord) -> dict[str, Any]:
    """A draft without its document."""
    return {
        "id": draft.id,
        "object": "rule_set_draft",
        "name": draft.name,
        "status": draft.state,
        "based_on": draft.based_on,
        "restores": draft.restores,
        "made_by": draft.made_by,
        "editors": list(draft.editors),
        "created_at": clock.iso(draft.created_at),
        "edited_at": clock.iso(draft.edited_at),
        "edited_by": draft.edited_by,
        "validated_at": moment(draft.validated_at),
        "ended_at": moment(draft.ended_at),
        "published_version": draft.published_version,
        "version": draft.version,
    }


def show_whole_draft(draft: DraftRecord) -> dict[str, Any]:
    """A draft with its document."""
    return show_draft(draft) | {"document": draft.document}


def show_preview(preview: Preview) -> dict[str, Any]:
    """What a draft would have decided."""
    return {
        "object": "rule_set_test",
        "intent_id": preview.intent_id,
        "decision_id": preview.decision_id,
        "decided_at": clock.iso(preview.decided_at),
        "amount_minor": preview.amount_minor,
        "currency": preview.currency,
        "was": preview.was,
        "was_rule_set": preview.was_rule_set,
        "outcome": preview.outcome,
        "score": preview.score,
        "lane": preview.lane,
        "tags": list(preview.tags),
        "four_eyes": preview.four_eyes,
        "gate": preview.gate,
        "rules": [show_rule(each) for each in preview.rules],
    }


def show_decision(decision: StoredDecision) -> dict[str, Any]:
    """A decision without its rules."""
    return {
        "id": decision.id,
        "object": "decision",
        "intent_id": decision.intent_id,
        "rule_set": decision.rule_set,
        "outcome": decision.outcome,
        "lane": decision.lane,
        "score": decision.score,
        "gate": decision.gate,
        "tags": list(decision.tags),
        "four_eyes": decision.four_eyes,
        "decided_at": clock.iso(decision.decided_at),
        "duration_us": decision.duration_us,
        "actor": decision.actor,
    }


def show_rule(rule: ExplainedRule) -> dict[str, Any]:
    """One rule of a decision."""
    return {
        "rule": rule.name,
        "is_limit": rule.is_limit,
        "action": rule.action,
        "outcome": rule.outcome,
        "score": rule.score,
        "words": rule.words,
        "reason": rule.reason,
        "why": rule.why,
        "input_minor": rule.input_minor,
        "limit_minor": rule.limit_minor,
        "duration_us": rule.us,
        "nodes": [_show_node(each) for each in rule.nodes],
    }


def _show_node(node: ExplainedNode) -> dict[str, Any]:
    return {"depth": node.depth, "words": node.words, "saw": node.saw, "holds": node.holds}


def show_usage(usage: LimitUsage) -> dict[str, Any]:
    """How much of a limit is used."""
    return {
        "object": "limit_usage",
        "limit": usage.limit,
        "by": usage.dimension,
        "subject": usage.key,
        "currency": None if usage.currency == "***" else usage.currency,
        "used": usage.used,
        "cap": usage.cap,
        "percent": usage.percent,
        "window_starts_at": clock.iso(usage.window_starts_at),
        "resets_at": moment(usage.resets_at),
    }
