"""Reading what providers sent, for pages, the API and packets."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from evidence.queries import list_events
from webhooks.inbound.types import (
    CallbackDetail,
    CallbackFilter,
    OutcomePoint,
    PollState,
    QuarantineRecord,
    RefusalRecord,
)
from webhooks.models import Callback, CallbackKey, Poll, Quarantined
from webhooks.types import CallbackRecord, Page, PageKey, QuarantineState
from zentra.core import ids
from zentra.core.errors import DomainError
from zentra.routing.queries import list_rails

DEFAULT_LIMIT: Final = 50
REFUSED: Final = "callback.refused"
_MOST_REPEATS: Final = 200
_MOST_POINTS: Final = 500


class CallbackNotFound(DomainError):
    """There is no such callback in this workspace."""

    code = "callback_not_found"
    status = 404
    title = "There is no such callback"


def list_callbacks(
    *, where: CallbackFilter | None = None, before: PageKey | None = None, limit: int = DEFAULT_LIMIT
) -> Page[CallbackRecord]:
    """Verified arrivals, newest first, after the row whose key is ``before``. Raises BadId for a rail that is no id."""
    rows = _before(_narrowed(where or CallbackFilter()), before, "recorded_at").order_by("-recorded_at", "-id")
    return Page.of([_to_record(row) for row in rows[: limit + 1]], limit=limit)


def callbacks_of_intent(*, intent_id: str) -> list[CallbackRecord]:
    """Every verified arrival that named this intent, oldest first."""
    return [_to_record(row) for row in Callback.objects.filter(intent_id=intent_id).order_by("recorded_at", "id")]


def callbacks_of_intents(*, intent_ids: Sequence[str]) -> dict[str, list[CallbackRecord]]:
    """The same of several intents in one statement, by intent; one that nothing arrived for is left out."""
    found: dict[str, list[CallbackRecord]] = {}
    for row in Callback.objects.filter(intent_id__in=list(intent_ids)).order_by("recorded_at", "id"):
        found.setdefault(row.intent_id or "", []).append(_to_record(row))
    return found


def count_callbacks(*, since: datetime) -> dict[str, int]:
    """How many arrivals there were of each state since a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM webhooks_callback WHERE recorded_at > %s GROUP BY state", [since])
        return dict(cursor.fetchall())


def get_callback(*, callback_id: str) -> CallbackDetail:
    """One arrival with its bytes, its proof, its repeats and what became of it. Raises CallbackNotFound, BadId."""
    row = Callback.objects.filter(id=ids.to_uuid(callback_id, prefix="cb")).order_by("recorded_at").first()
    if row is None:
        raise CallbackNotFound(f"There is no callback {callback_id}.")
    key = CallbackKey.objects.get(id=row.first_id)
    held = Quarantined.objects.filter(id=row.first_id).first()
    body = bytes(row.body)
    return CallbackDetail(
        callback=_to_record(row),
        headers=row.headers,
        body_text=_text(body),
        body_hex=body.hex(),
        now_state=key.state,  # type: ignore[arg-type]  # the column's check constraint says so
        arrivals=key.arrivals,
        repeats=tuple(repeats_of(callback_id=row.first_id)),
        quarantine=read_quarantined(held) if held else None,
    )


def repeats_of(*, callback_id: str) -> list[CallbackRecord]:
    """Every time this event of the provider was taken in, the first one first, 200 at most. Raises BadId."""
    first_id = Callback.objects.filter(id=ids.to_uuid(callback_id, prefix="cb")).values("first_id")[:1]
    rows = Callback.objects.filter(first_id=first_id).order_by("recorded_at", "id")
    key = CallbackKey.objects.filter(id=first_id).values("rail_id", "provider_event_id").first()
    if key is not None:
        rows = rows.filter(**key)  # what the index knows
    return [_to_record(row) for row in rows[:_MOST_REPEATS]]


def callbacks_by_outcome(
    *, since: datetime, until: datetime, points: int, rail_id: str | None = None
) -> list[OutcomePoint]:
    """How many arrivals of each state there were in each of ``points`` equal parts of a span, empty ones included."""
    points = max(1, min(points, _MOST_POINTS))
    step = (until - since) / points
    rail = ids.to_uuid(rail_id, prefix="rail") if rail_id else None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT floor(extract(epoch FROM recorded_at - %s) / %s)::int, state, count(*) FROM webhooks_callback"
            " WHERE recorded_at >= %s AND recorded_at < %s AND (%s::uuid IS NULL OR rail_id = %s) GROUP BY 1, 2",
            [since, step.total_seconds(), since, until, rail, rail],
        )
        counted: dict[int, dict[str, int]] = {}
        for place, state, count in cursor.fetchall():
            counted.setdefault(min(place, points - 1), {})[state] = count
    return [OutcomePoint(since + step * place, counted.get(place, {})) for place in range(points)]


