"""Whether an intent's events reached their endpoints: the event stream that ``synchronized`` speaks of.

Asked for the first time when the intent's money is final; the row made then is where the sync deadline counts from.
Awaited are the deliveries of the intent's events up to and including ``provider.routed``, to endpoints that were
subscribed and enabled when those events were fanned out. Later events are delivered too, and never waited for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db import connection

from evidence.queries import timeline
from webhooks.outbound import fan_out
from zentra.core.queue import enqueue_many
from zentra.core.tenancy import current_tenant
from zentra.runtime.operations import revise_packet, synchronize_intent
from zentra.runtime.queries import get_intent
from zentra.tenants.configuration.queries import read_settings

CHECK: Final = "webhooks.check_stream"
LAST_AWAITED: Final = "provider.routed"
_PRIORITY: Final = 5

# Sequencing runs four times a second, so this is when there may be news.
_UNTIL_SEQUENCED: Final = timedelta(milliseconds=200)
# Each delivery that settles asks for a check; this one is for a question lost between two transactions.
_SHORTEST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(seconds=60)
# After sealing, what is replayed together shall make one new revision of the packet, not one each.
_GATHER_REPLAYS: Final = timedelta(seconds=2)

StreamState = Literal["syncing", "synchronized", "degraded"]


@dataclass(frozen=True, slots=True)
class _Stream:
    state: StreamState
    opened_at: datetime
    undelivered: int


@dataclass(frozen=True, slots=True)
class AwaitedCount:
    """The awaited deliveries of an intent: those that may still arrive, and those that nobody sends by themselves."""

    waiting: int
    given_up: int

    @property
    def undelivered(self) -> int:
        return self.waiting + self.given_up


def check_stream(*, intent_id: str, now: datetime) -> datetime | None:
    """Decide an intent's stream if it can be decided; returns when to look again, or None when nothing is left to do.

    Takes the stream's row lock first, so that of two checks one decides. Doing it twice is harmless. Raises
    IntentNotFound, for one that is not this workspace's, and leaves nothing then.
    """
    stream = _open(intent_id, now=now)
    routed_index = awaited_up_to(intent_id)
    if routed_index is None:
        get_intent(intent_id=intent_id)
    if routed_index is None or not fan_out.has_passed(leaf_index=routed_index):
        return now + _UNTIL_SEQUENCED if stream.state == "syncing" else None
    count = count_awaited(intent_id=intent_id, up_to=routed_index)
    if stream.state == "syncing":
        return _decide(intent_id, stream, count, now=now)
    if stream.state == "degraded" and count.undelivered < stream.undelivered:
        _report_late_delivery(intent_id, count, now=now)
    return None


def deliveries_settled(*, intent_ids: Collection[str], now: datetime) -> None:
    """Deliveries of these intents were resolved, or will not be sent again by themselves: ask where that can matter.

    The streams' rows are locked, in key order, so that of two deliveries that settle at once the second sees the
    first. Before an intent's money is final there is no row, and nothing is asked: the runtime will.
    """
    if not intent_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT intent_id, state FROM webhooks_stream WHERE intent_id = ANY(%s) AND state <> 'synchronized'"
            " ORDER BY intent_id FOR UPDATE",
            [list(intent_ids)],
        )
        states: dict[str, StreamState] = dict(cursor.fetchall())
    syncing = [intent_id for intent_id, state in states.items() if state == "syncing"]
    request_checks(intent_ids=set(syncing) - _still_waiting(syncing), now=now)
    request_checks(intent_ids=states.keys() - set(syncing), now=now + _GATHER_REPLAYS)


def request_checks(*, intent_ids: Collection[str], now: datetime) -> None:
    """Ask for the streams of these intents to be checked at this moment."""
    if not intent_ids:
        return
    workspace_id = current_tenant().id
    enqueue_many([(workspace_id, CHECK, intent_id, now, _PRIORITY) for intent_id in sorted(intent_ids)])


def count_awaited(*, intent_id: str, up_to: int) -> AwaitedCount:
    """The awaited deliveries of an intent that are not resolved, over leaves up to this index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE state IN ('queued', 'retrying')),"
            " count(*) FILTER (WHERE state IN ('retained', 'exhausted'))"
            " FROM webhooks_delivery WHERE intent_id = %s AND is_awaited AND leaf_index <= %s",
            [intent_id, up_to],
        )
        waiting, given_up = cursor.fetchone()
    return AwaitedCount(waiting=waiting, given_up=given_up)


def _decide(intent_id: str, stream: _Stream, count: AwaitedCount, *, now: datetime) -> datetime | None:
    deadline = stream.opened_at + _sync_deadline()
    if count.undelivered == 0:
        _close(intent_id, "synchronized", count, now=now)
    elif count.waiting == 0 or now >= deadline:
        _close(intent_id, "degraded", count, now=now)
    else:
        age = now - stream.opened_at
        return min(deadline, now + min(_LONGEST_WAIT, max(_SHORTEST_WAIT, age / 4)))
    return None


def _sync_deadline() -> timedelta:
    return timedelta(seconds=read_settings(workspace_id=current_tenant().id).sync_deadline_seconds)


def _close(intent_id: str, state: Literal["synchronized", "degraded"], count: AwaitedCount, *, now: datetime) -> None:
    # Decided only once the intent takes it: while its money still moves, the runtime will ask again.
    if synchronize_intent(intent_id=intent_id, stream=state, undelivered=count.undelivered, now=now):
        _set(intent_id, state, count, now=now)


def _report_late_delivery(intent_id: str, count: AwaitedCount, *, now: datetime) -> None:
    """Something that the packet lists as undelivered has arrived since: the packet gets its next revision."""
    _set(intent_id, "degraded" if count.undelivered else "synchronized", count, now=now)
    revise_packet(intent_id=intent_id, undelivered=count.undelivered, now=now)


def _open(intent_id: str, *, now: datetime) -> _Stream:
    """The stream's row, made when this is the first question, and locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_stream (intent_id, state, opened_at, undelivered) VALUES (%s, 'syncing', %s, 0)"
            " ON CONFLICT (intent_id) DO NOTHING",
            [intent_id, now],
        )
        cursor.execute(
            "SELECT state, opened_at, undelivered FROM webhooks_stream WHERE intent_id = %s FOR UPDATE", [intent_id]
        )
        return _Stream(*cursor.fetchone())


def _set(intent_id: str, state: StreamState, count: AwaitedCount, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_stream SET state = %s, undelivered = %s, decided_at = %s WHERE intent_id = %s",
            [state, count.undelivered, now, intent_id],
        )


def awaited_up_to(intent_id: str) -> int | None:
    """The leaf index of the last ``provider.routed``, or of the last event of an intent that was never routed.

    None while one of the awaited events has no index yet: a commit that the sealer has not seen may belong before it.
    """
    events = [event for event in timeline(intent_id=intent_id, limit=100_000) if not event.type.startswith("webhook.")]
    routed = [event for event in events if event.type == LAST_AWAITED]
    last = routed[-1] if routed else events[-1] if events else None
    if last is None or last.index is None:
        return None
    if any(event.index is None and event.recorded_at <= last.recorded_at for event in events):
        return None
    return last.index


def _still_waiting(intent_ids: Collection[str]) -> set[str]:
    """Those with an awaited delivery that may still arrive; whatever its leaf index: enough to spare a check."""
    if not intent_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT intent_id FROM webhooks_delivery WHERE intent_id = ANY(%s) AND is_awaited"
            " AND state IN ('queued', 'retrying')",
            [list(intent_ids)],
        )
        return {row[0] for row in cursor.fetchall()}
