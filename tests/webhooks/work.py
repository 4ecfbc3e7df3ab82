"""Doing the background work of one workspace inside a test, with the real queue and the sealer's own role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from evidence.types import NewEvent
from tests.evidence.sealing import record, seal, sequence
from webhooks.operations import create_endpoint
from webhooks.outbound.engine.loop import deliver_due
from webhooks.queries import DeliveryFilter, get_delivery_detail, list_deliveries
from webhooks.types import CreatedEndpoint, DeliveryDetail, DeliveryRecord
from zentra.core import clock
from zentra.core.actors import EDGE, LEDGER, Actor
from zentra.core.queue.operations import claim
from zentra.core.queue.worker import run_item
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.consumer import Consumer

DEVELOPER = Actor(kind="user", id="usr_developer", role="developer")
SUPPORT = Actor(kind="user", id="usr_support", role="support")


@dataclass
class Subscribed:
    """A workspace, its endpoint, and the consumer behind it."""

    ws: TenantRef
    created: CreatedEndpoint
    consumer: Consumer

    @property
    def endpoint_id(self) -> str:
        return self.created.endpoint.id

    def received(self) -> list[dict[str, Any]]:
        return self.consumer.inbox.list_received(workspace=self.ws.slug, after=-1, limit=1000)


def subscribe(ws: TenantRef, url: str, *patterns: str, **options: Any) -> CreatedEndpoint:
    """An endpoint of the workspace, committed."""
    with tenant_work(ws):
        return create_endpoint(url=url, event_filter=patterns or ("*",), actor=DEVELOPER, now=clock.now(), **options)


def publish(ws: TenantRef, *events: NewEvent) -> list[str]:
    """Record events, give them their place in the log, and follow it; nothing is delivered yet. Their ids."""
    published = record(ws, *(events or (an_event(),)))
    sequence(ws)
    run_due(kinds=("webhooks.fan_out",))
    return published


def an_event(number: int = 1, *, intent_id: str | None = None) -> NewEvent:
    return NewEvent(type="account.created", actor=LEDGER, data={"number": number}, intent_id=intent_id)


def an_accepted_event(intent_id: str) -> NewEvent:
    return NewEvent(type="ingress.accepted", actor=EDGE, data={"idempotency_key": intent_id}, intent_id=intent_id)


def run_due(*, kinds: tuple[str, ...] | None = None, rounds: int = 40) -> int:
    """Run what is due now, as a worker does, until nothing is; returns how many items ran."""
    ran = 0
    for _ in range(rounds):
        items = claim(limit=20, now=clock.now())
        chosen = [item for item in items if kinds is None or item.kind in kinds]
        for item in items:
            if item not in chosen:
                _put_back(item.id)
        for item in chosen:
            run_item(item)
        sent = deliver_due() if kinds is None else 0
        ran += len(chosen) + sent
        if not chosen and not sent:
            break
    return ran


def run_everything(ws: TenantRef) -> None:
    """Sequence, sign and work until the workspace is at rest, now and a second later, for what was put off."""
    _run_until_rest(ws)
    with later(1):
        _run_until_rest(ws)


def _run_until_rest(ws: TenantRef, *, rounds: int = 12) -> None:
    for _ in range(rounds):
        seal(ws)
        if run_due() == 0:
            return


@contextmanager
def later(seconds: float) -> Iterator[datetime]:
    """So many seconds from now."""
    moment = clock.now() + timedelta(seconds=seconds)
    with clock.frozen(moment):
        yield moment


@contextmanager
def entered() -> Iterator[None]:
    """Inside a workspace whose schema was chosen already, so that who counts statements counts their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield


def deliveries(ws: TenantRef, **where: Any) -> list[DeliveryRecord]:
    with tenant_work(ws):
        return list(list_deliveries(where=DeliveryFilter(**where)).rows)


def only_delivery(ws: TenantRef, **where: Any) -> DeliveryDetail:
    """The one delivery that there is, with its attempts."""
    [record] = deliveries(ws, **where)
    with tenant_work(ws):
        return get_delivery_detail(delivery_id=record.id)


def event_rows(ws: TenantRef, event_type: str) -> list[dict[str, Any]]:
    """The recorded events of a type, oldest first, as they were written."""
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM evidence_event WHERE type = %s ORDER BY id", [event_type])
        return [json.loads(bytes(row[0])) for row in cursor.fetchall()]


def _put_back(item_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.work_item SET due_at = due_at - interval '60 seconds', claim_id = NULL,"
            " leased_until = NULL, attempts = attempts - 1 WHERE id = %s",
            [item_id],
        )
