"""Starting and canceling the replay of a range: the job is a row, and a work item that works it off."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.models import Replay
from webhooks.outbound.directory import get_endpoint
from webhooks.outbound.replays.queries import DEFAULT_RATE, check_rate, count_matching, get_replay
from webhooks.outbound.replays.requesting import check_reason
from webhooks.outbound.replays.scope import ReplayScope, check_scope
from webhooks.outbound.replays.types import ReplayRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.errors import DomainError
from zentra.core.idempotency.operations import Answer, fingerprint, run_once
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant

REPLAY: Final = "webhooks.replay"
MAX_RUNNING: Final = 5
# After first attempts and the runtime: a large replay must not delay what happens now.
PRIORITY: Final = 7
_LOCK_ROW: Final = "replays"


class NothingToReplay(DomainError):
    """No delivery is in the range now; nothing was started."""

    code = "nothing_to_replay"
    status = 409
    title = "There is nothing to send again"


class TooManyReplays(DomainError):
    """A workspace runs up to five replays at once; wait for one to end, or cancel it."""

    code = "too_many_replays"
    status = 409
    title = "Too many replays are running"
    retryable = True
    retry_after = 10


class ReplayEndpointDisabled(DomainError):
    """The range is of one endpoint, which is disabled and would get nothing: enable it first."""

    code = "replay_endpoint_disabled"
    status = 409
    title = "The endpoint of the replay is disabled"


class ReplayEnded(DomainError):
    """The replay is done or canceled already; there is nothing left to cancel."""

    code = "replay_ended"
    status = 409
    title = "The replay has ended"


def start_replay(
    *,
    where: ReplayScope,
    actor: Actor,
    reason: str,
    now: datetime,
    rate_per_second: int = DEFAULT_RATE,
    idempotency_key: str | None = None,
) -> ReplayRecord:
    """Send again what is in a range, oldest first, so many a second. The same key is the same job.

    The range ends now at the latest. A delivery is taken if it matches when the job reaches it; one that is in flight
    then, or whose endpoint is disabled, is skipped and counted.

    Raises:
        ReplayReasonRequired: no reason.
        InvalidReplayRate: not 1 to 500 a second.
        InvalidReplayScope, EndpointNotFound, BadId: the range cannot be used.
        ReplayEndpointDisabled: its one endpoint is disabled.
        NothingToReplay: nothing matches now.
        TooManyReplays: five are running.
        IdempotencyKeyReused: the key started another replay.
    """
    words = check_reason(reason)
    check_rate(rate_per_second)
    check_scope(where)

    def start() -> Answer:
        replay_id = _start(where.ending_by(now), actor=actor, reason=words, rate_per_second=rate_per_second, now=now)
        return Answer(status=201, body=replay_id.encode())

    with transaction.atomic(savepoint=False):
        if idempotency_key is None:
            answer = start()
        else:
            mark = fingerprint(method="POST", route=REPLAY, body=_said(where, words, rate_per_second))
            answer = run_once(
                operation="webhooks.start_replay", key=idempotency_key, fingerprint=mark, now=now, effect=start
            )
    return get_replay(replay_id=answer.body.decode())


def cancel_replay(*, replay_id: str, actor: Actor, reason: str, now: datetime) -> ReplayRecord:
    """Request nothing more. What was requested stays on its way; ``not_requested`` says how much was left.

    Waits for a slice that is being requested at this moment.

    Raises:
        ReplayReasonRequired: no reason.
        ReplayNotFound, BadId: no such replay in this workspace.
        ReplayEnded: it is done or canceled already.
    """
    words = check_reason(reason)
    before = get_replay(replay_id=replay_id)
    with transaction.atomic(savepoint=False):
        row = Replay.objects.select_for_update().get(id=replay_id)
        if row.state != "running":
            raise ReplayEnded(f"The replay {replay_id} is {row.state}.", state=row.state)
        row.not_requested = count_matching(where=before.scope, after=cursor_of(row))
        row.canceled_by = actor.as_dict()
        row.cancel_reason = words
        end(row, state="canceled", actor=actor, now=now)
    return get_replay(replay_id=replay_id)


def end(row: Replay, *, state: str, actor: Actor, now: datetime) -> None:
    """Close a job whose row is locked, and keep as evidence how far it came."""
    row.state = state
    row.ended_at = now
    row.save()
    data: dict[str, object] = {
        "replay_id": row.id,
        "state": state,
        "matched": row.matched,
        "requested": row.requested,
        "skipped": row.skipped,
        "not_requested": row.not_requested,
    }
    if row.cancel_reason:
        data["reason"] = row.cancel_reason
    record_events(events=[NewEvent(type="webhook.replay_ended", actor=actor, data=data)], now=now)


def cursor_of(row: Replay) -> tuple[datetime, UUID] | None:
    """The key of the last delivery that a job looked at, as the database compares it; None before the first."""
    if row.cursor_recorded_at is None or row.cursor_id is None:
        return None
    return row.cursor_recorded_at, ids.to_uuid(row.cursor_id, prefix="dlv")


def _start(where: ReplayScope, *, actor: Actor, reason: str, rate_per_second: int, now: datetime) -> str:
    if where.endpoint_id is not None and get_endpoint(endpoint_id=where.endpoint_id).state == "disabled":
        raise ReplayEndpointDisabled(f"{where.endpoint_id} is disabled; enable it first.")
    matched = count_matching(where=where)
    if matched == 0:
        raise NothingToReplay
    _lock_starts()
    running = Replay.objects.filter(state="running").count()
    if running >= MAX_RUNNING:
        raise TooManyReplays(f"{running} replays are running, and {MAX_RUNNING} may.", running=running)
    replay_id = ids.new_id("rpl")
    Replay.objects.create(
        id=replay_id,
        endpoint_id=where.endpoint_id,
        event_id=where.event_id,
        states=list(where.states) if where.states is not None else None,
        event_type=where.event_type,
        since=where.since,
        until=where.until,
        reason=reason,
        actor=actor.as_dict(),
        rate_per_second=rate_per_second,
        matched=matched,
        created_at=now,
    )
    data = {"replay_id": replay_id, "matched": matched, **_said(where, reason, rate_per_second)}
    record_events(events=[NewEvent(type="webhook.replay_started", actor=actor, data=data)], now=now)
    enqueue(workspace_id=current_tenant().id, kind=REPLAY, ref=replay_id, due_at=now, priority=PRIORITY)
    return replay_id


def _lock_starts() -> None:
    """One start at a time in a workspace, so that two cannot both be the last that is allowed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_cursor (name, next_index) VALUES (%s, 0) ON CONFLICT (name) DO NOTHING", [_LOCK_ROW]
        )
        cursor.execute("SELECT name FROM webhooks_cursor WHERE name = %s FOR UPDATE", [_LOCK_ROW])


def _said(where: ReplayScope, reason: str, rate_per_second: int) -> dict[str, object]:
    """What the caller asked for, as evidence and fingerprint hold it."""
    return {
        "endpoint_id": where.endpoint_id,
        "event_id": where.event_id,
        "states": None if where.states is None else list(where.states),
        "event_type": where.event_type,
        "since": iso(where.since) if where.since else None,
        "until": iso(where.until) if where.until else None,
        "rate_per_second": rate_per_second,
        "reason": reason,
    }
