"""Which intent waits for what, since when, and who can act: one list over reviews, rails, endpoints, work and holds.

Everything is read from indexes over what is still open, at most ``limit`` rows of each, so the list costs the same
with a million intents at their end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ledger.queries import list_holds
from ledger.types import HoldRecord
from policy.queries import list_open_reviews
from policy.types import ReviewRecord
from webhooks.queries import AwaitedDelivery, awaited_of
from zentra.alarms.types import Stuck, WaitsFor
from zentra.core.queue.queries import DueItem, failing_items
from zentra.core.tenancy import current_tenant
from zentra.routing.queries import list_pauses
from zentra.routing.types import PauseRecord
from zentra.runtime.queries import list_waiting
from zentra.runtime.states import Status
from zentra.runtime.types import IntentRecord

MOVES_WITHIN: Final = timedelta(seconds=30)
"""An intent that changed so lately is moving, not stuck; a hold this long past its expiry should be gone."""

DEFAULT_LIMIT: Final = 100
_KINDS_OF_INTENTS: Final = ("runtime.", "webhooks.check_stream")


@dataclass(frozen=True, slots=True)
class _Around:
    """What beside an intent says why it waits, read once for the whole list."""

    failing: dict[str, DueItem]
    awaited: dict[str, AwaitedDelivery]
    pauses: list[PauseRecord]

    def pause_of(self, intent: IntentRecord) -> PauseRecord | None:
        """The stop of outgoing money that holds this intent."""
        return next((each for each in self.pauses if each.rail is None or each.rail == intent.rail), None)


def stuck_intents(*, now: datetime, limit: int = DEFAULT_LIMIT) -> list[Stuck]:
    """What waits, the longest waiting first; one row an intent. Holds past their expiry follow the same order."""
    failing = _failing(limit)
    waiting = list_waiting(unchanged_since=now - MOVES_WITHIN, limit=limit)
    settled = [each.intent_id for each in waiting if each.status is Status.ROUTED and each.has_settled]
    around = _Around(failing=failing, awaited=awaited_of(intent_ids=settled), pauses=list_pauses())
    found = {each.intent_id: _of_intent(each, around) for each in waiting}
    reviews = {each.intent_id: _of_review(each) for each in list_open_reviews(limit=limit)}
    ended = {ref: _of_work(ref, item) for ref, item in failing.items() if ref not in found and ref not in reviews}
    holds = list_holds(state="held", order="expiry", due_before=now - MOVES_WITHIN, limit=limit)
    rows: Iterable[Stuck] = (*found.values(), *reviews.values(), *ended.values(), *map(_of_hold, holds))
    return sorted(rows, key=lambda each: (each.since, each.intent_id or ""))[:limit]


def _failing(limit: int) -> dict[str, DueItem]:
    """Work about intents that failed again and again, by intent."""
    items = failing_items(workspace_id=current_tenant().id, limit=limit)
    return {item.ref: item for item in items if item.kind.startswith(_KINDS_OF_INTENTS)}


def _of_review(review: ReviewRecord) -> Stuck:
    return Stuck(
        intent_id=review.intent_id,
        waits_for="review",
        words=f"held by {review.rule}; its owner has not decided",
        since=review.opened_at,
        who_can_act=review.owner,
        door="reviews/",
    )


def _of_intent(intent: IntentRecord, around: _Around) -> Stuck:
    item = around.failing.get(intent.intent_id)
    if item is not None:
        return _of_work(intent.intent_id, item, since=intent.updated_at)
    if intent.status in (Status.ACCEPTED, Status.CONTROLLED):
        return _row(intent, "work", "waits to be posted", "operations")
    if intent.status is Status.LEDGERED:
        return _of_ledgered(intent, around)
    if intent.status is Status.ROUTED:
        return _of_routed(intent, around)
    return _row(intent, "seal", "its events have arrived; waits for comparison, signature and packet", "operations")


def _of_ledgered(intent: IntentRecord, around: _Around) -> Stuck:
    pause = around.pause_of(intent)
    if pause is None:
        return _row(intent, "route", "posted; waits for a rail", "operations")
    where = f"over {pause.rail}" if pause.rail else "in this workspace"
    words = f"outgoing money is paused {where}: {pause.reason}"
    return _row(intent, "resume", words, f"a second person, not {pause.paused_by}", door="outgoing/")


def _of_routed(intent: IntentRecord, around: _Around) -> Stuck:
    rail = intent.rail or "the rail"
    if intent.has_settled:
        return _of_stream(intent, around.awaited.get(intent.intent_id))
    if intent.is_outcome_unknown:
        return _row(intent, "outcome", f"outcome unknown at {rail}; it is asked, and nothing is sent elsewhere", rail)
    if intent.outcome == "succeeded":
        return _row(intent, "rail", f"the money moved; waits for {rail} to confirm settlement", rail)
    return _row(intent, "rail", f"sent; waits for what {rail} says", rail)


def _of_stream(intent: IntentRecord, awaited: AwaitedDelivery | None) -> Stuck:
    if awaited is None:
        return _row(intent, "work", "settled; waits for the check of its event stream", "operations")
    why = f": {awaited.last_error}" if awaited.last_error else ""
    words = f"settled; {awaited.endpoint_id} has not taken {awaited.deliveries} of its events ({awaited.state}{why})"
    door = f"webhooks/endpoints/{awaited.endpoint_id}/"
    return _row(intent, "endpoint", words, awaited.endpoint_id, door=door)


def _of_work(intent_id: str, item: DueItem, *, since: datetime | None = None) -> Stuck:
    return Stuck(
        intent_id=intent_id,
        waits_for="work",
        words=f"{item.kind} failed {item.attempts} times: {item.last_error[:200]}",
        since=since or item.due_at,
        who_can_act="operations",
        door=f"intents/{intent_id}/",
    )


def _of_hold(hold: HoldRecord) -> Stuck:
    return Stuck(
        intent_id=hold.intent_id,
        waits_for="hold",
        words=f"hold {hold.reference} is past its expiry and not given back",
        since=hold.expires_at or hold.placed_at,
        who_can_act="operations",
        door=f"holds/{hold.id}/",
    )


def _row(intent: IntentRecord, waits_for: WaitsFor, words: str, who: str, *, door: str | None = None) -> Stuck:
    return Stuck(
        intent_id=intent.intent_id,
        waits_for=waits_for,
        words=words,
        since=intent.updated_at,
        who_can_act=who,
        door=door or f"intents/{intent.intent_id}/",
    )
