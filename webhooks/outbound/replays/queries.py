"""What a replay would do, and how far those that were started are."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from webhooks.outbound.replays.scope import ReplayScope, check_scope
from webhooks.outbound.replays.types import ReplayPreview, ReplayRecord
from webhooks.types import DeliveryState, Page, PageKey, ReplayState
from zentra.core import ids
from zentra.core.errors import DomainError

DEFAULT_RATE: Final = 20
MAX_RATE: Final = 500
DEFAULT_LIMIT: Final = 50

_PREVIEW: Final = """
SELECT d.endpoint_id, d.state, count(*), min(d.recorded_at), max(d.recorded_at),
       count(*) FILTER (WHERE e.state = 'disabled'),
       count(*) FILTER (WHERE e.state = 'enabled' AND (d.claimed_until > %s OR d.next_attempt_at <= %s
                                                       OR d.next_attempt_at IS NOT NULL AND d.trigger <> 'auto'))
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id WHERE {where} GROUP BY d.endpoint_id, d.state
"""

# How its deliveries stand is counted from the deliveries, so it agrees with them to the row.
_READ: Final = """
SELECT r.id, r.endpoint_id, r.event_id, r.states, r.event_type, r.since, r.until, r.reason, r.actor, r.rate_per_second,
       r.state, r.matched, r.requested, r.skipped, r.skipped_disabled, r.not_requested,
       p.resolved, p.failed, p.waiting, r.created_at, r.ended_at, r.canceled_by, r.cancel_reason
FROM (SELECT * FROM webhooks_replay r {clause}) r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.next_attempt_at IS NULL AND d.state = 'resolved' AND d.last_error = '') AS resolved,
           count(*) FILTER (WHERE d.next_attempt_at IS NULL AND NOT (d.state = 'resolved' AND d.last_error = ''))
               AS failed,
           count(*) FILTER (WHERE d.next_attempt_at IS NOT NULL) AS waiting
    FROM webhooks_delivery d WHERE d.replay_id = r.id
) p ORDER BY r.created_at DESC, r.id DESC
"""


class InvalidReplayRate(DomainError):
    """A replay requests 1 to 500 deliveries a second."""

    code = "invalid_replay_rate"
    status = 422
    title = "The rate must be between 1 and 500 a second"


class ReplayNotFound(DomainError):
    """There is no such replay in this workspace."""

    code = "replay_not_found"
    status = 404
    title = "There is no such replay"


@dataclass(frozen=True, slots=True)
class _Group:
    """The deliveries of one endpoint in one state."""

    endpoint_id: UUID
    state: DeliveryState
    count: int
    oldest_at: datetime
    newest_at: datetime
    disabled: int
    in_flight: int


def preview_replay(*, where: ReplayScope, now: datetime, rate_per_second: int = DEFAULT_RATE) -> ReplayPreview:
    """What a replay of this range would send if it started now.

    Raises:
        InvalidReplayScope, EndpointNotFound, BadId: the range cannot be used.
        InvalidReplayRate: not 1 to 500 a second.
    """
    check_rate(rate_per_second)
    check_scope(where)
    groups = _count(where.ending_by(now), now=now)
    return ReplayPreview(
        matched=sum(group.count for group in groups),
        by_endpoint=_summed((ids.to_public("whe", group.endpoint_id), group.count) for group in groups),
        by_state=_summed((group.state, group.count) for group in groups),
        oldest_at=min((group.oldest_at for group in groups), default=None),
        newest_at=max((group.newest_at for group in groups), default=None),
        skipped_disabled=sum(group.disabled for group in groups),
        in_flight=sum(group.in_flight for group in groups),
        rate_per_second=rate_per_second,
    )


def check_rate(rate_per_second: int) -> None:
    """Raises InvalidReplayRate."""
    if not 1 <= rate_per_second <= MAX_RATE:
        raise InvalidReplayRate(f"{rate_per_second} is not 1 to {MAX_RATE} a second.")


def get_replay(*, replay_id: str) -> ReplayRecord:
    """One replay and how far it is; raises ReplayNotFound, BadId."""
    found = _read("WHERE r.id = %s", [ids.to_uuid(replay_id, prefix="rpl")])
    if not found:
        raise ReplayNotFound(f"There is no replay {replay_id}.")
    return found[0]


def list_replays(
    *,
    states: tuple[ReplayState, ...] | None = None,
    endpoint_id: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[ReplayRecord]:
    """Replays, newest first by (created_at, id), after the row whose key is ``before``."""
    conditions = ["true"]
    values: list[Any] = []
    if states is not None:
        conditions.append("r.state = ANY(%s)")
        values.append(list(states))
    if endpoint_id is not None:
        conditions.append("r.endpoint_id = %s")
        values.append(ids.to_uuid(endpoint_id, prefix="whe"))
    if before is not None:
        conditions.append("(r.created_at, r.id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="rpl")]
    clause = f"WHERE {' AND '.join(conditions)} ORDER BY r.created_at DESC, r.id DESC LIMIT %s"
    return Page.of(_read(clause, [*values, limit + 1]), limit=limit)


def count_matching(*, where: ReplayScope, after: tuple[datetime, UUID] | None = None) -> int:
    """How many deliveries a range covers, those up to the key ``after`` left out."""
    conditions, values = where.as_filter().conditions()
    if after is not None:
        conditions.append("(d.recorded_at, d.id) > (%s, %s)")
        values += after
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM webhooks_delivery d WHERE {' AND '.join(conditions)}", values)  # noqa: S608  # constant words
        return int(cursor.fetchone()[0])


def _count(where: ReplayScope, *, now: datetime) -> list[_Group]:
    conditions, values = where.as_filter().conditions()
    with connection.cursor() as cursor:
        cursor.execute(_PREVIEW.format(where=" AND ".join(conditions)), [now, now, *values])
        return [_Group(*row) for row in cursor.fetchall()]


def _summed(counts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, count in counts:
        total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))


def _read(clause: str, values: list[Any]) -> list[ReplayRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(clause=clause), values)
        return [_to_record(row) for row in cursor.fetchall()]


def _to_record(row: tuple[Any, ...]) -> ReplayRecord:
    replay_id, endpoint_id, event_id, states, event_type, since, until, *rest = row
    scope = ReplayScope(
        endpoint_id=ids.to_public("whe", endpoint_id) if endpoint_id else None,
        event_id=ids.to_public("evt", event_id) if event_id else None,
        states=tuple(states) if states is not None else None,
        event_type=event_type,
        since=since,
        until=until,
    )
    values = dict(zip(_FIGURES, rest, strict=True))
    for name in ("actor", "canceled_by"):
        values[name] = values[name] and json.loads(values[name])
    return ReplayRecord(id=ids.to_public("rpl", replay_id), scope=scope, **values)


_FIGURES: Final = tuple(each.name for each in fields(ReplayRecord))[2:]
