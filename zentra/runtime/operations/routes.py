"""Sending an intent out: choose and record inside a transaction, call the provider outside of any, record its answer.

Each function is the whole of one work item and opens its own transactions, because a network call lies between them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.decisions.routing_facts import RoutingFacts, routing_facts
from zentra.core import actors, clock, queue
from zentra.core.queue import Defer
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work
from zentra.routing.errors import OutgoingPaused
from zentra.routing.events import routed_event
from zentra.routing.operations import NoRouteAvailable, begin_attempt, choose_route, record_answer
from zentra.routing.providers.adapters import adapter_for
from zentra.routing.providers.types import ProviderAnswer, ProviderRequest, build_request
from zentra.routing.queries import find_open_attempt, find_rail, list_attempts
from zentra.routing.types import UNEXECUTED_STATES, AttemptRecord, AttemptState, CorridorRef, RailRecord
from zentra.runtime import store
from zentra.runtime.operations.outcomes import converge, fail_intent, record_mismatch
from zentra.runtime.states import Status
from zentra.runtime.types import IntentRecord, ProviderOutcome

ASK_AFTER: Final = timedelta(seconds=6)
"""How long a callback may take before the rail is asked; also how soon a dead worker's send is looked into."""

ASK_UNKNOWN_AFTER: Final = timedelta(seconds=1)
LONGEST_ASK: Final = timedelta(seconds=60)
PAUSED_FOR: Final = timedelta(seconds=3)
LONGEST_PAUSED_FOR: Final = timedelta(seconds=30)
"""How soon a paused intent looks again: the longer it waits, the less often, so that many cost little."""

OUTCOME_OF: Final[dict[AttemptState, ProviderOutcome]] = {
    AttemptState.ACCEPTED: "accepted",
    AttemptState.SUCCEEDED: "succeeded",
    AttemptState.SETTLED: "settled",
    AttemptState.DECLINED: "declined",
    AttemptState.FAILED: "failed",
}
FINAL: Final = frozenset({"settled", "declined", "failed"})


@dataclass(frozen=True, slots=True)
class _Dispatch:
    """One call to make outside the transaction. ``is_new`` false: somebody may have sent it; ask instead."""

    attempt: AttemptRecord
    rail: RailRecord
    request: ProviderRequest


def route_intent(*, intent_id: str, ws: TenantRef) -> None:
    """Choose a rail, record why, send. A repeat after a crash asks the rail and never sends twice.

    Raises Defer while outgoing money is paused.
    """
    with tenant_work(ws):
        dispatch = _prepare(intent_id, now=clock.now())
    if dispatch is None:
        return
    rail = adapter_for(rail=dispatch.rail)
    answer = rail.send(dispatch.request) if dispatch.attempt.is_new else rail.ask(dispatch.attempt.key)
    with tenant_work(ws):
        _take_answer(intent_id, dispatch.attempt, answer, now=clock.now())


def _prepare(intent_id: str, *, now: datetime) -> _Dispatch | None:
    intent = store.lock(intent_id)
    if intent.status not in (Status.LEDGERED, Status.ROUTED) or intent.outcome is not None:
        return None
    live = find_open_attempt(intent_id=intent_id)
    if live is not None:
        return _dispatch(intent, live)
    corridor = CorridorRef.from_mapping(intent.corridor)
    policy = routing_facts(decision_id=intent.decision_id) if intent.decision_id else RoutingFacts()
    try:
        decision = choose_route(
            intent_id=intent_id,
            kind=intent.kind,
            corridor=corridor,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            eligible_rails=policy.only,
            ineligible_rails=policy.avoid,
            exclude=_tried(intent_id),
            now=now,
        )
    except OutgoingPaused as paused:
        waited = (now - intent.created_at) / 4
        raise Defer(now + min(max(waited, PAUSED_FOR), LONGEST_PAUSED_FOR), paused.detail) from paused
    except NoRouteAvailable as none:
        fail_intent(intent, failure="no route available", now=now, is_outcome_unknown=False)
        del none
        return None
    attempt = begin_attempt(decision=decision, now=now)
    facts = {"rail": decision.rail, "is_failover": decision.is_failover, "is_outcome_unknown": False}
    if intent.status is Status.LEDGERED:
        store.advance(intent, Status.ROUTED, actor=actors.ROUTES, at=now, reason=decision.why, **facts)
    else:
        store.note(intent, at=now, **facts)
    told = routed_event(
        decision=decision, attempt=attempt, lane=policy.lane, tags=policy.tags, trace_id=intent.trace_id
    )
    record_events(events=[told], now=now)
    # Before the call: whatever happens to this process, somebody will ask.
    _enqueue("runtime.ask", intent_id, now + ASK_AFTER)
    return _dispatch(intent, attempt)


