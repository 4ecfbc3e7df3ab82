"""Working a replay off: each turn requests the next slice, oldest first, and says when the following one is due.

The cursor, the counts and the requests of a slice move in one transaction under the job's row lock. A worker that is
killed leaves all of them or none; a second worker on the same job waits for the first and finds the next slice not
due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from webhooks.models import Replay
from webhooks.outbound.replays.jobs import cursor_of, end
from webhooks.outbound.replays.queries import ReplayNotFound
from webhooks.outbound.replays.requesting import Requested, Why, count_first_due, request
from webhooks.outbound.replays.scope import ReplayScope
from zentra.core import ids
from zentra.core.actors import EVENTS, Actor

SCAN: Final = 500
"""Deliveries looked at in one slice, so that passing over what cannot be sent takes short transactions too."""

# A late turn may make up for so much: over any span a job stays within its rate and one second's worth more.
_MAKES_UP: Final = timedelta(seconds=1)

_OLDEST: Final = "ORDER BY d.recorded_at, d.id LIMIT %s"
_NEXT: Final = f"""
SELECT d.id, d.recorded_at, e.state = 'enabled' AND (d.claimed_until IS NULL OR d.claimed_until <= %s)
FROM ({{branches}}) d JOIN webhooks_endpoint e ON e.id = d.endpoint_id {_OLDEST}
"""  # noqa: S608  # constant words


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A delivery that matches. ``is_likely``: it seems that it can be sent; the lock decides."""

    id: UUID
    recorded_at: datetime
    is_likely: bool


def work_off_replay(*, replay_id: str, now: datetime) -> datetime | None:
    """Request the next slice of a job; returns when the one after it is due, or None when the job has ended.

    Doing it too early, twice, or at the same time as another worker requests nothing twice.
    """
    with transaction.atomic(savepoint=False):
        row = Replay.objects.select_for_update().filter(id=replay_id).first()
        if row is None:
            raise ReplayNotFound(f"There is no replay {replay_id}.")
        if row.state != "running":
            return None
        if row.next_slice_at is not None and row.next_slice_at > now:
            return row.next_slice_at
        return _work_off_slice(row, now=now)


def _work_off_slice(row: Replay, *, now: datetime) -> datetime | None:
    found = _next_candidates(row, now=now)
    looked_at = _up_to(found, requests=row.rate_per_second)
    done = request(
        [ids.to_public("dlv", each.id) for each in looked_at],
        why=Why(actor=_actor_of(row), reason=row.reason, trigger="replay", replay_id=row.id),
        states=_scope_of(row).states,
        now=now,
    )
    _move(row, looked_at, done, now=now)
    if len(looked_at) == len(found) < SCAN:
        end(row, state="done", actor=EVENTS, now=now)
    else:
        row.save()
    count_first_due(done)
    return row.next_slice_at if row.state == "running" else None


def _next_candidates(row: Replay, *, now: datetime) -> list[_Candidate]:
    branches, values = [], []
    after = cursor_of(row)
    for each in _scope_of(row).as_filter().by_state():
        conditions, said = each.conditions()
        if after is not None:
            conditions.append("(d.recorded_at, d.id) > (%s, %s)")
            said += after
        branches.append(f"(SELECT d.* FROM webhooks_delivery d WHERE {' AND '.join(conditions)} {_OLDEST})")  # noqa: S608  # constant words
        values += [*said, SCAN]
    with connection.cursor() as cursor:
        cursor.execute(_NEXT.format(branches=" UNION ALL ".join(branches)), [now, *values, SCAN])
        return [_Candidate(*found) for found in cursor.fetchall()]


def _up_to(found: Sequence[_Candidate], *, requests: int) -> Sequence[_Candidate]:
    """The candidates up to and including the last one that this slice may request."""
    for place, each in enumerate(found):
        requests -= each.is_likely
        if requests == 0:
            return found[: place + 1]
    return found


def _move(row: Replay, looked_at: Sequence[_Candidate], done: Requested, *, now: datetime) -> None:
    """Move the job's cursor and counts; the caller saves them with the requests."""
    if looked_at:
        row.cursor_recorded_at = looked_at[-1].recorded_at
        row.cursor_id = ids.to_public("dlv", looked_at[-1].id)
    row.requested += len(done.delivery_ids)
    row.skipped += done.count("in_flight", "disabled")
    row.skipped_disabled += done.count("disabled")
    since = max(row.next_slice_at or now, now - _MAKES_UP)
    row.next_slice_at = since + timedelta(seconds=len(done.delivery_ids) / row.rate_per_second)


def _scope_of(row: Replay) -> ReplayScope:
    return ReplayScope(
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        states=tuple(row.states) if row.states is not None else None,  # type: ignore[arg-type]  # checked at the start
        event_type=row.event_type,
        since=row.since,
        until=row.until,
    )


def _actor_of(row: Replay) -> Actor:
    """Who asked for it, as the job keeps it."""
    kept = row.actor
    return Actor(kind=kept["kind"], id=kept["id"], role=kept["role"], credential=kept["credential"])
