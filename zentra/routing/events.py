"""Routing's facts as events; the runtime records them in the transaction of what they tell."""

from collections.abc import Sequence

from evidence.types import NewEvent
from zentra.core.actors import ROUTES, Actor
from zentra.routing.types import AttemptRecord, PauseRecord, RouteDecisionRecord


def routed_event(
    *,
    decision: RouteDecisionRecord,
    attempt: AttemptRecord,
    lane: str = "",
    tags: Sequence[str] = (),
    trace_id: str | None = None,
) -> NewEvent:
    """``provider.routed``: the corridor decision, whole, the attempt that it led to, and what policy said to it."""
    return NewEvent(
        type="provider.routed",
        actor=ROUTES,
        intent_id=decision.intent_id,
        trace_id=trace_id,
        data={
            "route_decision_id": decision.id,
            "corridor": decision.corridor,
            "amount_minor": decision.amount_minor,
            "currency": decision.currency,
            "candidates": [candidate.as_dict() for candidate in decision.candidates],
            "why": decision.why,
            "rail_id": decision.rail_id,
            "rail": decision.rail,
            "attempt_id": attempt.id,
            "attempt": attempt.number,
            "key": attempt.key,
            "lane": lane,
            "tags": list(tags),
        },
    )


def paused_event(*, pause: PauseRecord, actor: Actor) -> NewEvent:
    """``outgoing.paused``: what stands still, by whom and why."""
    return NewEvent(type="outgoing.paused", actor=actor, data=_describe_pause(pause))


def resumed_event(*, pause: PauseRecord, actor: Actor) -> NewEvent:
    """``outgoing.resumed``: the second person and their reason, beside the first person and theirs."""
    first = {"paused_because": pause.reason, "reason": pause.resume_reason}
    return NewEvent(type="outgoing.resumed", actor=actor, data=_describe_pause(pause) | first)


def _describe_pause(pause: PauseRecord) -> dict[str, object]:
    return {
        "pause_id": pause.id,
        "scope": pause.scope,
        "rail_id": pause.rail_id,
        "rail": pause.rail,
        "reason": pause.reason,
        "paused_by": pause.paused_by,
    }
