"""Lines of work that share a capacity: a webhook endpoint has one, and takes so many calls at once, so many a second.

An item in a lane is claimed only when its lane has room, counted over all processes: the lane's row is locked while
its items are counted and claimed. An item that finds no room is not touched at all, so that an endpoint with a
hundred thousand deliveries waiting costs nothing and delays nobody.

Claims go round: from workspace to workspace, and in each from lane to lane, the places shared out in turn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from zentra.core import ids
from zentra.core.db.hot import defer_hot, execute_bulk
from zentra.core.queue import wake
from zentra.core.queue.operations import LEASE
from zentra.core.queue.registry import WorkItem

DEFAULT_IN_FLIGHT: Final = 10
VISITS: Final = 200
"""Lanes looked at in one claim; the next claim goes on behind them."""

LONGEST_PAUSE: Final = timedelta(minutes=10)
"""No pause is longer. One that ends later was written by a clock that has gone back since, and is over."""

Place = tuple[UUID, str]
START: Final[Place] = (UUID(int=0), "")

_OPEN_LANES: Final = """
WITH RECURSIVE lane AS (
    (SELECT workspace_id, lane FROM public.work_item
      WHERE done_at IS NULL AND lane <> '' AND (workspace_id, lane) > (%(workspace)s, %(lane)s)
      ORDER BY workspace_id, lane LIMIT 1)
    UNION ALL
    SELECT following.workspace_id, following.lane FROM lane CROSS JOIN LATERAL (
        SELECT w.workspace_id, w.lane FROM public.work_item w
         WHERE w.done_at IS NULL AND w.lane <> '' AND (w.workspace_id, w.lane) > (lane.workspace_id, lane.lane)
         ORDER BY w.workspace_id, w.lane LIMIT 1) following
)
SELECT v.workspace_id, v.lane, l.lane IS NULL,
       oldest.due_at IS NOT NULL
           AND (l.paused_until IS NULL OR l.paused_until <= %(now)s OR l.paused_until > %(beyond)s)
  FROM (SELECT workspace_id, lane FROM lane LIMIT %(visits)s) v
  LEFT JOIN public.work_lane l ON l.lane = v.lane
  LEFT JOIN LATERAL (
      SELECT w.due_at FROM public.work_item w
       WHERE w.done_at IS NULL AND w.lane <> '' AND w.workspace_id = v.workspace_id AND w.lane = v.lane
         AND w.due_at <= %(now)s
       ORDER BY w.due_at LIMIT 1) oldest ON true
"""

# The lock is a statement of its own: what is counted next sees every claim that committed before it was granted.
_LOCK: Final = """
SELECT workspace_id, lane, max_in_flight, rate_per_second, allowed_at, is_probing FROM public.work_lane
 WHERE lane = ANY(%s) AND (paused_until IS NULL OR paused_until <= %s OR paused_until > %s)
 ORDER BY lane FOR UPDATE SKIP LOCKED
"""

_COUNT: Final = """
SELECT lane, count(*) FROM public.work_item
 WHERE lane = ANY(%s) AND lane <> '' AND claim_id IS NOT NULL AND done_at IS NULL AND leased_until > %s GROUP BY lane
