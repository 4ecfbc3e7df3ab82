"""The states of an intent and every transition between them, as one table. What is not in it is refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from zentra.core.errors import DomainError


class Status(StrEnum):
    """Where an intent stands."""

    ACCEPTED = "accepted"
    CONTROLLED = "controlled"
    LEDGERED = "ledgered"
    ROUTED = "routed"
    SYNCHRONIZED = "synchronized"
    EVIDENCED = "evidenced"
    REVIEW = "review"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the six states as the room shows it: who acts there and what it keeps as proof."""

    number: int
    status: Status
    layer: str
    short: str
    actor: str
    words: str
    event: str
    proof: str


STAGES: Final = (
    Stage(1, Status.ACCEPTED, "API edge", "API", "svc_edge", "request accepted", "ingress.accepted", "intent_id"),
    Stage(
        2,
        Status.CONTROLLED,
        "Policy engine",
        "Policy",
        "svc_policy",
        "scope validated",
        "policy.accepted",
        "actor + scope",
    ),
    Stage(
        3, Status.LEDGERED, "Money core", "Ledger", "svc_ledger", "minor-unit entries", "ledger.posted", "entry hash"
    ),
    Stage(
        4,
        Status.ROUTED,
        "Routing layer",
        "Route",
        "svc_routes",
        "settlement pending",
        "provider.routed",
        "corridor decision",
    ),
    Stage(
        5,
        Status.SYNCHRONIZED,
        "Event runtime",
        "Webhook",
        "svc_events",
        "one state retained",
        "money_runtime.synchronized",
        "signature verified",
    ),
    Stage(
        6,
        Status.EVIDENCED,
        "Evidence layer",
        "Evidence",
        "svc_evidence",
        "state reconciled",
        "evidence.sealed",
        "export ready",
    ),
)

S = Status
TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    S.ACCEPTED: frozenset({S.CONTROLLED, S.REVIEW, S.DECLINED}),
    S.REVIEW: frozenset({S.CONTROLLED, S.DECLINED, S.EXPIRED, S.CANCELED}),
    S.CONTROLLED: frozenset({S.LEDGERED}),
    S.LEDGERED: frozenset({S.ROUTED, S.FAILED, S.CANCELED, S.EXPIRED}),
    S.ROUTED: frozenset({S.SYNCHRONIZED, S.FAILED, S.EXPIRED}),
    S.SYNCHRONIZED: frozenset({S.EVIDENCED}),
    S.EVIDENCED: frozenset({S.REVERSED}),
    S.DECLINED: frozenset(),
    S.FAILED: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELED: frozenset(),
    S.REVERSED: frozenset(),
}
END_STATES: Final = frozenset({S.EVIDENCED, S.DECLINED, S.FAILED, S.EXPIRED, S.CANCELED, S.REVERSED})
MOVING: Final = frozenset({S.ACCEPTED, S.CONTROLLED, S.LEDGERED, S.ROUTED, S.SYNCHRONIZED})


class TransitionNotAllowed(DomainError):
    """The state table has no such transition; nothing changed."""

    code = "transition_not_allowed"
    status = 409
    title = "The intent cannot go there from where it is"


def check_transition(before: Status, after: Status) -> None:
    """Refuse what the table does not have; raises TransitionNotAllowed."""
    if after not in TRANSITIONS[before]:
        raise TransitionNotAllowed(
            f"An intent that is {before} cannot become {after}.",
            status_now=before,
            allowed=sorted(TRANSITIONS[before]),
        )