def list_quarantine(
    *,
    state: QuarantineState | None = None,
    rail_id: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[QuarantineRecord]:
    """Quarantined callbacks, newest first, after the row whose key is ``before``."""
    rows = Quarantined.objects.all()
    if state:
        rows = rows.filter(state=state)
    if rail_id:
        rows = rows.filter(rail_id=rail_id)
    rows = _before(rows, before, "opened_at").order_by("-opened_at", "-id")
    return Page.of([read_quarantined(row) for row in rows[: limit + 1]], limit=limit)


def get_quarantined(*, callback_id: str) -> QuarantineRecord:
    """The quarantine of a callback, by any of its arrivals. Raises CallbackNotFound, BadId."""
    key = ids.to_uuid(callback_id, prefix="cb")
    first_id = Callback.objects.filter(id=key).values("first_id")[:1]
    row = Quarantined.objects.filter(Q(id=callback_id) | Q(id__in=first_id)).first()
    if row is None:
        raise CallbackNotFound(f"{callback_id} is not and was not in quarantine.")
    return read_quarantined(row)


def count_quarantined() -> int:
    """How many callbacks wait in quarantine for a person."""
    return Quarantined.objects.filter(state="open").count()


def poll_states() -> list[PollState]:
    """How far each rail was asked for what we missed, by the rail's name; also those that never were."""
    rows = {row.rail_id: row for row in Poll.objects.all()}
    return [_poll_state(rail.id, rail.name, rows.get(rail.id)) for rail in list_rails()]


def list_refusals(
    *,
    rail_id: str | None = None,
    since: datetime | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[RefusalRecord]:
    """Callbacks of this workspace that were refused, newest first: what was wrong and how large they were.

    Attempts on connections that do not exist are recorded in the ``platform`` workspace.
    """
    events, next_key = list_events(types=(REFUSED,), text=rail_id or "", before=before, limit=limit)
    found = [_refusal(event.id, event.recorded_at, event.body) for event in events]
    if since is None or all(row.recorded_at >= since for row in found):
        return Page(rows=tuple(found), next_key=next_key)
    return Page(rows=tuple(row for row in found if row.recorded_at >= since), next_key=None)


def read_quarantined(row: Quarantined) -> QuarantineRecord:
    """The record of a row of the quarantine."""
    values = {each.name: getattr(row, each.name) for each in fields(QuarantineRecord)}
    values["body"] = bytes(row.body)
    values["fixed_body"] = None if row.fixed_body is None else bytes(row.fixed_body)
    return QuarantineRecord(**values)


def _narrowed(where: CallbackFilter) -> QuerySet[Callback]:
    rows = Callback.objects.all()
    if where.states:
        rows = rows.filter(state__in=where.states)
    if where.sources:
        rows = rows.filter(source__in=where.sources)
    if where.rail_id:
        rows = rows.filter(rail_id=where.rail_id)
    if where.intent_id:
        rows = rows.filter(intent_id=where.intent_id)
    if where.provider_event_id:
        rows = rows.filter(provider_event_id=where.provider_event_id)
    if where.since:
        rows = rows.filter(recorded_at__gte=where.since)
    if where.until:
        rows = rows.filter(recorded_at__lt=where.until)
    return rows.filter(_says(where.text)) if where.text else rows


def _says(text: str) -> Q:
    wanted = Q()
    for column in ("provider_event_id", "intent_id", "reference", "provider_type", "detail"):
        wanted |= Q(**{f"{column}__icontains": text.replace("\x00", "")})
    return wanted


def _before(rows: QuerySet[Any], before: PageKey | None, column: str) -> QuerySet[Any]:
    """The rows after a page's last one. Both halves name the column of the index, which answers the first alone."""
    if before is None:
        return rows
    at, last_id = before
    return rows.filter(Q(**{f"{column}__lte": at}) & (Q(**{f"{column}__lt": at}) | Q(id__lt=last_id)))


def _poll_state(rail_id: str, rail: str, row: Poll | None) -> PollState:
    if row is None:
        return PollState(rail_id, rail, "", None, None, 0, 0, 0, "")
    return PollState(
        rail_id, rail, row.cursor, row.asked_at, row.next_at, row.asked, row.found, row.failures, row.last_error
    )


def _refusal(event_id: str, recorded_at: datetime, body: bytes) -> RefusalRecord:
    data = json.loads(body)["data"]
    return RefusalRecord(
        event_id=event_id,
        recorded_at=recorded_at,
        rail_id=str(data["rail_id"]),
        reason=str(data["reason"]),
        cause=str(data.get("cause", "")),
        body_bytes=int(data.get("body_bytes", 0)),
        callback_id=data.get("callback_id"),
    )


def _text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _to_record(row: Callback) -> CallbackRecord:
    values = {each.name: getattr(row, each.name) for each in fields(CallbackRecord)}
    values["body"] = bytes(row.body)
    return CallbackRecord(**values)
