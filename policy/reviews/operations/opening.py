"""Open a case, or have what happened join the open one of the same subject. It is owned from its first moment."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.reviews import events, people, store
from policy.reviews.times import review_time
from policy.reviews.types import AlertKind, CaseKind, NewAlert, Queue, ReviewRecord
from policy.rules.types import HOLDS, SEVERITY, RuleResult
from policy.types import DecisionRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.db.hot import defer_hot
from zentra.core.errors import DomainError

_TRIES: Final = 3


class CaseClosedMeanwhile(DomainError):
    """The open case that the alert would have joined was closed at the same moment."""

    code = "review_closed_meanwhile"
    status = 409
    title = "The case was closed at this moment"
    retryable = True


_ALERT: Final = (
    "INSERT INTO policy_review_alert (id, review_id, kind, name, words, score, reference, state, raised_at, note)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, 'open', %s, '') ON CONFLICT ON CONSTRAINT review_alert_once DO NOTHING"
)


def open_review(*, decision: DecisionRecord, maker: str, now: datetime) -> ReviewRecord:
    """Hold an intent for people: one case, with every rule that holds it as an alert.

    A blocking rule takes it to compliance, and four eyes rule where the decision says so. Nothing is recorded here:
    the caller records ``opening_events`` together with its own.
    """
    gate = decision.gate
    if gate is None:
        raise ValueError("Only a decision that some rule holds opens a review.")
    subject = decision.subject
    queue: Queue = "compliance" if any(r.outcome == "blocked" for r in decision.results) else "operations"
    review = _new(
        case_kind="intent", subject=subject.intent_id, queue=queue, rule=gate.rule, saw=gate.saw(subject.currency),
        amount_minor=subject.amount_minor, currency=subject.currency, maker=maker, owner=None, now=now,
    )  # fmt: skip
    review = replace(
        review,
        intent_id=subject.intent_id,
        decision_id=decision.id,
        party_id=_party_in_doubt(decision),
        kind=subject.kind,
        lane=decision.lane,
        score=decision.score,
        approvals_needed=2 if decision.four_eyes else 1,
    )
    _insert(review)
    for result in decision.results:
        if SEVERITY[result.outcome] >= HOLDS:
            defer_hot(_ALERT, _alert_values(review.id, _alert_of(result, subject.currency), now))
    store.keep_step(review.id, "opened", actor=actors.POLICY, at=now, after=review.owner)
    return review


def _party_in_doubt(decision: DecisionRecord) -> str:
    """The party whose screening is not clear: its hits are resolved before the intent is approved."""
    parties = (decision.subject.customer_party, decision.subject.counterparty_party)
    return next((p.party_id for p in parties if p is not None and p.screening in ("unresolved", "confirmed")), "")


def _alert_of(result: RuleResult, currency: str) -> NewAlert:
    kind: AlertKind = "limit" if result.rule.startswith("limit.") else "rule"
    return NewAlert(kind, result.rule, result.saw(currency), result.score)


def opening_events(*, review: ReviewRecord, trace_id: str | None) -> list[NewEvent]:
    """What is recorded when a case opens: that it did, and who is accountable for it."""
    return [
        events.event_of(
            "opened", review, actor=actors.POLICY, trace_id=trace_id, approvals_needed=review.approvals_needed,
            score=review.score, lane=review.lane,
        ),
        events.event_of("assigned", review, actor=actors.POLICY, trace_id=trace_id),
    ]  # fmt: skip


def open_case(
    *,
    kind: CaseKind,
    subject: str,
    queue: Queue,
    alert: NewAlert,
    maker: str,
    now: datetime,
    amount_minor: int | None = None,
    currency: str | None = None,
    owner: str | None = None,
    intent_id: str = "",
    party_id: str = "",
    actor: Actor = actors.POLICY,
) -> ReviewRecord:
    """Open a case about a subject, or add the alert to its open case; harmless twice with the same alert.

    ``maker`` is who or what brought it about, and may not decide it. Recorded as ``review.opened`` and
    ``review.assigned``; an alert that joins, as ``review.alert_raised``. In the caller's transaction.
    """
    review = replace(
        _new(
            case_kind=kind, subject=subject, queue=queue, rule=alert.name, saw=alert.words, maker=maker, owner=owner,
            amount_minor=amount_minor or 0, currency=currency or "", now=now,
        ),
        intent_id=intent_id, party_id=party_id, score=alert.score,
    )  # fmt: skip
    for _ in range(_TRIES):
        if _insert(review, or_join=True):
            break
        joined = _join(kind, subject, alert, actor, now)
        if joined is not None:
            return joined
    else:
        raise CaseClosedMeanwhile(f"The case of {subject[:80]!r} was closed at this moment; try again.")
    _raise(review.id, alert, now)
    store.keep_step(review.id, "opened", actor=actor, at=now, after=review.owner)
    record_events(events=opening_events(review=review, trace_id=None), now=now)
    return review


def _join(kind: CaseKind, subject: str, alert: NewAlert, actor: Actor, now: datetime) -> ReviewRecord | None:
    """Add an alert to the open case of its subject; None when that was closed while we waited for it."""
    found = store.select("WHERE case_kind = %s AND subject = %s AND state = 'open' FOR UPDATE", [kind, subject])
    return add_alert(review=found[0], alert=alert, actor=actor, now=now) if found else None


def add_alert(*, review: ReviewRecord, alert: NewAlert, actor: Actor, now: datetime) -> ReviewRecord:
    """Add an alert to an open case that the caller holds locked; one that is there already changes nothing."""
    if not _raise(review.id, alert, now):
        return review
    changed = store.change(review, actor=actor, at=now, score=max(review.score, alert.score))
    store.keep_step(review.id, "alert_raised", actor=actor, at=now, after=alert.name, words=alert.words)
    events.record("alert_raised", changed, actor=actor, now=now, alert_kind=alert.kind, alert_name=alert.name)
    return changed


def note_change(
    *, review_id: str, alert: NewAlert, needs_two: bool, is_blocking: bool, actor: Actor, now: datetime
) -> ReviewRecord | None:
    """Add to an open case what changed since. None when it was closed.

    Where it needs two people now, two approve; what blocks it now makes it compliance's.
    """
    review = store.lock(review_id)
    if not review.is_open:
        return None
    if needs_two and not review.needs_two:
        review = store.change(review, actor=actor, at=now, approvals_needed=2)
    if is_blocking and review.queue != "compliance":
        owner = people.owner_of_queue("compliance", leave_out=people.makers_of(review.maker))
        review = store.change(review, actor=actor, at=now, queue="compliance", owner=owner, **store.FREE)
        events.record("assigned", review, actor=actor, now=now)
    return add_alert(review=review, alert=alert, actor=actor, now=now)


def _new(
    *,
    case_kind: CaseKind,
    subject: str,
    queue: Queue,
    rule: str,
    saw: str,
    amount_minor: int,
    currency: str,
    maker: str,
    owner: str | None,
    now: datetime,
) -> ReviewRecord:
    """A case that was not written yet, with its owner."""
    return ReviewRecord(
        id=ids.new_id("rev"),
        case_kind=case_kind,
        subject=subject,
        intent_id="",
        decision_id="",
        party_id="",
        queue=queue,
        rule=rule,
        saw=saw,
        amount_minor=amount_minor,
        currency=currency,
        kind="",
        lane="",
        score=0,
        state="open",
        owner=owner or people.owner_of_queue(queue, leave_out=people.makers_of(maker)),
        maker=maker,
        edited_by=None,
        claimed_by=None,
        claimed_until=None,
        snoozed_until=None,
        snoozed_by=None,
        escalation=0,
        escalated_at=None,
        escalated_by=None,
        approvals_needed=1,
        opened_at=now,
        due_at=now + review_time(queue),
        breached_at=None,
        decided_at=None,
        decided_by=None,
        decided_role=None,
        outcome_code="",
        reason_code="",
        note="",
        changed_at=None,
        changed_by=None,
        version=1,
    )


_WRITTEN: Final = (
    "id", "case_kind", "subject", "intent_id", "decision_id", "party_id", "queue", "rule", "saw", "amount_minor",
    "currency", "kind", "lane", "score", "state", "owner", "maker", "approvals_needed", "opened_at", "due_at", "note",
    "version",
)  # fmt: skip
_PREFIXES: Final = {"id": "rev", "decision_id": "dec"}
_NULLED: Final = frozenset({"intent_id", "decision_id", "party_id", "currency"})
_INSERT: Final = f"INSERT INTO policy_review ({', '.join(_WRITTEN)}) VALUES ({', '.join(['%s'] * len(_WRITTEN))})"  # noqa: S608  # our own columns
_ONCE_PER_SUBJECT: Final = " ON CONFLICT (case_kind, subject) WHERE state = 'open' AND subject <> '' DO NOTHING"


def _insert(review: ReviewRecord, *, or_join: bool = False) -> bool:
    """Write a new case; with ``or_join`` False says that its subject has an open one."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + (_ONCE_PER_SUBJECT if or_join else ""), [_value(review, name) for name in _WRITTEN])
        return bool(cursor.rowcount == 1)


def _value(review: ReviewRecord, name: str) -> Any:
    value = getattr(review, name)
    if name in _NULLED and value == "":
        return None
    if name == "amount_minor" and not review.currency:
        return None
    return ids.to_uuid(value, prefix=_PREFIXES[name]) if name in _PREFIXES else value


def _raise(review_id: str, alert: NewAlert, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_ALERT, _alert_values(review_id, alert, now))
        return bool(cursor.rowcount == 1)


def _alert_values(review_id: str, alert: NewAlert, now: datetime) -> list[Any]:
    return [
        ids.new_uuid(), ids.to_uuid(review_id, prefix="rev"), alert.kind, alert.name, alert.words[:500], alert.score,
        alert.reference, now,
    ]  # fmt: skip
