"""Asking a rail for what it told us and we did not hear: the catch-up after an outage, of ours or of theirs.

The provider's list is read from where we stopped. What came by itself is passed over; what did not is taken in by the
same path as a callback, signature and all. No transaction is open while the rail is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from webhooks.inbound.arrivals import record
from webhooks.inbound.payload import peek_event_id
from webhooks.inbound.taking import take_callback
from webhooks.inbound.types import PollResult
from webhooks.models import CallbackKey, Poll
from webhooks.signing import HEADER_ID, InvalidSignature
from webhooks.types import CallbackReceipt
from zentra.core import actors
from zentra.core.clock import now as clock_now
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.directory.queries import find_connection
from zentra.routing.errors import RailUnknown
from zentra.routing.providers.adapters import ProviderUnknown, adapter_for
from zentra.routing.providers.types import ToldEvent
from zentra.routing.queries import find_rail, list_rails
from zentra.routing.types import RailRecord

POLL_EVERY: Final = timedelta(seconds=30)
LONGEST_BACKOFF: Final = timedelta(hours=1)
_LEASE: Final = timedelta(minutes=2)
"""While one asks nobody else does; whoever dies in the middle is followed after this."""

_PAGE: Final = 100
_MOST_PAGES: Final = 20
_LONGEST_ERROR: Final = 300


class PollInProgress(DomainError):
    """The rail is being asked at this moment, by the periodic catch-up or by somebody else."""

    code = "poll_in_progress"
    status = 409
    title = "The rail is being asked already"
    retryable = True
    retry_after = 5


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to ask a rail until the lease ends, and where its list goes on."""

    rail: RailRecord
    cursor: str
    until: datetime
    failures: int


def due_rails(*, now: datetime) -> list[str]:
    """The rails that it is time to ask, or that never were asked."""
    later = set(Poll.objects.filter(next_at__gt=now).values_list("rail_id", flat=True))
    return [rail.id for rail in list_rails() if rail.id not in later]


def poll_rail(*, rail_id: str, now: datetime) -> PollResult:
    """Ask a rail for what we missed and take it in; opens its own transactions and may be inside none.

    What was found is recorded as ``rail.polled``. An error keeps the place in the list and puts the next question off,
    a minute doubling to an hour. Raises RailUnknown, PollInProgress.
    """
    place = find_connection(rail_id=rail_id)
    if place is None:
        raise RailUnknown(f"{rail_id[:80]!r} is no rail.")
    with tenant_work(place.workspace_id) as ws:
        claim = _claim(find_rail(rail=rail_id), now)
    progress = _ask(ws, claim)
    with tenant_work(ws):
        _finish(claim, progress, now=clock_now())
    return PollResult(progress.asked, progress.found, progress.error)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far the list was read. ``cursor`` is after the last event that is safe with us."""

    cursor: str
    asked: int = 0
    found: int = 0
    error: str = ""


def _ask(ws: TenantRef, claim: _Claim) -> _Progress:
    """Read the list page by page until it ends, fails, or is left for the next time."""
    progress = _Progress(claim.cursor)
    for _ in range(_MOST_PAGES):
        try:
            page = adapter_for(rail=claim.rail).list_events(
                connection_id=claim.rail.id, after=progress.cursor, limit=_PAGE
            )
        except ProviderUnknown as unknown:
            return replace(progress, error=unknown.detail)
        progress = _take_in(ws, claim.rail, page.events, progress)
        progress = replace(progress, error=progress.error or page.error)
        if progress.error or not page.has_more or not page.events:
            break
    return progress


def _take_in(ws: TenantRef, rail: RailRecord, events: Sequence[ToldEvent], before: _Progress) -> _Progress:
    """Take in what did not come by itself, in the order of the list, as far as it goes without an error."""
    with tenant_work(ws):
        known = _known_ids(rail, events)
    cursor, found = before.cursor, before.found
    error = ""
    for event in events:
        if _event_id(rail, event) not in known:
            receipt, error = _take(ws, rail, event)
            if error:
                break
            found += receipt is not None and receipt.state not in {"duplicate", "refused"}
        cursor = event.cursor
    return _Progress(cursor, before.asked + len(events), found, error)


def _take(ws: TenantRef, rail: RailRecord, event: ToldEvent) -> tuple[CallbackReceipt | None, str]:
    """What became of one event, and why the list must not be read on."""
    try:
        receipt = take_callback(
            workspace=ws,
            connection_id=rail.id,
            headers=event.headers,
            body=event.body,
            now=clock_now(),
            source="poll",
        )
    except Exception as failed:  # noqa: BLE001  # whatever it was, the place in the list must be kept
        return None, f"{type(failed).__name__}: {failed}"
    if isinstance(receipt.refusal, InvalidSignature):
        # Not this rail's word: to go on would be to believe its list.
        return receipt, f"{receipt.refusal.code}: {receipt.refusal.detail}"
    return receipt, ""


def _known_ids(rail: RailRecord, events: Sequence[ToldEvent]) -> set[str]:
    """The events that came before, by callback or by an earlier question. Their repeat would tell nothing new."""
    named = [_event_id(rail, event) for event in events]
    rows = CallbackKey.objects.filter(rail_id=rail.id, provider_event_id__in=named)
    return set(rows.values_list("provider_event_id", flat=True))


def _event_id(rail: RailRecord, event: ToldEvent) -> str:
    """The id under which the event would be kept; nothing but passing it over follows from it before it is verified."""
    if rail.scheme.name == "standard_webhooks":
        return next((value for name, value in event.headers.items() if name.lower() == HEADER_ID), "")
    return peek_event_id(event.body)


def _claim(rail: RailRecord, now: datetime) -> _Claim:
    """Take the right to ask. Raises PollInProgress while somebody else has it."""
    Poll.objects.bulk_create([Poll(rail_id=rail.id, next_at=now)], ignore_conflicts=True)
    row = Poll.objects.select_for_update().get(rail_id=rail.id)
    if row.asked_at is not None and row.next_at == row.asked_at + _LEASE and row.next_at > now:
        raise PollInProgress(f"{rail.name} is being asked since {row.asked_at:%H:%M:%S} UTC.")
    until = now + _LEASE
    Poll.objects.filter(rail_id=rail.id).update(asked_at=now, next_at=until, asked=F("asked") + 1)
    return _Claim(rail, row.cursor, until, row.failures)


def _finish(claim: _Claim, progress: _Progress, *, now: datetime) -> None:
    """Keep the place and say when to ask again, unless our lease ended and another asks."""
    failures = claim.failures + 1 if progress.error else 0
    wait = min(POLL_EVERY * 2 ** min(failures, 16), LONGEST_BACKOFF)
    kept = Poll.objects.filter(rail_id=claim.rail.id, next_at=claim.until).update(
        cursor=progress.cursor,
        next_at=now + wait,
        found=F("found") + progress.found,
        failures=failures,
        last_error=_printable(progress.error),
    )
    if progress.found and kept == 1:
        data: dict[str, object] = {
            "rail_id": claim.rail.id,
            "rail": claim.rail.name,
            "asked": progress.asked,
            "found": progress.found,
        }
        record("rail.polled", actors.ROUTES, data, now=now)


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_LONGEST_ERROR]
