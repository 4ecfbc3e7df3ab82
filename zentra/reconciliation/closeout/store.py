"""Closeout's rows as records, and the locks: a period's row first, then tie-outs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.reconciliation.closeout.errors import PeriodNotFound, StalePeriod
from zentra.reconciliation.closeout.models import Period, PeriodAct, PeriodEvent
from zentra.reconciliation.closeout.types import Act, PeriodRecord, ReopenRequest

REASON_LIMIT: Final = 500


def read_period(row: Period) -> PeriodRecord:
    """A period as others see it."""
    return PeriodRecord(
        id=row.id,
        month=f"{row.starts_on:%Y-%m}",
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        time_zone=row.time_zone,
        cut_off_hour=row.cut_off_hour,
        state=row.state,  # type: ignore[arg-type]  # held by a constraint
        until=row.until,
        request=None if row.request is None else _request(row.request),
        soft_closed_by=row.soft_closed_by,
        soft_closed_at=row.soft_closed_at,
        locked_by=row.locked_by,
        locked_at=row.locked_at,
        version=row.version,
        created_at=row.created_at,
    )


def get_row(period_id: str) -> Period:
    """A period's row; raises PeriodNotFound, BadId."""
    ids.to_uuid(period_id, prefix="prd")
    row = Period.objects.filter(id=period_id).first()
    if row is None:
        raise PeriodNotFound(f"There is no period {period_id}.", period_id=period_id)
    return row


def lock_period(period_id: str, version: int | None = None) -> Period:
    """A period's row, held until the transaction ends; raises PeriodNotFound, StalePeriod, BadId."""
    ids.to_uuid(period_id, prefix="prd")
    row = Period.objects.select_for_update().filter(id=period_id).first()
    if row is None:
        raise PeriodNotFound(f"There is no period {period_id}.", period_id=period_id)
    if version is not None and row.version != version:
        raise StalePeriod(f"{read_period(row).name} was changed in the meantime.", state=row.state, version=row.version)
    return row


def save_period(row: Period, *fields: str) -> PeriodRecord:
    """Write the columns that changed and count the version up; the row is locked."""
    row.version += 1
    row.save(update_fields=[*fields, "version"])
    return read_period(row)


def add_act(
    row: Period, act: Act, *, by: Actor, now: datetime, reason: str = "", facts: Mapping[str, Any] | None = None
) -> None:
    """A line of the period's history."""
    PeriodAct.objects.create(
        id=ids.new_id("pac"), period_id=row.id, act=act, by=by.as_dict(), reason=reason, facts=dict(facts or {}), at=now
    )


def record_of_period(period_id: str, events: Sequence[NewEvent], *, now: datetime) -> None:
    """Record events, and that they tell of this period."""
    if events:
        found = record_events(events=list(events), now=now)
        PeriodEvent.objects.bulk_create(PeriodEvent(event_id=each, period_id=period_id) for each in found)


def period_facts(row: Period) -> dict[str, object]:
    """What every event of a period says of it."""
    return {
        "period_id": row.id,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
        "starts_at": clock.iso(row.starts_at),
        "ends_at": clock.iso(row.ends_at),
    }


def rows(statement: str, values: Mapping[str, Any] | Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _request(stored: Mapping[str, Any]) -> ReopenRequest:
    return ReopenRequest(
        by=stored["by"],
        reason=stored["reason"],
        minutes=stored["minutes"],
        at=datetime.fromisoformat(stored["at"]).astimezone(UTC),
    )
