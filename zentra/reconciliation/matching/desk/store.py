"""The rows of the desk: read, locked, changed by compare-and-set, with each step kept. Private to the desk."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk.errors import (
    ExceptionResolved,
    ExceptionWaiting,
    NoSuchException,
    StaleException,
)
from zentra.reconciliation.matching.desk.types import (
    AdjustmentLine,
    AdjustmentRecord,
    DisputeRecord,
    ExceptionRecord,
)
from zentra.tenants.configuration.queries import settings_at_hand

_PREFIXES: Final = {
    "id": "exc", "account_id": "rca", "line_id": "lin", "entry_id": "entry", "expected_id": "exd",
    "statement_id": "stm", "match_id": "mat", "owner_id": "usr",
}  # fmt: skip
_OWN: Final = (
    "id", "account_id", "kind", "state", "line_id", "entry_id", "expected_id", "statement_id", "match_id", "intent_id",
    "amount_minor", "difference_minor", "currency", "facts", "happened_on", "due_at", "owner_id", "resolution",
    "reason_code", "reason", "version", "opened_at", "resolved_by", "resolved_at", "explained_by",
)  # fmt: skip
_JOINED: Final = ("account_name", "account_kind", "ledger_account_code", "waits_for")
_SELECT: Final = (
    f"SELECT {', '.join(f'x.{name}' for name in _OWN)}, a.name, a.kind, a.ledger_account_code,"  # noqa: S608  # our own columns
    " CASE WHEN x.state <> 'waiting' THEN ''"
    "  WHEN EXISTS (SELECT FROM recon_adjustment j WHERE j.exception_id = x.id AND j.state = 'proposed')"
    "   THEN 'adjustment'"
    "  WHEN EXISTS (SELECT FROM recon_dispute d WHERE d.exception_id = x.id AND d.state = 'open') THEN 'dispute'"
    "  WHEN x.explained_by IS NOT NULL THEN 'explanation'"
    "  ELSE 'match' END"
    " FROM recon_exception x JOIN recon_account a ON a.id = x.account_id "
)


def zone() -> ZoneInfo:
    """The workspace's time zone."""
    return ZoneInfo(settings_at_hand(workspace_id=current_tenant().id).time_zone)


def today(now: datetime) -> date:
    """The day of the workspace at a moment."""
    return now.astimezone(zone()).date()


def select(tail: str, values: Sequence[Any] | Mapping[str, Any], *, now: datetime) -> list[ExceptionRecord]:
    """The exceptions of a constant tail of SQL over ``recon_exception x`` and ``recon_account a``."""
    day = today(now)
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + tail, values)
        return [_record(row, day) for row in cursor.fetchall()]


def _record(row: Sequence[Any], day: date) -> ExceptionRecord:
    values = dict(zip((*_OWN, *_JOINED), row, strict=True))
    for name, prefix in _PREFIXES.items():
        values[name] = public(prefix, values[name])
    values["facts"] = as_json(values["facts"]) or {}
    values["resolved_by"] = as_json(values["resolved_by"])
    values["explained_by"] = as_json(values["explained_by"])
    return ExceptionRecord(**values, age_days=max(0, (day - values["happened_on"]).days))


def public(prefix: str, key: UUID | None) -> str | None:
    """The public id of a key, None for none."""
    return None if key is None else ids.to_public(prefix, key)


def as_json(value: object) -> Any:
    """jsonb arrives as text from a raw cursor."""
    return json.loads(value) if isinstance(value, str) else value


def key_of(exception_id: str) -> UUID:
    """The key of an id ``exc_…``; raises NoSuchException."""
    try:
        return ids.to_uuid(exception_id, prefix="exc")
    except ids.BadId as error:
        raise NoSuchException(f"There is no exception {exception_id[:80]!r} in this workspace.") from error


def key_of_line(line_id: str) -> UUID:
    """The key of an id ``lin_…`` of our own."""
    return ids.to_uuid(line_id, prefix="lin")


def get(exception_id: str, *, now: datetime) -> ExceptionRecord:
    """The exception of an id; raises NoSuchException."""
    found = select("WHERE x.id = %s", [key_of(exception_id)], now=now)
    if not found:
        raise NoSuchException(f"There is no exception {exception_id[:80]!r} in this workspace.")
    return found[0]


