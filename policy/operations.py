"""Decide about an intent, hold it for a person, take the person's word. The runtime composes these."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from evidence.types import NewEvent
from policy import rules
from policy.queries import get_review
from policy.types import DecisionRecord, ReviewRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.db.hot import defer_hot, execute_hot
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, current_tenant
from zentra.tenants.queries import list_reviewers

REVIEW_TIME: Final = timedelta(hours=1)
QUEUE_OWNER: Final = "queue_reviews"
"""Who owns a review when a workspace has nobody who may: the queue itself, which admins watch. Never unowned."""


class ReviewAlreadyDecided(DomainError):
    """Somebody else decided first; their word stands."""

    code = "review_already_decided"
    status = 409
    title = "This review has been decided"


class NoSuchReview(DomainError):
    """The intent has no review."""

    code = "review_not_found"
    status = 404
    title = "There is no review for this intent"


class MakerCannotDecide(DomainError):
    """Whoever made the intent may not decide it."""

    code = "maker_cannot_decide"
    status = 403
    title = "Whoever made the intent cannot decide it"


class ReasonRequired(DomainError):
    """A decision is kept with its reason."""

    code = "reason_required"
    status = 422
    title = "A reason is required"


class NoRuleSet(DomainError):
    """The workspace was not provisioned; a missing rule set never means that everything is allowed."""

    code = "no_rule_set"
    status = 503
    title = "This workspace has no rules"


class CannotOwnReview(DomainError):
    """Only somebody who may decide reviews here can own one."""

    code = "cannot_own_review"
    status = 422
    title = "This person cannot own a review"


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


def open_review(*, decision: DecisionRecord, maker: str, now: datetime) -> ReviewRecord:
    """Hold an intent for a person, with an owner from the first moment: the least loaded reviewer on shift."""
    gate = decision.gate
    if gate is None:
        raise ValueError("Only a decision that some rule holds opens a review.")
    subject = decision.subject
    review_id = ids.new_id("rev")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_review (id, intent_id, decision_id, rule, saw, amount_minor, currency, kind, state,"
            " owner, maker, opened_at, due_at, note, version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, %s, '', 1)",
            [
                ids.to_uuid(review_id, prefix="rev"), subject.intent_id, ids.to_uuid(decision.id, prefix="dec"),
                gate.rule, gate.saw(subject.currency), subject.amount_minor, subject.currency, subject.kind,
                _least_loaded(maker), maker, now, now + REVIEW_TIME,
            ],
        )  # fmt: skip
    return get_review(intent_id=subject.intent_id)


def _least_loaded(maker: str) -> str:
    reviewers = list_reviewers(workspace_id=current_tenant().id)
    able = [user_id for user_id, _role, on_shift in reviewers if on_shift and user_id != maker]
    if not able:
        return QUEUE_OWNER
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT who FROM unnest(%s::text[]) WITH ORDINALITY AS r(who, place)"
            " LEFT JOIN policy_review v ON v.owner = who AND v.state = 'open'"
            " GROUP BY who, place ORDER BY count(v.id), place LIMIT 1",
            [able],
        )
        return str(cursor.fetchone()[0])


def assign_review(*, intent_id: str, owner: str) -> ReviewRecord:
    """Give an open review to another person; returns it with its new owner.

    Raises:
        NoSuchReview, ReviewAlreadyDecided, CannotOwnReview.
    """
    if owner not in {user_id for user_id, _role, _shift in list_reviewers(workspace_id=current_tenant().id)}:
        raise CannotOwnReview("Choose somebody whose role may decide reviews in this workspace.")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_review SET owner = %s, version = version + 1 WHERE intent_id = %s AND state = 'open'",
            [owner, intent_id],
        )
        changed = cursor.rowcount
    review = _existing(intent_id)
    if changed != 1:
        raise _already_decided(review)
    return review


def close_review(*, intent_id: str, approve: bool, actor: Actor, reason: str, now: datetime) -> ReviewRecord:
    """Take a person's decision. Of two who race, one decides and the other is told who and when.

    Raises:
        NoSuchReview: nothing is held for this intent.
        ReviewAlreadyDecided: with ``decided_by`` and ``decided_at``.
        MakerCannotDecide: the actor made the intent.
        ReasonRequired: the reason is empty.
    """
    if not reason.strip():
        raise ReasonRequired("Say why; the reason is kept in the evidence.")
    review = _existing(intent_id)
    if actor.id == review.maker:
        raise MakerCannotDecide("You made this intent; another person has to decide it.")
    with connection.cursor() as cursor:
        # Compare-and-set: the row count tells whether another person got there first.
        cursor.execute(
            "UPDATE policy_review SET state = %s, decided_at = %s, decided_by = %s, decided_role = %s, note = %s,"
            " version = version + 1 WHERE intent_id = %s AND state = 'open'",
            ["approved" if approve else "declined", now, actor.id, actor.role, reason.strip()[:2000], intent_id],
        )
        changed = cursor.rowcount
    review = _existing(intent_id)
    if changed != 1:
        raise _already_decided(review)
    return review


def _existing(intent_id: str) -> ReviewRecord:
    try:
        return get_review(intent_id=intent_id)
    except LookupError as error:
        raise NoSuchReview(f"Nothing is held for review under {intent_id!r}.") from error


def _already_decided(review: ReviewRecord) -> ReviewAlreadyDecided:
    return ReviewAlreadyDecided(
        f"{review.decided_by} {review.state} it at {review.decided_at:%H:%M:%S} UTC.",
        state=review.state,
        decided_by=review.decided_by,
        decided_at=review.decided_at.isoformat() if review.decided_at else None,
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
