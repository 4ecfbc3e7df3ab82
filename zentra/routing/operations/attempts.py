"""One try at one rail: begun once, answered by compare-and-set, however often and in whatever order answers come."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core.errors import DomainError
from zentra.core.ids import new_uuid, to_public, to_uuid
from zentra.routing.operations.routes import AttemptOpen
from zentra.routing.providers.types import ProviderAnswer
from zentra.routing.queries import ATTEMPT_COLUMNS, read_attempt
from zentra.routing.types import (
    AnswerEffect,
    AnswerKind,
    AttemptRecord,
    AttemptState,
    RecordedAnswer,
    RouteDecisionRecord,
    tell_of_attempt,
)

_S = AttemptState
# From which states an answer moves an attempt. `unavailable` only from `started`: once an outcome was unknown, a rail
# that is down now proves nothing about what it did before.
MOVES_FROM: Final[dict[AnswerKind, frozenset[AttemptState]]] = {
    AnswerKind.ACCEPTED: frozenset({_S.STARTED, _S.UNKNOWN}),
    AnswerKind.SUCCEEDED: frozenset({_S.STARTED, _S.UNKNOWN, _S.ACCEPTED}),
    AnswerKind.SETTLED: frozenset({_S.STARTED, _S.UNKNOWN, _S.ACCEPTED, _S.SUCCEEDED}),
    AnswerKind.DECLINED: frozenset({_S.STARTED, _S.UNKNOWN, _S.ACCEPTED}),
    AnswerKind.FAILED: frozenset({_S.STARTED, _S.UNKNOWN, _S.ACCEPTED}),
    AnswerKind.UNAVAILABLE: frozenset({_S.STARTED}),
    AnswerKind.UNKNOWN: frozenset({_S.STARTED, _S.UNKNOWN}),
    AnswerKind.NOT_FOUND: frozenset({_S.STARTED, _S.UNKNOWN}),
}
# Answers that cannot be true together with what is known: kept beside the attempt for a person to look at.
CONTRADICTS: Final[dict[AnswerKind, frozenset[AttemptState]]] = {
    AnswerKind.ACCEPTED: frozenset({_S.UNAVAILABLE, _S.NOT_FOUND}),
    AnswerKind.SUCCEEDED: frozenset({_S.UNAVAILABLE, _S.NOT_FOUND, _S.DECLINED, _S.FAILED}),
    AnswerKind.SETTLED: frozenset({_S.UNAVAILABLE, _S.NOT_FOUND, _S.DECLINED, _S.FAILED}),
    AnswerKind.DECLINED: frozenset({_S.SUCCEEDED, _S.SETTLED}),
    AnswerKind.FAILED: frozenset({_S.SUCCEEDED, _S.SETTLED}),
    AnswerKind.UNAVAILABLE: frozenset(),
    AnswerKind.UNKNOWN: frozenset(),
    AnswerKind.NOT_FOUND: frozenset({_S.ACCEPTED, _S.SUCCEEDED, _S.SETTLED}),
}


class AttemptUnknown(DomainError):
    """There is no such attempt in this workspace."""

    code = "attempt_unknown"
    status = 404
    title = "There is no such attempt"


def begin_attempt(*, decision: RouteDecisionRecord, now: datetime) -> AttemptRecord:
    """Begin the attempt of a decision, in the caller's transaction.

    A repeat answers the same attempt with ``is_new`` False: it may have been sent by whoever began it, so it is asked
    for (``ProviderRail.ask``) and not sent. Raises AttemptOpen when another attempt of the intent is live.
    """
    key = attempt_key(rail_id=decision.rail_id, intent_id=decision.intent_id, number=decision.number)
    decision_uuid = to_uuid(decision.id, prefix="rte")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO routing_attempt (id, decision_id, intent_id, rail_id, number, key, state, detail, asks,"
            " started_at) VALUES (%s, %s, %s, %s, %s, %s, 'started', '', 0, %s) ON CONFLICT DO NOTHING",
            [
                new_uuid(),
                decision_uuid,
                decision.intent_id,
                to_uuid(decision.rail_id, prefix="rail"),
                decision.number,
                key,
                now,
            ],
        )
        is_new = cursor.rowcount == 1
        cursor.execute(
            f"SELECT {ATTEMPT_COLUMNS} FROM routing_attempt a JOIN routing_rail r ON r.id = a.rail_id"  # noqa: S608  # our own words only
            " WHERE a.decision_id = %s",
            [decision_uuid],
        )
        row = cursor.fetchone()
    if row is None:
        raise AttemptOpen(f"Another attempt of {decision.intent_id} is not over.")
    attempt = read_attempt(row, is_new=is_new)
    if is_new:
        tell_of_attempt(attempt, now)
    return attempt


def attempt_key(*, rail_id: str, intent_id: str, number: int) -> str:
    """Our idempotency key at the rail. The connection id makes it unique among all workspaces of a provider."""
    return f"{rail_id}.{intent_id}.{number}"


def record_answer(*, attempt_id: str, answer: ProviderAnswer, now: datetime) -> RecordedAnswer:
    """Keep what a rail answered to us, by compare-and-set. Raises AttemptUnknown.

    The attempt that comes back says what stands: an answer that is late or contradicts it moved nothing.
    """
    return _record(
        attempt_uuid=to_uuid(attempt_id, prefix="att"),
        kind=answer.kind,
        provider_reference=answer.provider_reference,
        latency_ms=answer.latency_ms,
        detail=answer.detail,
        now=now,
    )


def record_outcome(*, key: str, outcome: AnswerKind, provider_reference: str | None, now: datetime) -> RecordedAnswer:
    """Keep what a verified callback said of the attempt that its ``reference`` names. Raises AttemptUnknown."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM routing_attempt WHERE key = %s", [key])
        row = cursor.fetchone()
    if row is None:
        raise AttemptUnknown(f"No attempt has the key {key[:200]!r}.")
    return _record(
        attempt_uuid=row[0],
        kind=outcome,
        provider_reference=provider_reference,
        latency_ms=None,
        detail=f"callback: {outcome.value}",
        now=now,
    )


