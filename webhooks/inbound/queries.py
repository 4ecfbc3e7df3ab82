"""Reading what providers sent, for pages and packets."""

from dataclasses import fields
from datetime import datetime
from typing import Final

from django.db import connection

from webhooks.models import Callback
from webhooks.types import CallbackRecord, CallbackState, Page, PageKey
from zentra.core import ids

DEFAULT_LIMIT: Final = 50


def list_callbacks(
    *,
    states: tuple[CallbackState, ...] | None = None,
    rail_id: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[CallbackRecord]:
    """Verified arrivals, newest first, after the row whose key is ``before``."""
    rows = Callback.objects.order_by("-recorded_at", "-id")
    if states:
        rows = rows.filter(state__in=states)
    if rail_id:
        rows = rows.filter(rail_id=rail_id)
    if before:
        rows = rows.extra(  # the ORM has no row comparison, which is what the index answers
            where=["(recorded_at, id) < (%s, %s)"], params=[before[0], ids.to_uuid(before[1], prefix="cb")]
        )
    found = [_to_record(row) for row in rows[: limit + 1]]
    shown = tuple(found[:limit])
    return Page(rows=shown, next_key=(shown[-1].recorded_at, shown[-1].id) if len(found) > limit else None)


def callbacks_of_intent(*, intent_id: str) -> list[CallbackRecord]:
    """Every verified arrival that named this intent, oldest first."""
    return [_to_record(row) for row in Callback.objects.filter(intent_id=intent_id).order_by("recorded_at", "id")]


def count_callbacks(*, since: datetime) -> dict[str, int]:
    """How many arrivals there were of each state since a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM webhooks_callback WHERE recorded_at > %s GROUP BY state", [since])
        return dict(cursor.fetchall())


def _to_record(row: Callback) -> CallbackRecord:
    values = {each.name: getattr(row, each.name) for each in fields(CallbackRecord)}
    values["body"] = bytes(row.body)
    return CallbackRecord(**values)
