"""Everything that changes an intent."""

from zentra.runtime.operations.cases import sweep_holds, sweep_unknown
from zentra.runtime.operations.closing import close_intent, revise_packet, seal_intent, synchronize_intent
from zentra.runtime.operations.intake import InvalidMovement, MovementRequired, UnknownKind, create_intent, note_replay
from zentra.runtime.operations.outcomes import apply_provider_outcome, count_replay
from zentra.runtime.operations.outgoing import pause_outgoing_money, resume_outgoing_money
from zentra.runtime.operations.reviews import approve_intent, assign_intent_review, decline_intent
from zentra.runtime.operations.routes import ask_provider, route_intent

__all__ = [
    "InvalidMovement",
    "MovementRequired",
    "UnknownKind",
    "apply_provider_outcome",
    "approve_intent",
    "ask_provider",
    "assign_intent_review",
    "close_intent",
    "count_replay",
    "create_intent",
    "decline_intent",
    "note_replay",
    "pause_outgoing_money",
    "resume_outgoing_money",
    "revise_packet",
    "route_intent",
    "seal_intent",
    "sweep_holds",
    "sweep_unknown",
    "synchronize_intent",
]
