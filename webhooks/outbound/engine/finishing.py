"""Finishing attempts: keep each one and move its delivery on, if its claim still holds. One transaction for a batch.

Locks are taken in one order, as disabling and replaying take them: endpoints by id, then deliveries by id, then the
streams of their intents, then the folded minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.models import Endpoint
from webhooks.outbound import facts, failing, health, schedule, streams
from webhooks.outbound.endpoints import verifying
from webhooks.outbound.engine import attempts, breaker
from webhooks.outbound.engine.breaker import Breaker
from webhooks.outbound.engine.calling import Sent
from webhooks.outbound.engine.claiming import Claim
from webhooks.types import DeliveryState
from zentra.core import ids
from zentra.core.clock import iso
from zentra.core.db.hot import execute_bulk
from zentra.core.queue import lanes
from zentra.core.tenancy import current_tenant

# No fault of the endpoint's: bytes that do not match their leaf, keys that cannot be opened.
_OURS: Final = ("tampered", "unreadable_secret")

_FINISH: Final = """
WITH mine AS MATERIALIZED (
    SELECT d.id FROM webhooks_delivery d WHERE d.id = ANY(%s::uuid[]) ORDER BY d.id FOR UPDATE
)
UPDATE webhooks_delivery d
   SET state = n.state, next_attempt_at = n.next_attempt_at, resolved_at = n.resolved_at, failures = n.failures,
       trigger = 'auto', claim_id = NULL, claimed_at = NULL, claimed_until = NULL, last_status = n.status,
       last_error = n.error, last_error_class = n.error_class
  FROM mine, unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::int[],
                    %s::smallint[], %s::text[], %s::text[])
    AS n (id, claim_id, number, state, next_attempt_at, resolved_at, failures, status, error, error_class)
 WHERE d.id = mine.id AND d.id = n.id AND d.claim_id = n.claim_id AND d.attempts = n.number
RETURNING d.id, n.number
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claim, and what came of its attempt."""

    claim: Claim
    sent: Sent

    @property
    def key(self) -> tuple[str, int]:
        """The delivery, and which attempt of it."""
        return self.claim.delivery_id, self.claim.number

    @property
    def succeeded(self) -> bool:
        """Whether it arrived."""
        return self.sent.result.succeeded


@dataclass(frozen=True, slots=True)
class Finished:
    """What the attempt made of its delivery; ``next_attempt_at`` None when nothing more will be sent by itself."""

    state: DeliveryState
    next_attempt_at: datetime | None
    is_superseded: bool = False


Decided = tuple[Outcome, Finished]


def finish_attempts(*, outcomes: Sequence[Outcome], now: datetime) -> dict[tuple[str, int], Finished]:
    """Keep these attempts and move their deliveries on, in the caller's transaction; by key, what became of each."""
    disabled = _note_endpoints(outcomes, now=now)
    finished = [(each, _decide(each, is_disabled=_endpoint_of(each) in disabled, now=now)) for each in outcomes]
    decided = _compare_and_set(finished, now=now)
    attempts.keep([_attempt(outcome, finished) for outcome, finished in decided], now=now)
    current = [(outcome, finished) for outcome, finished in decided if not finished.is_superseded]
    record_events(events=[event for pair in current for event in _events(*pair)], now=now)
    settled = {outcome.claim.intent_id for outcome, finished in current if finished.next_attempt_at is None}
    streams.deliveries_settled(intent_ids={each for each in settled if each is not None}, now=now)
    _count(decided, now=now)
    return {outcome.key: finished for outcome, finished in decided}


