"""Callbacks that came before the attempt they name, or named none: applied as soon as there is one.

Two ways lead here: an attempt that begins asks whether somebody spoke of it before, and every few seconds the waiting
ones are looked through, for those whose callback and attempt were committed side by side without seeing each other.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from webhooks.inbound import arrivals
from webhooks.inbound.arrivals import Arrival, record_arrival
from webhooks.inbound.receiving import decide, revise_later
from webhooks.inbound.schemes.types import Proven
from webhooks.models import Callback, CallbackKey
from webhooks.types import CallbackReceipt
from zentra.core import queue
from zentra.core.errors import DomainError
from zentra.core.tenancy import current_tenant
from zentra.routing.queries import find_attempts_by_keys
from zentra.routing.types import AttemptRecord

MATCH: Final = "webhooks.match"
LOOK_BACK: Final = timedelta(days=7)
"""How old a waiting callback may be that is looked through again and again; an older one waits for its attempt."""

_MOST: Final = 500


def note_attempt(attempt: AttemptRecord, now: datetime) -> None:
    """Have callbacks taken in that spoke of an attempt before it began; in the transaction that begins it."""
    if CallbackKey.objects.filter(state="unmatched", reference=attempt.key).exists():
        queue.enqueue(workspace_id=current_tenant().id, kind=MATCH, ref=attempt.key, due_at=now, priority=2)


def find_matches(*, now: datetime, reference: str | None = None) -> list[str]:
    """The waiting callbacks (first ids) whose attempt exists by now, oldest first, 500 at most.

    With ``reference`` those that name this key, however old; else those of the last seven days.
    """
    waiting = CallbackKey.objects.filter(state="unmatched").order_by("first_received_at", "id")
    waiting = waiting.filter(reference=reference) if reference else waiting.filter(last_received_at__gt=now - LOOK_BACK)
    found = list(waiting.values_list("id", "rail_id", "reference")[:_MOST])
    rail_of = {each.key: each.rail_id for each in find_attempts_by_keys(keys=[key for _, _, key in found])}
    return [str(first_id) for first_id, rail, key in found if rail_of.get(key) == rail]


def match_callback(*, callback_id: str, now: datetime, failure: DomainError | None = None) -> CallbackReceipt | None:
    """Take in a waiting callback again, by the same path; None when somebody did already, or it still waits.

    ``callback_id`` is the first arrival's. Recorded as ``callback.matched`` beside what it did.
    """
    known = arrivals.lock_key(first_id=callback_id)
    if known is None or known.state != "unmatched":
        return None
    kept = Callback.objects.filter(first_id=callback_id, state="unmatched").order_by("-recorded_at", "-id").first()
    if kept is None or not find_attempts_by_keys(keys=[kept.reference]):
        return None
    arrival = Arrival(
        rail_id=kept.rail_id,
        event_id=kept.provider_event_id,
        proven=Proven(scheme=kept.scheme, signed_at=kept.signed_at),
        body=bytes(kept.body),
        sha256=kept.body_sha256,
        headers=kept.headers,
        now=now,
        source="match",
    )
    arrival = replace(arrival, first_id=callback_id, number=known.arrivals)
    receipt = decide(arrival, failure=failure)
    record_arrival(arrival, "callback.matched", receipt, None)
    revise_later(receipt, now=now)
    return receipt