def _dispatch(intent: IntentRecord, attempt: AttemptRecord) -> _Dispatch:
    rail = find_rail(rail=attempt.rail_id)
    scenario = intent.metadata.get("sandbox_scenario") if current_tenant().mode == "sandbox" else None
    request = build_request(
        attempt=attempt,
        rail=rail,
        kind=intent.kind,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        corridor=CorridorRef.from_mapping(intent.corridor),
        scenario=str(scenario) if scenario else None,
    )
    return _Dispatch(attempt, rail, request)


def _tried(intent_id: str) -> list[str]:
    return [attempt.rail_id for attempt in list_attempts(intent_id=intent_id) if attempt.state in UNEXECUTED_STATES]


def ask_provider(*, intent_id: str, ws: TenantRef) -> None:
    """Ask the rail what became of an intent whose outcome is not final; converge on its answer.

    Raises Defer until the outcome is final, at growing intervals.
    """
    with tenant_work(ws):
        intent = store.get(intent_id)
        attempt = find_open_attempt(intent_id=intent_id)
        if intent.outcome in FINAL or attempt is None:
            return
        rail = find_rail(rail=attempt.rail_id)
    answer = adapter_for(rail=rail).ask(attempt.key)
    with tenant_work(ws):
        is_final = _take_answer(intent_id, attempt, answer, now=clock.now(), asked=True)
    if not is_final:
        age = clock.now() - attempt.started_at
        raise Defer(clock.now() + min(max(age / 2, ASK_UNKNOWN_AFTER), LONGEST_ASK), f"the rail says {answer.kind}")


def _take_answer(
    intent_id: str, attempt: AttemptRecord, answer: ProviderAnswer, *, now: datetime, asked: bool = False
) -> bool:
    """Record an answer and do what the attempt's state then says; True when nothing is left to ask."""
    intent = store.lock(intent_id)
    now = store.moment_of(intent, now)
    if answer.amount_minor is not None and (answer.amount_minor, answer.currency) != (
        intent.amount_minor,
        intent.currency,
    ):
        detail = f"Asked, the rail says {answer.amount_minor} {answer.currency}."
        record_mismatch(intent=intent, attempt=attempt, detail=detail, reference=answer.provider_reference, now=now)
        return False
    state = record_answer(attempt_id=attempt.id, answer=answer, now=now).attempt.state
    if intent.outcome in FINAL:
        return True
    if state in UNEXECUTED_STATES:
        _enqueue("runtime.route", intent_id, now)
        return True
    if state is AttemptState.UNKNOWN:
        _note_unknown(intent, attempt, answer, now=now, asked=asked)
        return False
    outcome = OUTCOME_OF.get(state)
    if outcome is not None:
        converge(
            intent,
            attempt,
            outcome,
            now=now,
            provider_reference=answer.provider_reference,
            provider_amount_minor=answer.amount_minor,
        )
    return outcome in FINAL


def _note_unknown(
    intent: IntentRecord, attempt: AttemptRecord, answer: ProviderAnswer, *, now: datetime, asked: bool
) -> None:
    """Outcome unknown: said once, asked for, never re-sent elsewhere."""
    if not intent.is_outcome_unknown:
        store.note(intent, at=now, is_outcome_unknown=True)
        unknown = NewEvent(
            type="provider.unknown",
            actor=actors.ROUTES,
            intent_id=intent.intent_id,
            trace_id=intent.trace_id,
            data={"attempt_id": attempt.id, "rail": attempt.rail, "detail": answer.detail[:200]},
        )
        record_events(events=[unknown], now=now)
    if not asked:
        _enqueue("runtime.ask", intent.intent_id, now + ASK_UNKNOWN_AFTER)


def _enqueue(kind: str, intent_id: str, due_at: datetime) -> None:
    queue.enqueue(workspace_id=current_tenant().id, kind=kind, ref=intent_id, due_at=due_at, priority=2)
