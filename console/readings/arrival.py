"""What became of a test event: recorded, given its place in the log, sent, answered."""

from typing import Final

from console.doors import Visit
from console.marks import mark
from console.presenters.webhooks import attempt_mark
from console.presenters.words import clock, grouped, short_url, took
from console.types.endpoints import Arrival, ArrivalStep
from evidence.queries import EventNotFound, find_event
from evidence.types import RecordedEvent
from webhooks.queries import DeliveryFilter, get_delivery_detail, list_deliveries
from webhooks.types import AttemptRecord, DeliveryDetail
from zentra.core.ids import BadId
from zentra.tenants.permissions import Permission

_TEST: Final = "endpoint.test"


def read_arrival(visit: Visit, endpoint_id: str, event_id: str) -> Arrival | None:
    """The test event that an address names, and how far it is; None when it names none of this endpoint."""
    if not event_id:
        return None
    try:
        event = find_event(event_id=event_id)
    except (EventNotFound, BadId):
        return None
    if event.type != _TEST or endpoint_id.encode() not in event.body:
        return None
    sent = list_deliveries(where=DeliveryFilter(event_id=event_id, endpoint_id=endpoint_id), limit=1).rows
    detail = get_delivery_detail(delivery_id=sent[0].id) if sent else None
    attempt = detail.attempts[-1] if detail and detail.attempts else None
    return Arrival(
        event_id=event_id,
        event_url=f"{visit.base}events/{event_id}/" if visit.may(Permission.EVENTS_READ) else "",
        steps=_steps(event, detail, attempt),
        done=attempt is not None,
        words=_words(attempt),
        poll_url=f"{visit.base}webhooks/endpoints/{endpoint_id}/?test={event_id}",
        delivery_url=f"{visit.base}webhooks/deliveries/{sent[0].id}/" if sent else "",
    )


def _steps(
    event: RecordedEvent, detail: DeliveryDetail | None, attempt: AttemptRecord | None
) -> tuple[ArrivalStep, ...]:
    placed = event.index is not None
    return (
        ArrivalStep("recorded", clock(event.recorded_at), mark("done"), done=True),
        ArrivalStep(
            "place in the log",
            f"leaf {grouped(event.index)}" if event.index is not None else "waits for the sealer",
            mark("done" if placed else "running"),
            placed,
        ),
        ArrivalStep(
            "sent",
            f"to {attempt.remote_address or short_url(attempt.url)}" if attempt else "waits for a worker",
            mark("done" if attempt else "running" if detail else "pending"),
            attempt is not None,
        ),
        ArrivalStep(
            "answered",
            f"in {took(attempt.duration_ms)}" if attempt else "—",
            attempt_mark(attempt) if attempt else mark("pending"),
            attempt is not None,
        ),
    )


def _words(attempt: AttemptRecord | None) -> str:
    if attempt is None:
        return "On its way. A test is tried once, whatever comes back."
    if attempt.succeeded:
        return f"It arrived: answered {attempt.response_status} in {took(attempt.duration_ms)}."
    said = attempt.error_detail or str(attempt.error_class).replace("_", " ")
    return f"It did not arrive: {said}. The attempt's page shows what was sent and answered."