def lock(exception_id: str, *, now: datetime) -> ExceptionRecord:
    """The exception, held by us until the transaction ends; raises NoSuchException.

    The lock is a statement of its own, so that the read after it sees what the holder before us committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM recon_exception WHERE id = %s FOR UPDATE", [key_of(exception_id)])
    return get(exception_id, now=now)


def lock_unresolved(exception_id: str, *, now: datetime, version: int | None) -> ExceptionRecord:
    """The unresolved exception, held by us; raises NoSuchException, ExceptionResolved, StaleException."""
    found = lock(exception_id, now=now)
    if found.is_resolved:
        raise ExceptionResolved(
            f"It was {found.resolution.replace('_', ' ')}.", resolution=found.resolution, version=found.version
        )
    if version is not None and version != found.version:
        raise StaleException(
            f"It is at version {found.version}, you have {version}; read it again.", version=found.version
        )
    return found


def lock_free(exception_id: str, *, now: datetime, version: int | None) -> ExceptionRecord:
    """The same, of one that waits for nobody; raises ExceptionWaiting too."""
    found = lock_unresolved(exception_id, now=now, version=version)
    if found.state == "waiting":
        raise ExceptionWaiting(
            "The provider has not answered yet." if found.waits_for == "dispute" else "A second person decides first.",
            waits_for=found.waits_for,
        )
    return found


def change(found: ExceptionRecord, *, now: datetime, **values: Any) -> ExceptionRecord:
    """Write columns of an exception by compare-and-set on its version; raises StaleException."""
    for name in ("owner_id", "match_id"):
        if values.get(name) is not None:
            values[name] = ids.to_uuid(values[name], prefix=_PREFIXES[name])
    for name in ("resolved_by", "explained_by"):
        if values.get(name) is not None:
            values[name] = json.dumps(values[name])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE recon_exception SET {', '.join(f'{name} = %s' for name in values)}, version = version + 1"  # noqa: S608  # our own columns
            " WHERE id = %s AND version = %s",
            [*values.values(), key_of(found.id), found.version],
        )
        if cursor.rowcount != 1:
            raise StaleException("Somebody changed it in the meantime; read it again.", version=found.version)
    return get(found.id, now=now)


def keep_step(
    exception_id: str, what: str, *, actor: Actor, now: datetime, before: str = "", after: str = "", words: str = ""
) -> None:
    """Add a step to the history of an exception."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_exception_step (id, exception_id, what, by, at, before, after, words)"
            " VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s)",
            [
                ids.new_uuid(), key_of(exception_id), what, json.dumps(actor.as_dict()), now, before, after, words,
            ],
        )  # fmt: skip


def subjects_of_steps(exception_id: str, whats: Sequence[str]) -> set[str]:
    """What steps of these kinds were about (``before``), of one exception."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT before FROM recon_exception_step WHERE exception_id = %s AND what = ANY(%s)",
            [key_of(exception_id), list(whats)],
        )
        return {before for (before,) in cursor.fetchall()}


_ADJUSTMENTS: Final = (
    "SELECT id, exception_id, kind, reason_code, reason, lines, currency, amount_minor, effective_on, state,"
    " posting_id, proposed_by, proposed_at, decided_by, decided_at, decision FROM recon_adjustment "
)


def adjustments(tail: str, values: Sequence[Any]) -> list[AdjustmentRecord]:
    """The adjustments of a constant tail of SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_ADJUSTMENTS + tail, values)
        return [_adjustment(row) for row in cursor.fetchall()]


def _adjustment(row: Sequence[Any]) -> AdjustmentRecord:
    (key, exception, kind, code, reason, lines, currency, amount, day, state, posting, proposed_by, proposed_at,
     decided_by, decided_at, decision) = row  # fmt: skip
    return AdjustmentRecord(
        id=ids.to_public("adj", key), exception_id=ids.to_public("exc", exception), kind=kind, reason_code=code,
        reason=reason, lines=tuple(AdjustmentLine(**each) for each in as_json(lines)), currency=currency,
        amount_minor=amount, effective_on=day, state=state, posting_id=public("posting", posting),
        proposed_by=as_json(proposed_by), proposed_at=proposed_at, decided_by=as_json(decided_by),
        decided_at=decided_at, decision=decision,
    )  # fmt: skip


_DISPUTES: Final = (
    "SELECT id, exception_id, provider, claim, reason_code, reason, amount_minor, currency, state, answer_due_on,"
    " made_by, made_at, answered_by, answered_at, answer FROM recon_dispute "
)


def disputes(tail: str, values: Sequence[Any]) -> list[DisputeRecord]:
    """The disputes of a constant tail of SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_DISPUTES + tail, values)
        return [_dispute(row) for row in cursor.fetchall()]


def _dispute(row: Sequence[Any]) -> DisputeRecord:
    (key, exception, provider, claim, code, reason, amount, currency, state, due, made_by, made_at, answered_by,
     answered_at, answer) = row  # fmt: skip
    return DisputeRecord(
        id=ids.to_public("dsp", key), exception_id=ids.to_public("exc", exception), provider=provider, claim=claim,
        reason_code=code, reason=reason, amount_minor=amount, currency=currency, state=state, answer_due_on=due,
        made_by=as_json(made_by), made_at=made_at, answered_by=as_json(answered_by), answered_at=answered_at,
        answer=answer,
    )  # fmt: skip


def dump(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """What a jsonb column takes."""
    return json.dumps(value)
