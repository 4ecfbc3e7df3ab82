"""What a packet shows of routing: why which rail, and what each try came to."""

from datetime import datetime

from zentra.routing.queries import list_attempts, list_decisions
from zentra.routing.types import AttemptRecord, RouteDecisionRecord


class RoutingSection:
    """`sections/routing.json` of a packet (evidence.types.PacketSection)."""

    name = "routing"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """Decisions and attempts of an intent; None for one that was never routed."""
        decisions = list_decisions(intent_id=intent_id)
        if not decisions:
            return None
        attempts = list_attempts(intent_id=intent_id)
        return {
            "decisions": [_write_decision(decision) for decision in decisions],
            "attempts": [_write_attempt(attempt) for attempt in attempts],
        }


def _write_decision(decision: RouteDecisionRecord) -> dict[str, object]:
    return {
        "id": decision.id,
        "number": decision.number,
        "corridor": decision.corridor,
        "amount_minor": decision.amount_minor,
        "currency": decision.currency,
        "rail": decision.rail,
        "rail_id": decision.rail_id,
        "why": decision.why,
        "candidates": [candidate.as_dict() for candidate in decision.candidates],
        "decided_at": _iso(decision.decided_at),
    }


def _write_attempt(attempt: AttemptRecord) -> dict[str, object]:
    return {
        "id": attempt.id,
        "decision_id": attempt.decision_id,
        "number": attempt.number,
        "rail": attempt.rail,
        "key": attempt.key,
        "state": attempt.state.value,
        "provider_reference": attempt.provider_reference,
        "latency_ms": attempt.latency_ms,
        "asks": attempt.asks,
        "contradicted_by": attempt.contradicted_by,
        "started_at": _iso(attempt.started_at),
        "answered_at": _iso(attempt.answered_at) if attempt.answered_at else None,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
