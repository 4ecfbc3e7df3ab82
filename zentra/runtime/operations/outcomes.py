"""What a provider says became of an intent: applied once, in whatever order and however often it is said."""

from datetime import datetime
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.operations import release_limits
from zentra.core import actors, queue
from zentra.core.tenancy import current_tenant
from zentra.routing.operations import AttemptUnknown, record_outcome
from zentra.routing.queries import find_attempt_by_key
from zentra.routing.types import UNEXECUTED_STATES, AnswerKind, AttemptRecord
from zentra.runtime import store
from zentra.runtime.flow import post_steps, posting_event
from zentra.runtime.kinds import KINDS
from zentra.runtime.states import Status
from zentra.runtime.types import Effect, IntentRecord, OutcomeResult, ProviderOutcome

RANK: Final[dict[str | None, int]] = {None: 0, "accepted": 1, "succeeded": 2, "settled": 3, "declined": 4, "failed": 4}
"""How far an outcome is; one only ever goes up, so what comes late or twice changes nothing."""


def apply_provider_outcome(
    *,
    rail_id: str,
    intent_id: str,
    outcome: ProviderOutcome,
    amount_minor: int,
    currency: str,
    provider_reference: str | None,
    callback_id: str,
    now: datetime,
) -> OutcomeResult:
    """Apply a verified callback in the caller's transaction. ``intent_id`` is our key at the rail.

    The attempt and the intent converge by compare-and-set under the intent's row lock; postings are made once per
    step by the ledger's own key, so that even a lost lock could not post twice.
    """
    attempt = find_attempt_by_key(key=intent_id)
    if attempt is None or attempt.rail_id != rail_id:
        return OutcomeResult("unknown_intent", 0, None, "No attempt of this rail has this reference.")
    intent = store.lock(attempt.intent_id)
    now = store.moment_of(intent, now)
    if (amount_minor, currency) != (intent.amount_minor, intent.currency):
        detail = f"The rail says {amount_minor} {currency}, the intent {intent.amount_minor} {intent.currency}."
        return record_mismatch(intent=intent, attempt=attempt, detail=detail, reference=provider_reference, now=now)
    try:
        recorded = record_outcome(
            key=intent_id, outcome=AnswerKind(outcome), provider_reference=provider_reference, now=now
        )
    except AttemptUnknown:
        return OutcomeResult("unknown_intent", 0, None, "No attempt of this rail has this reference.")
    if recorded.effect == "contradiction":
        detail = f"The rail says {outcome} after {recorded.attempt.state}."
        return record_mismatch(intent=intent, attempt=attempt, detail=detail, reference=provider_reference, now=now)
    if recorded.attempt.state in UNEXECUTED_STATES:
        # A word about an attempt that executed nothing says nothing of the one that took its place.
        return OutcomeResult("late", intent.mutations, intent.status, f"The attempt was {recorded.attempt.state}.")
    effect = converge(
        intent,
        recorded.attempt,
        outcome,
        now=now,
        provider_reference=provider_reference,
        callback_id=callback_id,
        provider_amount_minor=amount_minor,
    )
    if effect == "duplicate":
        store.count_replay(intent.intent_id)
    after = store.get(intent.intent_id)
    return OutcomeResult(effect, after.mutations, after.status)


def count_replay(*, intent_id: str) -> None:
    """Count a repeat (of a callback, of a write) that was resolved without effect."""
    store.count_replay(intent_id)


def record_mismatch(
    *, intent: IntentRecord, attempt: AttemptRecord, detail: str, reference: str | None, now: datetime
) -> OutcomeResult:
    """Keep that a rail contradicts the intent or itself; nothing is posted, and a person has to look."""
    record_events(
        events=[
            NewEvent(
                type="provider.mismatch",
                actor=actors.ROUTES,
                intent_id=intent.intent_id,
                trace_id=intent.trace_id,
                data={
                    "attempt_id": attempt.id,
                    "rail": attempt.rail,
                    "provider_reference": reference,
                    "detail": detail,
                },
            )
        ],
        now=now,
    )
    return OutcomeResult("mismatch", intent.mutations, intent.status, detail)