"""

_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT item.id
      FROM unnest(%(workspaces)s::uuid[], %(lanes)s::text[], %(rooms)s::int[]) AS l (workspace_id, lane, room)
    CROSS JOIN LATERAL (
        SELECT w.id FROM public.work_item w
         WHERE w.done_at IS NULL AND w.lane <> '' AND w.workspace_id = l.workspace_id AND w.lane = l.lane
           AND w.due_at <= %(now)s::timestamptz
         ORDER BY w.due_at LIMIT l.room FOR UPDATE SKIP LOCKED) item)
UPDATE public.work_item w
   SET claim_id = %(claim)s::uuid, leased_until = %(until)s::timestamptz, due_at = %(until)s::timestamptz,
       attempts = w.attempts + 1
  FROM due WHERE w.id = due.id
RETURNING w.id, w.workspace_id, w.kind, w.ref, w.due_at, w.attempts, w.lane
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim took. ``place`` is where the next one starts.

    ``is_held`` says that a lane with work due was passed over for its rate or its room: look again soon.
    """

    items: list[WorkItem]
    place: Place
    has_wrapped: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class _Lane:
    """A lane locked by this claim."""

    workspace_id: UUID
    name: str
    max_in_flight: int
    rate_per_second: int | None
    allowed_at: datetime | None
    is_probing: bool

    def room(self, in_flight: int, *, now: datetime) -> int:
        """How many more may start now."""
        free = (1 if self.is_probing else self.max_in_flight) - in_flight
        return max(0, min(free, self._allowance(now)))

    def after(self, started: int, *, now: datetime) -> datetime:
        """The lane's next ``allowed_at``."""
        return self._theoretical(now) + started * self._interval

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=1 / (self.rate_per_second or 1))

    def _theoretical(self, now: datetime) -> datetime:
        # Further ahead than any burst reaches: the clock went back, and must not hold the lane for as long.
        if self.allowed_at is None or self.allowed_at > now + timedelta(seconds=2):
            return now
        return max(self.allowed_at, now)

    def _allowance(self, now: datetime) -> int:
        if self.rate_per_second is None:
            return self.max_in_flight
        burst = max(1, self.rate_per_second // 10)
        return int((now + burst * self._interval - self._theoretical(now)) / self._interval)


def set_lane(*, lane: str, workspace_id: UUID, max_in_flight: int, rate_per_second: int | None) -> None:
    """Make a lane, or change its capacity, in the caller's transaction."""
    defer_hot(
        "INSERT INTO public.work_lane (lane, workspace_id, max_in_flight, rate_per_second, is_probing)"
        " VALUES (%s, %s, %s, %s, false) ON CONFLICT (lane) DO UPDATE"
        " SET max_in_flight = excluded.max_in_flight, rate_per_second = excluded.rate_per_second",
        [lane, workspace_id, max_in_flight, rate_per_second],
    )


def pause_lane(*, lane: str, workspace_id: UUID, until: datetime, is_probing: bool = True) -> None:
    """Claim nothing of a lane before a moment, and then, when probing, one item at a time until it is resumed.

    The moment is at most LONGEST_PAUSE away.
    """
    defer_hot(
        "INSERT INTO public.work_lane (lane, workspace_id, max_in_flight, paused_until, is_probing)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (lane) DO UPDATE"
        " SET paused_until = excluded.paused_until, is_probing = excluded.is_probing",
        [lane, workspace_id, DEFAULT_IN_FLIGHT, until, is_probing],
    )


def resume_lane(*, lane: str) -> None:
    """Let a lane have its whole capacity again, now."""
    defer_hot("UPDATE public.work_lane SET paused_until = NULL, is_probing = false WHERE lane = %s", [lane])
    transaction.on_commit(wake.wake)


def drop_lane(*, lane: str) -> None:
    """Forget a lane's capacity; its open items stay and have the default."""
    defer_hot("DELETE FROM public.work_lane WHERE lane = %s", [lane])


def find_workspace(*, lane: str) -> UUID | None:
    """Whose lane it is, for a door that has no credential to tell; None where there is none of this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id FROM public.work_lane WHERE lane = %s", [lane])
        row = cursor.fetchone()
    return row[0] if row else None


def enqueue_in_lanes(items: Sequence[tuple[UUID, str, str, datetime, str]]) -> None:
    """Add items (workspace, kind, ref, due_at, lane) in one statement, in the caller's transaction."""
    if not items:
        return
    workspaces, kinds, refs, dues, lanes = (list(column) for column in zip(*items, strict=True))
    defer_hot(
        "INSERT INTO public.work_item (id, workspace_id, kind, ref, due_at, lane, priority, attempts, last_error)"
        " SELECT *, 5, 0, '' FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[],"
        " %s::text[])",
        [[ids.new_uuid() for _ in items], workspaces, kinds, refs, dues, lanes],
    )
    transaction.on_commit(wake.wake)


def hasten(*, workspace_id: UUID, kind: str, items: Sequence[tuple[str, str]], due_at: datetime) -> None:
    """Have work (ref, lane) done from a moment on: what waits is brought forward, what has no item gets one.

    An item that is being done at this moment does not count as waiting, since its worker may have finished with the
    object before it was changed; a second item for one object is harmless.
    """
    refs = [ref for ref, _ in items]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.work_item SET due_at = least(due_at, %s) WHERE workspace_id = %s AND ref = ANY(%s)"
            " AND kind = %s AND done_at IS NULL AND claim_id IS NULL RETURNING ref",
            [due_at, workspace_id, refs, kind],
        )
        waiting = {row[0] for row in cursor.fetchall()}
    enqueue_in_lanes([(workspace_id, kind, ref, due_at, lane) for ref, lane in items if ref not in waiting])
    transaction.on_commit(wake.wake)


