"""What a packet shows of the runtime, and the check that the intent's row says what its events say."""

import json

from evidence.queries import timeline
from evidence.types import ProjectionResult
from zentra.core.clock import iso
from zentra.runtime import store
from zentra.runtime.states import Status

EVERY_EVENT = 100_000
"""As many events as a packet may hold: a client that repeats itself a thousand times hides nothing."""


class IntentSection:
    """``sections/intent.json``."""

    name = "intent"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """The intent, its states with their moments, and what the provider said. Ids only, no personal data."""
        intent = store.find(intent_id)
        if intent is None:
            return None
        return {
            "id": intent.id,
            "intent_id": intent.intent_id,
            "kind": intent.kind,
            "status": intent.status,
            "amount_minor": intent.amount_minor,
            "currency": intent.currency,
            "actor": intent.actor,
            "trace_id": intent.trace_id,
            "outcome": intent.outcome,
            "rail": intent.rail,
            "provider_reference": intent.provider_reference,
            "callback_id": intent.callback_id,
            "event_stream": intent.event_stream,
            "undelivered": intent.undelivered,
            "mutations": intent.mutations,
            "replays": intent.replays,
            "history": [
                {"state": step.after, "at": iso(step.at), "actor": step.actor} for step in store.history(intent_id)
            ],
        }


class IntentProjection:
    """The row's outcome and proof against the recorded events."""

    name = "intent"

    def check(self, *, intent_id: str) -> ProjectionResult:
        """Whether amount, entry hash and outcome of the row stand in the events."""
        intent = store.get(intent_id)
        events = {
            name: json.loads(e.body)["data"]
            for e in timeline(intent_id=intent_id, limit=EVERY_EVENT)
            for name in e.names
        }
        accepted = events.get("ingress.accepted", {})
        if (accepted.get("amount_minor"), accepted.get("currency")) != (intent.amount_minor, intent.currency):
            return ProjectionResult(False, "The amount of the row is not the amount that was accepted.")
        if intent.entry_hash and events.get("ledger.posted", {}).get("entry_hash") != intent.entry_hash:
            return ProjectionResult(False, "The entry hash of the row is not the one that was recorded.")
        if intent.has_settled and "provider.settled" not in events:
            return ProjectionResult(False, "The row says settled and no event does.")
        if intent.status is Status.FAILED and not {"provider.declined", "provider.failed"} & events.keys():
            return ProjectionResult(False, "The row says failed and no event does.")
        return ProjectionResult(True, "Amount, entry hash and outcome stand in the events.")
