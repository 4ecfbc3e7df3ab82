"""Reads of routing. All but `find_connection` run inside `tenant_work`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from zentra.core import clock
from zentra.core.crypto import decrypt
from zentra.core.ids import BadId, to_public, to_uuid
from zentra.core.tenancy import current_tenant
from zentra.routing.directory.queries import find_connection
from zentra.routing.errors import RailUnknown
from zentra.routing.models import OutgoingPause, Rail, RailSecret, RouteDecision
from zentra.routing.schemes import STANDARD_WEBHOOKS, CallbackScheme, SchemeName
from zentra.routing.types import (
    LIVE_WORDS,
    AttemptRecord,
    AttemptState,
    CallbackKeys,
    Candidate,
    HealthRecord,
    PauseRecord,
    RailRecord,
    RailSecretRecord,
    RailState,
    Registration,
    RouteDecisionRecord,
)

__all__ = [
    "bank_account_of",
    "callback_keys",
    "callback_secrets",
    "find_attempt",
    "find_attempt_by_key",
    "find_attempts_by_keys",
    "find_connection",
    "find_open_attempt",
    "find_rail",
    "get_callback_scheme",
    "list_attempts",
    "list_decisions",
    "list_health",
    "list_pauses",
    "list_rail_secrets",
    "list_rails",
    "list_registrations",
    "provider_references",
    "read_attempt",
]

SIMULATED: Final = "sandbox"
"""The provider of the simulated rails."""

ATTEMPT_COLUMNS = (
    "a.id, a.decision_id, a.intent_id, a.rail_id, r.name, a.number, a.key, a.state, a.provider_reference, a.latency_ms,"
    " a.detail, a.asks, a.started_at, a.answered_at, a.contradicted_by"
)
_ATTEMPTS = f"SELECT {ATTEMPT_COLUMNS} FROM routing_attempt a JOIN routing_rail r ON r.id = a.rail_id "  # noqa: S608  # our own words only


def read_attempt(row: Sequence[Any], *, is_new: bool = False) -> AttemptRecord:
    """The record of a row of ATTEMPT_COLUMNS."""
    attempt_id, decision_id, intent_id, rail_id, rail, number, key, state, *rest = row
    ids = to_public("att", attempt_id), to_public("rte", decision_id), intent_id, to_public("rail", rail_id)
    record = AttemptRecord(*ids, rail, number, key, AttemptState(state), *rest)
    return replace(record, is_new=True) if is_new else record


def find_rail(*, rail: str) -> RailRecord:
    """A rail by id (``rail_01…``) or by name (``rail_a``). Raises RailUnknown."""
    try:
        found = Rail.objects.filter(id=to_uuid(rail, prefix="rail")).first()
    except BadId:
        found = Rail.objects.filter(name=rail).first()
    if found is None:
        raise RailUnknown(f"{rail[:80]!r} is no rail of this workspace.")
    return _read_rail(found)


def list_rails() -> list[RailRecord]:
    """The workspace's rails by name."""
    return [_read_rail(rail) for rail in Rail.objects.order_by("name")]


def callback_keys(*, rail_id: str, now: datetime) -> CallbackKeys:
    """How this rail's callbacks are signed and by what; without secrets for an unknown rail.

    The current secret comes first, then those that end later. Raises BadId for text that is no id.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.callback_scheme, r.callback_settings::text, s.secret_encrypted FROM routing_rail r"
            " JOIN routing_rail_secret s ON s.rail_id = r.id AND (s.retired_at IS NULL OR s.retired_at > %s)"
            " WHERE r.id = %s ORDER BY s.retired_at DESC NULLS FIRST, s.id DESC",
            [now, to_uuid(rail_id, prefix="rail")],
        )
        rows = cursor.fetchall()
    if not rows:
        return CallbackKeys(STANDARD_WEBHOOKS, ())
    scheme = CallbackScheme(rows[0][0], json.loads(rows[0][1]))
    return CallbackKeys(scheme, tuple(decrypt(bytes(row[2])).decode() for row in rows))


def callback_secrets(*, rail_id: str, now: datetime | None = None) -> list[str]:
    """Every secret that may sign this rail's callbacks now, the current one first; empty for an unknown rail."""
    return list(callback_keys(rail_id=rail_id, now=now or clock.now()).secrets)


def get_callback_scheme(*, rail_id: str) -> CallbackScheme:
    """How a rail's callbacks are signed. Raises RailUnknown."""
    return find_rail(rail=rail_id).scheme


def list_rail_secrets(*, rail_id: str, now: datetime) -> list[RailSecretRecord]:
    """The secrets that are valid now, the current one first, without their text. Raises RailUnknown."""
    rail = find_rail(rail=rail_id)
    rows = RailSecret.objects.filter(Q(retired_at=None) | Q(retired_at__gt=now), rail_id=rail.id)
    return [read_secret(row=row) for row in rows.order_by(F("retired_at").desc(nulls_first=True), "-id")]


def read_secret(*, row: RailSecret) -> RailSecretRecord:
    """The record of a secret: enough of its end to tell it from another, as the provider's own page does."""
    hint = "…" + decrypt(bytes(row.secret_encrypted)).decode()[-4:]
    return RailSecretRecord(str(row.id), hint, row.created_at, row.retired_at)


def list_registrations(*, callback_base_url: str) -> list[Registration]:
    """What each simulated rail must be told. ``callback_base_url`` is our own root, as the rails reach it."""
    return [
        Registration(
            base_url=rail.base_url,
            connection_id=rail.id,
            callback_url=f"{callback_base_url.rstrip('/')}/v1/providers/{rail.id}/callbacks",
            secret=callback_secrets(rail_id=rail.id)[0],
            scheme=rail.scheme,
            bank_account=bank_account_of(workspace_id=current_tenant().id),
        )
        for rail in list_rails()
        if rail.provider == SIMULATED
    ]


