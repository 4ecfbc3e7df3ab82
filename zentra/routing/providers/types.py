"""What every provider adapter speaks, whatever its rail speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from zentra.routing.types import AnswerKind, AttemptRecord, CorridorRef, RailRecord

# Faults in which the rail executes nothing. They strike the first attempt only, so that failover is seen to work; a
# rail that fails for everybody is what its default scenario is for.
FIRST_ATTEMPT_SCENARIOS = frozenset({"timeout", "unavailable"})


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """What a rail is asked to move: minor units of an ISO 4217 currency, under our idempotency key."""

    key: str
    connection_id: str
    kind: str
    amount_minor: int
    currency: str
    corridor: str
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What came back, classified. ``unavailable`` and ``not_found`` promise that nothing was and will be executed.

    ``amount_minor`` and ``currency`` are what the rail itself says of the payment, when it describes one.
    """

    kind: AnswerKind
    provider_reference: str | None
    latency_ms: int
    detail: str
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """What a rail says it told us, or tried to: headers and bytes as in a callback, and its place in the list."""

    cursor: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ToldEvents:
    """A page of what a rail told us, oldest first. ``error`` says why there is none; nothing was learnt then."""

    events: tuple[ToldEvent, ...]
    has_more: bool
    error: str = ""


class ProviderRail(Protocol):
    """One rail. No method raises for what a rail or a network can do, and none runs inside a transaction."""

    def send(self, request: ProviderRequest) -> ProviderAnswer:
        """Ask the rail to execute, once per key. ``unavailable`` only where it is certain that nothing was executed."""
        ...

    def ask(self, key: str) -> ProviderAnswer:
        """Ask what became of a key; never ``unavailable``.

        ``not_found`` only after the rail promised never to execute this key, so that another rail may be used.
        """
        ...

    def list_events(self, *, connection_id: str, after: str, limit: int) -> ToldEvents:
        """What the rail told this connection after a cursor of its own ("" for the start), oldest first.

        Signed as callbacks are; nothing in it may be believed before that is verified.
        """
        ...


def build_request(
    *,
    attempt: AttemptRecord,
    rail: RailRecord,
    kind: str,
    amount_minor: int,
    currency: str,
    corridor: CorridorRef,
    scenario: str | None = None,
) -> ProviderRequest:
    """The request of an attempt. ``scenario`` is the intent's ``metadata.sandbox_scenario``, None in live ones."""
    if scenario in FIRST_ATTEMPT_SCENARIOS and attempt.number > 1:
        scenario = None
    return ProviderRequest(
        key=attempt.key,
        connection_id=rail.id,
        kind=kind,
        amount_minor=amount_minor,
        currency=currency,
        corridor=corridor.label,
        scenario=scenario or rail.default_scenario,
    )