def _note_endpoints(outcomes: Sequence[Outcome], *, now: datetime) -> set[str]:
    """Failures in a row, breaker, disabling: only where something failed, or was failing before.

    Returns the endpoints that are disabled, by this batch or by somebody while it was in flight.
    """
    made = [each for each in outcomes if each.sent.result.error_class not in _OURS]
    made.sort(key=_endpoint_of)
    by_endpoint = {endpoint_id: list(group) for endpoint_id, group in groupby(made, key=_endpoint_of)}
    troubled = _troubled(list(by_endpoint)) | {
        endpoint_id for endpoint_id, group in by_endpoint.items() if not all(each.succeeded for each in group)
    }
    for endpoint_id in sorted(troubled):
        _note_endpoint(endpoint_id, by_endpoint[endpoint_id], now=now)
    if not troubled:
        return set()
    return {str(row.id) for row in Endpoint.objects.filter(id__in=troubled, state="disabled").only("id")}


def _endpoint_of(outcome: Outcome) -> str:
    return outcome.claim.endpoint_id


def _troubled(endpoint_ids: list[str]) -> set[str]:
    rows = Endpoint.objects.filter(id__in=endpoint_ids)
    return {str(row.id) for row in rows.exclude(consecutive_failures=0, breaker="closed", state="enabled").only("id")}


def _note_endpoint(endpoint_id: str, group: Sequence[Outcome], *, now: datetime) -> None:
    row = Endpoint.objects.select_for_update().get(id=endpoint_id)
    failed = [each for each in group if not each.succeeded]
    arrived = len(group) - len(failed)
    last_error = failed[-1].sent.result.error_detail if failed else ""
    failing.note_outcomes(
        endpoint_id=endpoint_id, succeeded=arrived, failed=len(failed), last_error=last_error, now=now
    )
    _move_breaker(row, arrived=bool(arrived), failed=len(failed), now=now)
    if any(each.sent.result.is_gone for each in failed):
        failing.disable_gone(endpoint_id=endpoint_id, now=now)
    if row.disabled_by == "unverified" and any(_is_answered(each, url=row.url) for each in group):
        verifying.enable_verified(endpoint_id=endpoint_id, now=now)


def _is_answered(outcome: Outcome, *, url: str) -> bool:
    """Whether the answer says the challenge that went with the attempt, from the URL that the endpoint has now."""
    claim, result = outcome.claim, outcome.sent.result
    expected = verifying.challenge(endpoint_id=claim.endpoint_id, event_id=claim.event_id)
    is_answered = verifying.is_answered(expected, headers=result.headers, body=result.body)
    return outcome.succeeded and claim.endpoint.url == url and is_answered


def _move_breaker(row: Endpoint, *, arrived: bool, failed: int, now: datetime) -> None:
    """``row`` is the endpoint before this batch, locked."""
    before = Breaker("open" if row.breaker == "open" else "closed", row.breaker_until, row.breaker_opens)
    failures = failed if arrived else row.consecutive_failures + failed
    ws = current_tenant()
    after = breaker.advance(before, succeeded=arrived, failures=failures, mode=ws.mode, now=now)
    if after == before:
        return
    opened_at = None if after.state == "closed" else row.breaker_opened_at or now
    Endpoint.objects.filter(id=row.id).update(
        breaker=after.state, breaker_until=after.until, breaker_opens=after.opens, breaker_opened_at=opened_at
    )
    if after.until is None:
        lanes.resume_lane(lane=row.id)
    else:
        lanes.pause_lane(lane=row.id, workspace_id=ws.id, until=after.until)


def _decide(outcome: Outcome, *, is_disabled: bool, now: datetime) -> Finished:
    claim, result = outcome.claim, outcome.sent.result
    if result.succeeded or claim.resolved_at is not None:
        # A replay of what arrived before: its failure takes nothing back, and nobody asked for more than one try.
        return Finished("resolved", None)
    if result.is_gone or result.error_class == "tampered":
        return Finished("retained", None)
    if claim.purpose != "event":
        return Finished("exhausted", None)
    if is_disabled:
        return Finished("retained", None)
    again = schedule.next_attempt_at(
        failures=claim.failures + 1,
        mode=current_tenant().mode,
        own_schedule=claim.endpoint.schedule,
        retry_after_seconds=result.retry_after_seconds,
        now=now,
    )
    return Finished("exhausted", None) if again is None else Finished("retrying", again)


