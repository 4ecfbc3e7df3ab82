"""The derived columns of the intent table: status, path, evidence, state.

One function, no queries, no clock: facts in, words out. ``tests/console/test_columns.py`` holds the table.
PRODUCT section 5 fixes the words and their order.
"""

from dataclasses import dataclass
from typing import Final

# A status that says it all by itself; every other intent is on its way.
END_STATES: Final = frozenset({"evidenced", "declined", "failed", "expired", "canceled", "reversed"})
UNDONE: Final = frozenset({"declined", "failed", "expired", "canceled"})

# The gate that a rule stands for, by the first word of its name.
GATES: Final = {
    "limit": "limit gate",
    "velocity": "velocity gate",
    "sanctions": "sanctions gate",
    "kyc": "kyc gate",
    "payee": "payee gate",
    "currency": "currency gate",
    "corridor": "corridor gate",
}


@dataclass(frozen=True, slots=True)
class IntentFacts:
    """What is known about an intent, as the database has it."""

    status: str
    event_stream: str = "pending"
    gate_rule: str = ""  # the rule that held or declined it, "limit.single_intent"; "" when none did
    rule_fired: bool = False  # a rule took effect without stopping it
    failover_rail: str = ""  # the rail that it was moved to
    provider_declined: bool = False
    outcome_unknown: bool = False
    on_hold: bool = False
    callback_verified: bool = False
    owner_assigned: bool = False
    ledger_matched: bool = False
    released: bool = False  # the reserve was posted back
    money_final: bool = False
    retrying: int = 0  # the number of the attempt that is due, 0 when no delivery is being retried
    undelivered: int = 0  # deliveries that are exhausted or retried, kept and ready for replay
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    status: str
    path: str
    evidence: str
    state: str


def derive_columns(facts: IntentFacts) -> Columns:
    """The four words of an intent's row."""
    return Columns(status=_status(facts), path=_path(facts), evidence=_evidence(facts), state=_state(facts))


def gate(rule: str) -> str:
    """The gate of a rule: ``limit.single_intent`` is the limit gate."""
    family = rule.partition(".")[0]
    return GATES.get(family, f"{family.replace('_', ' ')} gate")


def _status(facts: IntentFacts) -> str:
    # Money is final and the stream is not: the status is still `routed`, and people read "syncing".
    if facts.status == "routed" and facts.money_final:
        return "syncing"
    return facts.status


def _path(facts: IntentFacts) -> str:
    if facts.gate_rule:
        return gate(facts.gate_rule)
    if facts.failover_rail:
        return f"failover → {facts.failover_rail}"
    if facts.retrying or facts.undelivered:
        return "event delay"
    if facts.provider_declined:
        return "provider declined"
    if facts.rule_fired:
        return "policy path"
    return "clean" if facts.status != "accepted" else "—"


def _evidence(facts: IntentFacts) -> str:
    # The most advanced first.
    if facts.sealed:
        return "packet sealed"
    if facts.released:
        return "release entry"
    if facts.retrying or facts.undelivered:
        return "replay ready"
    if facts.owner_assigned:
        return "operator assigned"
    if facts.ledger_matched:
        return "ledger matched"
    if facts.callback_verified:
        return "signature ok"
    return "trace opened"


def _state(facts: IntentFacts) -> str:
    if facts.status == "reversed":
        return "reversed"
    if facts.released:
        return "released"
    if facts.status == "review" or facts.outcome_unknown or facts.on_hold:
        return "held"
    if facts.retrying:
        return f"retry {facts.retrying:02d}"
    if facts.money_final or facts.status in END_STATES:
        return "settled"
    return "live"


def groups(facts: IntentFacts) -> tuple[str, ...]:
    """The filters of the table under which the intent shows; every intent shows under ``all``."""
    state = _state(facts)
    found = ["all"]
    if state == "live" or (facts.status not in END_STATES and state != "held"):
        found.append("live")
    if state == "held":
        found.append("held")
    if facts.retrying:
        found.append("retrying")
    if facts.status in UNDONE:
        found.append("failed")
    return tuple(found)
