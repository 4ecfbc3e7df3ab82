"""How a party's verification goes from state to state: one table. The database holds the same one (immutable.sql)."""

from collections.abc import Mapping
from typing import Final, Literal

from policy.screening.types import KycState
from zentra.core.errors import DomainError

KycCause = Literal["start", "approve", "reject", "expire", "renew", "abandon", "abandon_expired"]

TRANSITIONS: Final[Mapping[tuple[KycState, KycCause], KycState]] = {
    ("none", "start"): "pending",
    ("none", "approve"): "verified",
    ("none", "reject"): "rejected",
    ("pending", "approve"): "verified",
    ("pending", "reject"): "rejected",
    ("pending", "abandon"): "none",
    ("pending", "abandon_expired"): "expired",
    # What was verified stays so while it is verified again.
    ("verified", "start"): "verified",
    ("verified", "approve"): "verified",
    ("verified", "reject"): "rejected",
    ("verified", "abandon"): "verified",
    ("verified", "expire"): "expired",
    ("rejected", "start"): "pending",
    ("rejected", "approve"): "verified",
    ("expired", "start"): "pending",
    ("expired", "approve"): "verified",
    ("expired", "reject"): "rejected",
    # A new document is what an expired one lacked; the verification itself is still good.
    ("expired", "renew"): "verified",
}


class KycRefused(DomainError):
    """The party's verification does not go from its state to that one."""

    code = "kyc_refused"
    status = 409
    title = "The verification does not go that way"


def next_state(*, state: KycState, cause: KycCause) -> KycState:
    """The state after a cause. Raises KycRefused."""
    try:
        return TRANSITIONS[state, cause]
    except KeyError:
        raise KycRefused(f"A party that is {state!r} has no {cause!r}.", kyc_state=state, cause=cause) from None
