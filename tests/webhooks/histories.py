"""Rows of other days: deliveries, attempts and callbacks as they were written then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from tests.tenants.catalogue import ask
from webhooks.models import Attempt, Callback, Delivery
from zentra.core import ids
from zentra.core.tenancy import TenantRef, tenant_work


def keep_attempt(at: datetime, *, endpoint_id: str | None = None, succeeded: bool = True, duration_ms: int = 12) -> str:
    """An attempt that ended at this moment, in the present unit of work; its id."""
    attempt = Attempt.objects.create(
        id=ids.new_id("att"),
        recorded_at=at,
        delivery_id=ids.new_id("dlv"),
        endpoint_id=endpoint_id or ids.new_id("whe"),
        number=1,
        trigger="auto",
        started_at=at,
        duration_ms=duration_ms,
        url="https://consumer.example/hooks",
        response_status=204 if succeeded else 503,
        error_class=None if succeeded else "http_status",
        is_signature_verified=True,
    )
    return str(attempt.id)


def keep_callback(at: datetime) -> str:
    """A callback that came at this moment, in the present unit of work; its id."""
    callback_id = ids.new_id("cb")
    Callback.objects.create(
        id=callback_id,
        recorded_at=at,
        rail_id=ids.new_id("rail"),
        provider_event_id="pe_1",
        arrival=1,
        first_id=callback_id,
        signed_at=at,
        scheme="v1",
        body=b"{}",
        body_sha256="00",
        state="applied",
    )
    return callback_id


def keep_delivery(
    at: datetime, *, endpoint_id: str, state: str = "queued", purpose: str = "event", is_due: bool = True
) -> str:
    """A delivery made at this moment, in the present unit of work; its id. Nothing is counted."""
    delivery = Delivery.objects.create(
        id=ids.new_id("dlv"),
        recorded_at=at,
        event_id=ids.new_id("evt"),
        event_recorded_at=at,
        event_type="account.created",
        leaf_index=0,
        leaf_hash=b"",
        endpoint_id=endpoint_id,
        state=state,
        is_awaited=True,
        next_attempt_at=at if state in ("queued", "retrying") else None,
        first_due_at=at if is_due else None,
        resolved_at=at if state == "resolved" else None,
        purpose=purpose,
    )
    return str(delivery.id)


def rows_of(ws: TenantRef, table: str) -> int:
    """How many rows a table of the workspace, or one of its partitions, has; asked by the owner."""
    return int(ask(f'SELECT count(*) FROM "{ws.schema}".{table}', [])[0][0])


def partitions_of(ws: TenantRef, parent: str) -> list[str]:
    """The names of a table's partitions."""
    rows = ask(
        "SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = %s::regclass"
        " ORDER BY c.relname",
        [f'"{ws.schema}".{parent}'],
    )
    return [name for (name,) in rows]


def in_workspace(ws: TenantRef, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """One statement by the application's role; its rows."""
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def month(moment: datetime, plus: int = 0) -> datetime:
    """The beginning of a month before or after the one of a moment."""
    number = moment.year * 12 + moment.month - 1 + plus
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def name_of(parent: str, moment: datetime) -> str:
    """What the partition of a moment is called."""
    return f"{parent}_{moment:%Y%m}"


def uuid_of(public: str) -> UUID:
    """The uuid in an endpoint's id."""
    return ids.to_uuid(public, prefix="whe")