_MOVE = f"""
    UPDATE routing_attempt a
       SET state = %(state)s, detail = %(detail)s, answered_at = %(now)s,
           provider_reference = coalesce(%(provider_reference)s, a.provider_reference),
           latency_ms = coalesce(a.latency_ms, %(latency_ms)s),
           asks = a.asks + (a.state = 'unknown' AND %(state)s = 'unknown')::int
      FROM routing_rail r
     WHERE r.id = a.rail_id AND a.id = %(id)s AND a.state = ANY (%(moves_from)s)
    RETURNING {ATTEMPT_COLUMNS}
"""  # noqa: S608  # our own words only
# What moves nothing may still tell how long the rail took, or that it contradicts itself (the first time is kept).
_NOTE = f"""
    UPDATE routing_attempt a
       SET latency_ms = coalesce(a.latency_ms, %(latency_ms)s),
           contradicted_at = CASE WHEN a.contradicted_by IS NULL AND a.state = ANY (%(contradicts)s) THEN %(now)s
                                  ELSE a.contradicted_at END,
           contradicted_by = CASE WHEN a.contradicted_by IS NULL AND a.state = ANY (%(contradicts)s) THEN %(state)s
                                  ELSE a.contradicted_by END
      FROM routing_rail r
     WHERE r.id = a.rail_id AND a.id = %(id)s
    RETURNING {ATTEMPT_COLUMNS}
"""  # noqa: S608  # our own words only


def _record(
    *,
    attempt_uuid: UUID,
    kind: AnswerKind,
    provider_reference: str | None,
    latency_ms: int | None,
    detail: str,
    now: datetime,
) -> RecordedAnswer:
    values: dict[str, Any] = {
        "id": attempt_uuid,
        "state": kind.value,
        "detail": _clean(detail),
        "provider_reference": _clean(provider_reference) if provider_reference is not None else None,
        "latency_ms": latency_ms,
        "now": now,
        "moves_from": [state.value for state in MOVES_FROM[kind]],
        "contradicts": [state.value for state in CONTRADICTS[kind]],
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)
        if row := cursor.fetchone():
            return RecordedAnswer(read_attempt(row), "applied")
        cursor.execute(_NOTE, values)
        row = cursor.fetchone()
    if row is None:
        raise AttemptUnknown(f"There is no attempt {to_public('att', attempt_uuid)}.")
    attempt = read_attempt(row)
    return RecordedAnswer(attempt, _effect(kind, attempt.state))


def _clean(words: str) -> str:
    """A provider's words as PostgreSQL can keep them: a NUL would refuse the answer for ever."""
    return "".join(char for char in words if char.isprintable())


def _effect(kind: AnswerKind, state: AttemptState) -> AnswerEffect:
    if state.value == kind.value:
        return "repeated"
    return "contradiction" if state in CONTRADICTS[kind] else "late"