def _compare_and_set(decided: Sequence[Decided], *, now: datetime) -> list[Decided]:
    """Move the deliveries whose claims still hold; the others' attempts are superseded."""
    rows = [_row(outcome, finished, now=now) for outcome, finished in decided]
    columns = [list(column) for column in zip(*rows, strict=True)]
    # By number too: an attempt that came back late may stand beside the one that took over from it.
    rows_moved = execute_bulk(_FINISH, [columns[0], *columns]).fetchall()
    moved = {(ids.to_public("dlv", key), number) for key, number in rows_moved}
    return [
        (outcome, finished if outcome.key in moved else Finished(finished.state, None, True))
        for outcome, finished in decided
    ]


def _row(outcome: Outcome, finished: Finished, *, now: datetime) -> tuple[object, ...]:
    claim, result = outcome.claim, outcome.sent.result
    return (
        ids.to_uuid(claim.delivery_id, prefix="dlv"),
        claim.id,
        claim.number,
        finished.state,
        finished.next_attempt_at,
        (claim.resolved_at or now) if finished.state == "resolved" else None,
        0 if result.succeeded else claim.failures + 1,
        result.status,
        "" if result.succeeded else (result.error_detail or str(result.error_class)).replace("\x00", ""),
        result.error_class or "",
    )


def _attempt(outcome: Outcome, finished: Finished) -> attempts.NewAttempt:
    claim, sent, result = outcome.claim, outcome.sent, outcome.sent.result
    return attempts.NewAttempt(
        delivery_id=claim.delivery_id,
        endpoint_id=claim.endpoint_id,
        number=claim.number,
        trigger=claim.trigger,
        replay_id=claim.replay_id,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        url=claim.endpoint.url,
        error_class=result.error_class,
        error_detail=result.error_detail,
        next_attempt_at=finished.next_attempt_at,
        request_headers=sent.headers,
        status=result.status,
        response_headers=result.headers,
        body=result.body,
        is_truncated=result.is_truncated,
        is_signature_verified=sent.is_signature_verified,
        is_superseded=finished.is_superseded,
        connect_ms=result.connect_ms,
        first_byte_ms=result.first_byte_ms,
        remote_address=result.remote_address,
    )


def _events(outcome: Outcome, finished: Finished) -> list[NewEvent]:
    claim, result = outcome.claim, outcome.sent.result
    if finished.state == "resolved" and not result.succeeded:
        return []  # a failed replay of what had arrived: the attempt says it, the delivery did not change
    details: dict[str, object] = {
        "attempt": claim.number,
        "trigger": claim.trigger,
        "status": result.status,
        "error_class": result.error_class,
        "duration_ms": result.duration_ms,
        "signature_verified": outcome.sent.is_signature_verified,
        "next_attempt_at": iso(finished.next_attempt_at) if finished.next_attempt_at else None,
    }
    event = facts.delivery_event(
        "webhook.delivered" if result.succeeded else f"webhook.{finished.state}",
        delivery_id=claim.delivery_id,
        endpoint_id=claim.endpoint_id,
        event_id=claim.event_id,
        event_type_delivered=claim.event_type,
        intent_id=claim.intent_id,
        details=details,
    )
    return [event]


def _count(decided: Sequence[Decided], *, now: datetime) -> None:
    """Fold the attempts and what they resolved into their minutes; the last locks of the transaction."""
    rows = [
        health.AttemptCount(each.claim.endpoint_id, succeeded=each.succeeded, duration_ms=each.sent.result.duration_ms)
        for each, _ in decided
    ]
    resolved = [
        (each.claim.endpoint_id, each.claim.first_due_at)
        for each, finished in decided
        if finished.state == "resolved"
        and not finished.is_superseded
        and each.claim.purpose == "event"
        and each.claim.resolved_at is None
        and each.claim.first_due_at is not None
    ]
    health.count_attempts(rows=rows, resolved=resolved, now=now)
