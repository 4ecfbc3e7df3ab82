"""Telling a provider that something is wrong, and what they answer. Until then the exception waits."""

import json
from datetime import date, datetime
from typing import Final, Literal

from django.db import connection

from evidence.operations import record_events
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.reconciliation.matching.desk import codes, events, people, store
from zentra.reconciliation.matching.desk.errors import ExceptionReasonInvalid, NoOpenDispute, ProposerCannotApprove
from zentra.reconciliation.matching.desk.types import ExceptionRecord
from zentra.tenants.permissions import Permission

_LONGEST_NAME: Final = 120


def dispute_exception(
    *,
    exception_id: str,
    provider: str,
    claim: str,
    reason_code: str,
    reason: str,
    answer_due_on: date,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> ExceptionRecord:
    """Keep that a provider was told: ``claim`` is the reference under which they find it. The exception waits.

    ``answer_due_on`` is a day of the workspace, today or later. Raises NoSuchException, ExceptionResolved,
    ExceptionWaiting, StaleException, ExceptionReasonInvalid, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = codes.check_reason(reason_code, reason, codes.DISPUTE)
    whom, reference = provider.strip()[:_LONGEST_NAME], claim.strip()[:_LONGEST_NAME]
    if not whom or not reference:
        raise ExceptionReasonInvalid("Say whom you asked, and under which reference they find it.")
    if answer_due_on < store.today(now):
        raise ExceptionReasonInvalid("The answer is due today or later.")
    found = store.lock_free(exception_id, now=now, version=version)
    dispute_id = ids.new_id("dsp")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_dispute (id, exception_id, provider, claim, reason_code, reason, amount_minor, currency,"
            " state, answer_due_on, made_by, made_at, answer)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s::jsonb, %s, '')",
            [
                ids.to_uuid(dispute_id, prefix="dsp"), store.key_of(found.id), whom, reference, reason_code, words,
                found.difference_minor or found.amount_minor, found.currency, answer_due_on,
                json.dumps(actor.as_dict()), now,
            ],
        )  # fmt: skip
    waiting = store.change(found, now=now, state="waiting")
    store.keep_step(found.id, "disputed", actor=actor, now=now, after=dispute_id, words=words)
    return waiting


def answer_dispute(
    *,
    exception_id: str,
    outcome: Literal["accepted", "rejected", "withdrawn"],
    answer: str,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> ExceptionRecord:
    """Keep what the provider answered. Accepted resolves the exception; else it is open again, as it was before.

    Above the workspace's limit somebody else than who disputed says that it was accepted. Raises ProposerCannotApprove,
    NoSuchException, ExceptionResolved, StaleException, NoOpenDispute, ExceptionReasonInvalid, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = answer.strip()[: codes.LONGEST_REASON]
    if not words or outcome not in ("accepted", "rejected", "withdrawn"):
        raise ExceptionReasonInvalid("Say what they answered; it is kept.")
    found = store.lock_unresolved(exception_id, now=now, version=version)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recon_dispute SET state = %s, answered_by = %s::jsonb, answered_at = %s, answer = %s"
            " WHERE exception_id = %s AND state = 'open' RETURNING reason_code, made_by ->> 'id'",
            [outcome, json.dumps(actor.as_dict()), now, words, store.key_of(found.id)],
        )
        row = cursor.fetchone()
    if row is None:
        raise NoOpenDispute("Nobody was asked, or they have answered already.")
    if outcome == "accepted" and people.takes_two(found):
        people.check_person(actor, Permission.RECONCILIATION_APPROVE)
        if row[1] in (actor.id, actor.maker):
            raise ProposerCannotApprove("You disputed it; another person says that it was accepted.")
    if outcome != "accepted":
        opened = store.change(found, now=now, state="open")
        store.keep_step(found.id, f"dispute_{outcome}", actor=actor, now=now, words=words)
        return opened
    ended = store.change(
        found, now=now, state="resolved", resolution="disputed", reason_code=row[0], reason=words,
        resolved_by=actor.as_dict(), resolved_at=now,
    )  # fmt: skip
    store.keep_step(found.id, "dispute_accepted", actor=actor, now=now, words=words)
    record_events(events=[events.resolved_event(ended, actor=actor)], now=now)
    return ended
