"""Decide about an intent, hold it for a person, take the person's word. The runtime composes these."""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from evidence.types import NewEvent
from policy import rules
from policy.reviews.operations import (
    CannotOwnReview,
    MakerCannotDecide,
    NoSuchReview,
    ReasonRequired,
    ReviewAlreadyDecided,
    open_review,
)
from policy.reviews.types import QUEUE_OWNER
from policy.types import DecisionRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.db.hot import defer_hot, execute_hot
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef

__all__ = [
    "QUEUE_OWNER",
    "CannotOwnReview",
    "MakerCannotDecide",
    "NoRuleSet",
    "NoSuchReview",
    "ReasonRequired",
    "ReviewAlreadyDecided",
    "count_approved",
    "decide",
    "decision_event",
    "open_review",
    "provision",
    "release_limits",
]


class NoRuleSet(DomainError):
    """The workspace was not provisioned; a missing rule set never means that everything is allowed."""

    code = "no_rule_set"
    status = 503
    title = "This workspace has no rules"


def provision(_tenant: TenantRef, now: datetime) -> None:
    """Give a new workspace its first rule set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (1, %s, %s, 'svc_policy')"
            " ON CONFLICT DO NOTHING",
            [json.dumps(rules.DEFAULT_RULES), now],
        )


def decide(*, subject: rules.Subject, actor: Actor, now: datetime) -> DecisionRecord:
    """Weigh every rule of the live set, reserve what limits it counts in, and keep the decision.

    The reservation and its check are one call (``policy_reserve``), so that concurrent intents cannot both take the
    last of a limit. What was reserved for a declined intent is given back here.
    """
    row = execute_hot(
        "SELECT version, rules, used, is_reserved FROM policy_reserve(%s, %s, %s, %s, %s, %s)",
        [ids.new_uuid(), subject.intent_id, subject.customer, subject.currency, subject.amount_minor, now],
    ).fetchone()
    if row is None or row[0] is None:
        raise NoRuleSet("This workspace has no rule set; nothing is decided without one.")
    version, document, used, is_reserved = row
    results = _weigh(_loads(document), subject, used=used, is_reserved=is_reserved)
    gate = rules.gate_of(results)
    decision = DecisionRecord(
        id=ids.new_id("dec"),
        intent_id=subject.intent_id,
        rule_set=version,
        outcome=rules.outcome_of(results),
        lane=max((r.lane for r in results if r.lane), default="A"),
        results=tuple(results),
        gate=gate,
        decided_at=now,
        subject=subject,
    )
    if decision.outcome == "declined" and is_reserved:
        release_limits(intent_id=subject.intent_id, now=now)
    _keep(decision, actor)
    return decision


def _weigh(
    document: dict[str, Any], subject: rules.Subject, *, used: int | None, is_reserved: bool
) -> list[rules.RuleResult]:
    return [
        rules.weigh_rolling(rule, subject, used=used, is_reserved=is_reserved)
        if rule["type"] == "rolling_sum"
        else rules.weigh_amount(rule, subject)
        for rule in document["rules"]
    ]


def _keep(decision: DecisionRecord, actor: Actor) -> None:
    defer_hot(
        "INSERT INTO policy_decision (id, intent_id, rule_set, outcome, lane, rules, decided_at, actor)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            ids.to_uuid(decision.id, prefix="dec"),
            decision.intent_id,
            decision.rule_set,
            decision.outcome,
            decision.lane,
            json.dumps([result.as_dict() for result in decision.results]),
            decision.decided_at,
            json.dumps(actor.as_dict()),
        ],
    )


def _loads(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def decision_event(decision: DecisionRecord, *, trace_id: str | None) -> NewEvent:
    """The decision as one leaf, announced as ``limit.accepted`` too when every limit passed."""
    passed = all(r.outcome in ("passed", "noted", "not_applicable") for r in decision.results if r.rule[:6] == "limit.")
    return NewEvent(
        type=f"policy.{decision.outcome}",
        actor=actors.POLICY,
        intent_id=decision.intent_id,
        trace_id=trace_id,
        occurred_at=decision.decided_at,
        announced_as=("limit.accepted",) if passed else (),
        data={
            "decision_id": decision.id,
            "rule_set": decision.rule_set,
            "outcome": decision.outcome,
            "lane": decision.lane,
            "score": decision.score,
            "tags": list(decision.tags),
            "four_eyes": decision.four_eyes,
            "summary": "limit_check.passed" if passed else (decision.gate.rule if decision.gate else ""),
            "rules": [result.as_dict() for result in decision.results],
        },
    )


def count_approved(*, subject: rules.Subject, now: datetime) -> None:
    """Count an approved intent against its customer's rolling limit, room or not."""
    if subject.customer is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT policy_reserve_approved(%s, %s, %s, %s, %s, %s)",
            [
                ids.new_uuid(), subject.intent_id, subject.customer, subject.currency, subject.amount_minor, now,
            ],
        )  # fmt: skip


def release_limits(*, intent_id: str, now: datetime) -> None:
    """Give back what an intent held of its limits: it was declined or failed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_reservation SET released_at = %s WHERE intent_id = %s AND released_at IS NULL",
            [now, intent_id],
        )
