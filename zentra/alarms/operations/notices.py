"""Sending what is queued: claim, send, finish. No transaction is open while a server is spoken to.

A claim counts as an attempt and holds for a while; who loses it (killed, or too slow) cannot finish it any more.
A sender killed between sending and finishing sends once more: at least once, under the same message id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection, transaction

from zentra.alarms.models import Notice
from zentra.alarms.operations.telling import drop_overtaken
from zentra.core import ids

LEASE: Final = timedelta(minutes=3)
RETRIES: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600, 7200))
"""The pause after each failed attempt; after the last one the message has failed."""

Outcome = Literal["sent", "failed", "kept"]

_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM alarms_notice
     WHERE state = 'queued' AND next_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s)
     ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE alarms_notice n SET claim_id = %s, claimed_until = %s, attempts = n.attempts + 1
  FROM due, alarms_channel c
 WHERE n.id = due.id AND c.id = n.channel_id
RETURNING n.id, n.claim_id, n.attempts, n.claimed_until, n.alarm_id, n.step, c.id, c.kind, c.target, c.secret,
          n.subject, n.body
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one message until ``until``, and all that it takes."""

    notice_id: str
    id: UUID
    number: int
    until: datetime
    alarm_id: str | None
    step: str
    channel_id: str
    kind: Literal["mail", "webhook"]
    target: str
    sealed_secret: bytes = field(repr=False)
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one try. ``is_final`` errors are not tried again."""

    outcome: Outcome
    error: str = ""
    is_final: bool = False


def claim_notices(*, now: datetime, limit: int = 10) -> list[Claim]:
    """Claim what is due, the longest waiting first; two processes never claim the same."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        drop_overtaken(now=now)
        cursor.execute(_CLAIM, [now, now, limit, ids.new_uuid(), now + LEASE])
        return [_claim(row) for row in cursor.fetchall()]


def finish_notice(*, claim: Claim, result: Result, now: datetime) -> bool:
    """Write what came of it; False when the claim was lost, and then nothing is changed."""
    change: dict[str, Any] = {"claim_id": None, "claimed_until": None, "error": result.error[:500]}
    if result.outcome == "failed" and not result.is_final and claim.number <= len(RETRIES):
        change |= {"next_at": now + RETRIES[claim.number - 1]}
    else:
        change |= {"state": result.outcome, "next_at": None, "done_at": now}
    return Notice.objects.filter(id=claim.notice_id, claim_id=claim.id, state="queued").update(**change) == 1


def release_notices(*, claims: Sequence[Claim]) -> None:
    """Give back what was claimed and not tried: no attempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE alarms_notice SET claim_id = NULL, claimed_until = NULL, attempts = attempts - 1"
            " WHERE id = ANY(%s) AND claim_id = ANY(%s)",
            [[ids.to_uuid(each.notice_id, prefix="ntc") for each in claims], [each.id for each in claims]],
        )


def _claim(row: Sequence[Any]) -> Claim:
    notice_id, claim_id, number, until, alarm_id, step, channel_id, kind, target, secret, subject, body = row
    return Claim(
        notice_id=ids.to_public("ntc", notice_id),
        id=claim_id,
        number=number,
        until=until,
        alarm_id=ids.to_public("alm", alarm_id) if alarm_id else None,
        step=step,
        channel_id=ids.to_public("chn", channel_id),
        kind=kind,
        target=target,
        sealed_secret=bytes(secret),
        subject=subject,
        body=body,
    )
