"""What a simulated rail does with a payment, as data: one `Behaviour` per scenario, one `Plan` per payment.

Times are integer milliseconds since the epoch. Nothing here reads a clock, a socket or a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scenario(StrEnum):
    """The faults that can be asked for, per payment or for a whole rail."""

    CLEAN = "clean"
    LATENCY = "latency"
    DECLINE = "decline"
    FAIL = "fail"
    TIMEOUT = "timeout"
    LOST_RESPONSE = "lost_response"
    DUPLICATE = "duplicate"
    LATE = "late"
    OUT_OF_ORDER = "out_of_order"
    MALFORMED = "malformed"
    UNAVAILABLE = "unavailable"


class Answer(StrEnum):
    """How the HTTP request itself is answered."""

    AT_ONCE = "at_once"
    SLOWLY = "slowly"
    DROPPED = "dropped"
    NEVER = "never"
    REFUSED = "refused"


class Variant(StrEnum):
    """How a callback is written on the wire; all but `GOOD` must be refused by whoever receives it."""

    GOOD = "good"
    GARBAGE = "garbage"
    FORGED = "forged"
    STALE = "stale"
    UNSIGNED = "unsigned"


HOSTILE_VARIANTS = (Variant.GARBAGE, Variant.FORGED, Variant.STALE, Variant.UNSIGNED)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One scenario's ways. `outcome` is the state that an executed payment ends in."""

    answer: Answer = Answer.AT_ONCE
    executes: bool = True
    outcome: str = "settled"
    copies: int = 1
    is_late: bool = False
    is_reordered: bool = False
    is_hostile_first: bool = False


BEHAVIOURS: dict[Scenario, Behaviour] = {
    Scenario.CLEAN: Behaviour(),
    Scenario.LATENCY: Behaviour(answer=Answer.SLOWLY),
    Scenario.DECLINE: Behaviour(outcome="declined"),
    Scenario.FAIL: Behaviour(outcome="failed"),
    Scenario.TIMEOUT: Behaviour(answer=Answer.NEVER, executes=False),
    Scenario.LOST_RESPONSE: Behaviour(answer=Answer.DROPPED),
    Scenario.DUPLICATE: Behaviour(copies=3),
    Scenario.LATE: Behaviour(is_late=True),
    Scenario.OUT_OF_ORDER: Behaviour(is_reordered=True),
    Scenario.MALFORMED: Behaviour(is_hostile_first=True),
    Scenario.UNAVAILABLE: Behaviour(answer=Answer.REFUSED, executes=False),
}


@dataclass(frozen=True, slots=True)
class Timing:
    """When things happen, in milliseconds after execution (or, for `slow_ms` and `hang_ms`, after the request)."""

    succeed_ms: int = 200
    settle_ms: int = 500
    late_ms: int = 15_000
    slow_ms: int = 1_000
    hang_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class PlannedCallback:
    """One delivery to make: `type` happened at `occurred_ms` and is told from `due_ms` on."""

    type: str
    occurred_ms: int
    due_ms: int
    variant: Variant


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole future of an executed payment, fixed when it is executed, so that a restart changes nothing."""

    outcome: str
    succeed_ms: int
    settle_ms: int
    callbacks: tuple[PlannedCallback, ...]


COPY_GAP_MS = 40
HOSTILE_GAP_MS = 30


def plan_payment(*, scenario: Scenario, timing: Timing, executed_ms: int) -> Plan:
    """Lay out states and callbacks of a payment that is executed now."""
    behaviour = BEHAVIOURS[scenario]
    succeed_ms, settle_ms = executed_ms + timing.succeed_ms, executed_ms + timing.settle_ms
    told = [
        PlannedCallback(type_, occurred_ms, due_ms, Variant.GOOD)
        for type_, occurred_ms, due_ms in _facts(behaviour, timing, executed_ms, succeed_ms, settle_ms)
    ]
    callbacks = [copy for callback in told for copy in _repeat(callback, behaviour.copies)]
    if behaviour.is_hostile_first:
        callbacks = _precede_by_hostile(callbacks)
    return Plan(behaviour.outcome, succeed_ms, settle_ms, tuple(callbacks))


def state_at(*, outcome: str, succeed_ms: int, settle_ms: int, now_ms: int) -> str:
    """The state of an executed payment at a moment: a pure function of its plan, so no timer can be lost."""
    if outcome == "declined":
        return "declined"
    if now_ms < succeed_ms:
        return "accepted"
    if outcome == "failed":
        return "failed"
    return "settled" if now_ms >= settle_ms else "succeeded"


def _facts(
    behaviour: Behaviour, timing: Timing, executed_ms: int, succeed_ms: int, settle_ms: int
) -> list[tuple[str, int, int]]:
    """(type, occurred, due) of each fact that is told by callback, in the order in which they are due."""
    if behaviour.outcome == "declined":
        return [("payment.declined", executed_ms, succeed_ms)]
    delay = timing.late_ms if behaviour.is_late else 0
    facts: list[tuple[str, int, int]] = []
    if behaviour.answer is not Answer.AT_ONCE:
        # Acceptance is told again only where the answer that said so may not have arrived.
        facts.append(("payment.accepted", executed_ms, executed_ms + timing.succeed_ms // 2))
    if behaviour.outcome == "failed":
        return [*facts, ("payment.failed", succeed_ms, succeed_ms + delay)]
    if behaviour.is_reordered:
        after_settled = settle_ms + (timing.settle_ms - timing.succeed_ms)
        return [*facts, ("payment.settled", settle_ms, settle_ms), ("payment.succeeded", succeed_ms, after_settled)]
    return [
        *facts,
        ("payment.succeeded", succeed_ms, succeed_ms + delay),
        ("payment.settled", settle_ms, settle_ms + delay),
    ]


def _repeat(callback: PlannedCallback, copies: int) -> list[PlannedCallback]:
    return [
        PlannedCallback(callback.type, callback.occurred_ms, callback.due_ms + n * COPY_GAP_MS, callback.variant)
        for n in range(copies)
    ]


def _precede_by_hostile(callbacks: list[PlannedCallback]) -> list[PlannedCallback]:
    """Put one of each hostile kind before the first good callback, and move the good ones behind them."""
    first = callbacks[0]
    hostile = [
        PlannedCallback(first.type, first.occurred_ms, first.due_ms + n * HOSTILE_GAP_MS, variant)
        for n, variant in enumerate(HOSTILE_VARIANTS)
    ]
    shift = len(hostile) * HOSTILE_GAP_MS
    good = [PlannedCallback(c.type, c.occurred_ms, c.due_ms + shift, c.variant) for c in callbacks]
    return hostile + good