def claim(
    *,
    limit: int,
    now: datetime,
    place: Place = START,
    leave_out: Collection[UUID] = (),
    lease: timedelta = LEASE,
) -> Claimed:
    """Claim up to ``limit`` due items of lanes with room, going on from ``place``, and lease them.

    Workspaces in ``leave_out`` have enough under way at the caller's.
    """
    with transaction.atomic():
        visited = _visit(place, now=now)
        due = [(each, lane) for each, lane, _, is_due in visited if is_due and each not in leave_out]
        _make_missing([(each, lane) for each, lane, is_new, is_due in visited if is_new and is_due])
        locked = _lock([lane for _, lane in due], now=now)
        items = _claim(locked, limit, now=now, until=now + lease) if locked else []
    has_wrapped = len(visited) < VISITS
    return Claimed(
        items=items,
        place=START if has_wrapped else visited[-1][:2],
        has_wrapped=has_wrapped,
        is_held=bool(due) and len(items) < limit,
    )


def share_out(limit: int, rooms: Mapping[Place, int]) -> dict[Place, int]:
    """Give out ``limit`` places one at a time: a turn for each workspace, in it a turn for each of its lanes."""
    left = dict(rooms)
    given = dict.fromkeys(rooms, 0)
    turns = [list(group) for _, group in groupby(sorted(rooms), key=lambda place: place[0])]
    while limit > 0 and turns:
        for turn in list(turns):
            while turn and left[turn[0]] == 0:
                turn.pop(0)
            if not turn:
                turns.remove(turn)
                continue
            if limit == 0:
                break
            given[turn[0]] += 1
            left[turn[0]] -= 1
            limit -= 1
            turn.append(turn.pop(0))
    return {place: count for place, count in given.items() if count}


def _visit(place: Place, *, now: datetime) -> list[tuple[UUID, str, bool, bool]]:
    with connection.cursor() as cursor:
        beyond = now + LONGEST_PAUSE
        cursor.execute(
            _OPEN_LANES,
            {"workspace": place[0], "lane": place[1], "now": now, "beyond": beyond, "visits": VISITS},
        )
        return list(cursor.fetchall())


def _make_missing(places: Sequence[Place]) -> None:
    if not places:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.work_lane (lane, workspace_id, max_in_flight, is_probing)"
            " SELECT lane, workspace_id, %s, false FROM unnest(%s::text[], %s::uuid[]) AS n (lane, workspace_id)"
            " ON CONFLICT (lane) DO NOTHING",
            [DEFAULT_IN_FLIGHT, [lane for _, lane in places], [workspace_id for workspace_id, _ in places]],
        )


def _lock(lanes: list[str], *, now: datetime) -> list[_Lane]:
    if not lanes:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [lanes, now, now + LONGEST_PAUSE])
        return [_Lane(*row) for row in cursor.fetchall()]


def _claim(locked: list[_Lane], limit: int, *, now: datetime, until: datetime) -> list[WorkItem]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [[lane.name for lane in locked], now])
        in_flight: dict[str, int] = dict(cursor.fetchall())
        rooms = {(lane.workspace_id, lane.name): lane.room(in_flight.get(lane.name, 0), now=now) for lane in locked}
        shares = share_out(limit, rooms)
        if not shares:
            return []
        claim_id = ids.new_uuid()
        values: dict[str, Any] = {
            "workspaces": [workspace_id for workspace_id, _ in shares],
            "lanes": [lane for _, lane in shares],
            "rooms": list(shares.values()),
            "claim": claim_id,
            "now": now,
            "until": until,
        }
        rows = execute_bulk(_CLAIM, values).fetchall()
        _spend([lane for lane in locked if lane.rate_per_second], [row[6] for row in rows], now=now)
    return [
        WorkItem(item_id, workspace_id, kind, ref, due_at, attempts, claim_id)
        for item_id, workspace_id, kind, ref, due_at, attempts, _ in rows
    ]


def _spend(limited: list[_Lane], started: list[str], *, now: datetime) -> None:
    """Count what was started against the lanes' rates."""
    moved = [(lane.name, lane.after(started.count(lane.name), now=now)) for lane in limited if lane.name in started]
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE public.work_lane l SET allowed_at = n.at"
                " FROM unnest(%s::text[], %s::timestamptz[]) AS n (lane, at) WHERE l.lane = n.lane",
                [[lane for lane, _ in moved], [at for _, at in moved]],
            )