def bank_account_of(*, workspace_id: UUID) -> str:
    """The workspace's account at the simulated bank, of every currency: at most 34 characters, as ISO 20022 wants."""
    return f"ZB{workspace_id.hex[-16:].upper()}"


def list_decisions(*, intent_id: str) -> list[RouteDecisionRecord]:
    """Why which rail was chosen for an intent, first decision first."""
    rows = RouteDecision.objects.filter(intent_id=intent_id).select_related("rail").order_by("number")
    return [
        RouteDecisionRecord(
            id=row.id,
            intent_id=row.intent_id,
            number=row.number,
            kind=row.kind,
            corridor=row.corridor,
            amount_minor=row.amount_minor,
            currency=row.currency,
            rail_id=row.rail.id,
            rail=row.rail.name,
            candidates=tuple(Candidate.from_dict(words) for words in row.candidates),
            why=row.why,
            decided_at=row.decided_at,
        )
        for row in rows
    ]


def list_attempts(*, intent_id: str) -> list[AttemptRecord]:
    """The tries of an intent, first one first."""
    return _select_attempts("WHERE a.intent_id = %s ORDER BY a.number", [intent_id])


def provider_references(*, intent_ids: Sequence[str]) -> dict[str, str]:
    """By which reference the provider knows these intents, each of its last try that has one; others are left out."""
    if not intent_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (intent_id) intent_id, provider_reference FROM routing_attempt"
            " WHERE intent_id = ANY(%s) AND provider_reference <> '' ORDER BY intent_id, number DESC",
            [list(intent_ids)],
        )
        return dict(cursor.fetchall())


def attempts_of_intents(*, intent_ids: Sequence[str]) -> dict[str, list[AttemptRecord]]:
    """The same of several intents in one statement, by intent; one that was never tried is left out."""
    found: dict[str, list[AttemptRecord]] = {}
    for attempt in _select_attempts("WHERE a.intent_id = ANY(%s) ORDER BY a.intent_id, a.number", [list(intent_ids)]):
        found.setdefault(attempt.intent_id, []).append(attempt)
    return found


def find_attempt(*, attempt_id: str) -> AttemptRecord | None:
    """An attempt by its id; raises BadId for text that is none."""
    return _first(_select_attempts("WHERE a.id = %s", [to_uuid(attempt_id, prefix="att")]))


def find_attempt_by_key(*, key: str) -> AttemptRecord | None:
    """The attempt that a callback's ``reference`` names."""
    return _first(_select_attempts("WHERE a.key = %s", [key]))


def find_attempts_by_keys(*, keys: Sequence[str]) -> list[AttemptRecord]:
    """The attempts that these references name, in no order; what names none is left out."""
    return _select_attempts("WHERE a.key = ANY(%s)", [list(keys)]) if keys else []


def find_open_attempt(*, intent_id: str) -> AttemptRecord | None:
    """The one attempt of an intent under which money may have moved or may yet move, settled ones included."""
    attempts = _select_attempts("WHERE a.intent_id = %s AND a.state = ANY(%s)", [intent_id, LIVE_WORDS])
    return _first(attempts)


def list_health() -> list[HealthRecord]:
    """Each rail's recent behaviour, as last measured, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, r.name, r.state, EXISTS (SELECT FROM routing_outgoing_pause p WHERE p.resumed_at IS NULL"
            " AND (p.rail_id = r.id OR p.rail_id IS NULL)), coalesce(h.samples, 0), coalesce(h.answered, 0), h.p95_ms,"
            " h.measured_at FROM routing_rail r LEFT JOIN routing_rail_health h ON h.rail_id = r.id ORDER BY r.name"
        )
        rows = cursor.fetchall()
    return [_read_health(*row) for row in rows]


def list_pauses(*, only_open: bool = True) -> list[PauseRecord]:
    """Stops of outgoing money, newest first."""
    rows = OutgoingPause.objects.select_related("rail").order_by("-paused_at", "-id")
    return [read_pause(row) for row in (rows.filter(resumed_at=None) if only_open else rows)]


def read_pause(row: OutgoingPause) -> PauseRecord:
    """The record of a pause whose rail was selected with it."""
    return PauseRecord(
        id=str(row.id),
        rail_id=row.rail.id if row.rail else None,
        rail=row.rail.name if row.rail else None,
        reason=row.reason,
        paused_by=row.paused_by,
        paused_at=row.paused_at,
        resumed_by=row.resumed_by,
        resumed_at=row.resumed_at,
        resume_reason=row.resume_reason,
    )


def _first(attempts: list[AttemptRecord]) -> AttemptRecord | None:
    return attempts[0] if attempts else None


def _select_attempts(condition: str, values: list[Any]) -> list[AttemptRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS + condition, values)
        return [read_attempt(row) for row in cursor.fetchall()]


def _read_rail(row: Rail) -> RailRecord:
    scheme = CallbackScheme(cast(SchemeName, row.callback_scheme), row.callback_settings)
    return RailRecord(row.id, row.name, row.provider, row.base_url, RailState(row.state), row.default_scenario, scheme)


def _read_health(
    rail_id: UUID,
    rail: str,
    state: str,
    is_paused: bool,
    samples: int,
    answered: int,
    p95_ms: int | None,
    measured_at: datetime | None,
) -> HealthRecord:
    rate = answered * 10_000 // samples if samples else None
    public = to_public("rail", rail_id)
    return HealthRecord(public, rail, RailState(state), is_paused, samples, answered, rate, p95_ms, measured_at)