def converge(
    intent: IntentRecord,
    attempt: AttemptRecord,
    outcome: ProviderOutcome,
    *,
    now: datetime,
    provider_reference: str | None = None,
    callback_id: str | None = None,
    provider_amount_minor: int | None = None,
) -> Effect:
    """Bring an intent that we hold locked to an outcome; says what that changed."""
    if intent.outcome == outcome:
        return "duplicate"
    if RANK[outcome] <= RANK[intent.outcome] or intent.status not in (Status.LEDGERED, Status.ROUTED):
        return "late"
    if outcome in ("declined", "failed") and RANK[intent.outcome] >= RANK["succeeded"]:
        # Money that has moved is given back by a refund, never by releasing a reserve that is gone.
        return "late"
    proof = {
        "outcome": outcome,
        "outcome_at": now,
        "is_outcome_unknown": False,
        "provider_reference": provider_reference or attempt.provider_reference or intent.provider_reference,
        "callback_id": callback_id or intent.callback_id,
        "provider_amount_minor": provider_amount_minor or intent.provider_amount_minor,
    }
    if outcome in ("declined", "failed"):
        fail_intent(intent, failure=f"provider {outcome}", now=now, **proof)
        return "applied"
    if outcome != "accepted":
        _post_outcome(intent, attempt, outcome, now=now)
    store.note(intent, at=now, **proof)
    if outcome == "settled":
        _enqueue("webhooks.check_stream", intent, now)
    return "applied"


def _post_outcome(intent: IntentRecord, attempt: AttemptRecord, outcome: ProviderOutcome, *, now: datetime) -> None:
    """Post what the outcome means; ``settled`` before ``succeeded`` posts both, in order, in one call."""
    kind = KINDS[intent.kind]
    steps = [kind.success] if RANK[intent.outcome] < RANK["succeeded"] else []
    if outcome == "settled":
        steps.append(kind.settle)
    posted = post_steps(intent, steps, now=now)
    said = NewEvent(
        type=f"provider.{outcome}",
        actor=actors.ROUTES,
        intent_id=intent.intent_id,
        trace_id=intent.trace_id,
        data={
            "attempt_id": attempt.id,
            "rail": attempt.rail,
            "provider_reference": attempt.provider_reference,
            "amount_minor": intent.amount_minor,
            "currency": intent.currency,
        },
    )
    told = [
        posting_event(each, actor=actors.LEDGER, intent_id=intent.intent_id, trace_id=intent.trace_id)
        for each in posted
        if not each.replayed
    ]
    record_events(events=[said, *told], now=now)


def fail_intent(intent: IntentRecord, *, failure: str, now: datetime, **facts: object) -> IntentRecord:
    """End an intent that we hold locked before success: the reserve goes back, the limits are freed, it is sealed."""
    (posted,) = post_steps(intent, [KINDS[intent.kind].release], now=now)
    failed = store.advance(intent, Status.FAILED, actor=actors.ROUTES, at=now, reason=failure, failure=failure, **facts)
    release_limits(intent_id=intent.intent_id, now=now)
    said = NewEvent(
        type="provider.declined" if failure == "provider declined" else "provider.failed",
        actor=actors.ROUTES,
        intent_id=intent.intent_id,
        trace_id=intent.trace_id,
        data={"reason": failure, "rail": intent.rail, "provider_reference": failed.provider_reference},
    )
    released = posting_event(posted, actor=actors.LEDGER, intent_id=intent.intent_id, trace_id=intent.trace_id)
    record_events(events=[said, released], now=now)
    _enqueue("runtime.close", intent, now)
    return failed


def _enqueue(kind: str, intent: IntentRecord, now: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=kind, ref=intent.intent_id, due_at=now, priority=2)
