"""Sending again, at once, what one person chose: a delivery, an event, a handful of deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from evidence.queries import find_event
from webhooks.outbound.filters import DeliveryFilter
from webhooks.outbound.queries import get_delivery, list_deliveries
from webhooks.outbound.replays.requesting import Requested, Skip, Why, check_reason, count_first_due, request
from webhooks.types import DeliveryRecord
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

MAX_AT_ONCE: Final = 500

_WORDS: Final[dict[Skip, str]] = {
    "in_flight": "is being sent at this moment",
    "disabled": "goes to a disabled endpoint; enable it first",
    "not_an_event": "is a test of an endpoint; send a new test instead",
}


class DeliveryNotReplayable(DomainError):
    """The delivery is being sent at this moment, its endpoint is disabled, or it was a test."""

    code = "delivery_not_replayable"
    status = 409
    title = "The delivery cannot be replayed now"


class TooManyDeliveries(DomainError):
    """One person's choice is up to 500 deliveries; more than that is a replay of a range."""

    code = "too_many_deliveries"
    status = 422
    title = "Too many deliveries for one replay"


@dataclass(frozen=True, slots=True)
class Replay:
    """What sending several again did: how many were found, and which of them will be sent."""

    matched: int
    requested: tuple[str, ...]

    @property
    def skipped(self) -> int:
        """Those on their way at this moment, those of disabled endpoints, and tests."""
        return self.matched - len(self.requested)


def replay_delivery(*, delivery_id: str, actor: Actor, reason: str, now: datetime) -> DeliveryRecord:
    """Send one delivery again, now. One that waits for its next attempt is brought forward.

    Raises:
        ReplayReasonRequired: no reason.
        DeliveryNotFound, BadId: no such delivery in this workspace.
        DeliveryNotReplayable: it is in flight, its endpoint is disabled, or it was a test.
    """
    words = check_reason(reason)
    get_delivery(delivery_id=delivery_id)
    with transaction.atomic(savepoint=False):
        done = _request([delivery_id], actor=actor, reason=words, now=now)
    if not done.delivery_ids:
        why = done.skipped[delivery_id]
        raise DeliveryNotReplayable(f"{delivery_id} {_WORDS[why]}.", why=why)
    return get_delivery(delivery_id=delivery_id)


def replay_event(
    *, event_id: str, actor: Actor, reason: str, now: datetime, endpoint_ids: Sequence[str] | None = None
) -> Replay:
    """Send one event again to every endpoint that it went to, or to those of them that are named.

    Raises:
        ReplayReasonRequired: no reason.
        EventNotFound, BadId: no such event in this workspace.
    """
    words = check_reason(reason)
    find_event(event_id=event_id)
    found = list_deliveries(where=DeliveryFilter(event_id=event_id, purpose="event"), limit=MAX_AT_ONCE).rows
    chosen = [each.id for each in found if endpoint_ids is None or each.endpoint_id in endpoint_ids]
    return _replay(chosen, actor=actor, reason=words, now=now)


def replay_many(
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    delivery_ids: Sequence[str] | None = None,
    where: DeliveryFilter | None = None,
) -> Replay:
    """Send these deliveries again, or the newest that match a filter, at most 500.

    Raises:
        ReplayReasonRequired: no reason.
        TooManyDeliveries: more than 500 ids.
    """
    words = check_reason(reason)
    if delivery_ids is None:
        found = list_deliveries(where=where or DeliveryFilter(), limit=MAX_AT_ONCE)
        delivery_ids = [row.id for row in found.rows]
    if len(delivery_ids) > MAX_AT_ONCE:
        raise TooManyDeliveries(f"{len(delivery_ids)} is more than {MAX_AT_ONCE}.")
    return _replay(delivery_ids, actor=actor, reason=words, now=now)


def _replay(delivery_ids: Sequence[str], *, actor: Actor, reason: str, now: datetime) -> Replay:
    with transaction.atomic(savepoint=False):
        done = _request(delivery_ids, actor=actor, reason=reason, now=now)
    return Replay(matched=len(set(delivery_ids)), requested=done.delivery_ids)


def _request(delivery_ids: Sequence[str], *, actor: Actor, reason: str, now: datetime) -> Requested:
    done = request(delivery_ids, why=Why(actor=actor, reason=reason), now=now)
    count_first_due(done)
    return done
