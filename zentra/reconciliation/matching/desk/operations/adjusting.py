"""Postings that resolve an exception: one person proposes, another lets through, and only then the ledger has them."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

from django.db import connection

from evidence.operations import record_events
from ledger.operations import post_entries, posting_event
from ledger.queries import find_account
from ledger.types import Line, Posted
from zentra.core import ids, telemetry
from zentra.core.actors import Actor
from zentra.core.money import check_amount_minor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk import codes, events, people, store
from zentra.reconciliation.matching.desk.errors import (
    AdjustmentDecided,
    ExceptionReasonInvalid,
    InvalidAdjustment,
    ProposerCannotApprove,
    WriteOffAboveLimit,
)
from zentra.reconciliation.matching.desk.gaps import gap_of, lines_for
from zentra.reconciliation.matching.desk.queries.adjustments import get_adjustment
from zentra.reconciliation.matching.desk.types import (
    AdjustmentKind,
    AdjustmentLine,
    AdjustmentRecord,
    ExceptionRecord,
)
from zentra.reconciliation.months import within_month
from zentra.tenants.configuration.queries import read_settings
from zentra.tenants.permissions import Permission

MOST_LINES: Final = 20
ADJUSTED: Final = "recon.adjusted"
"""The kind of work that pairs what an adjustment posted with its exception's line and entry; its ref is the id."""

_RESOLUTIONS: Final[dict[str, str]] = {"adjustment": "adjusted", "write_off": "written_off"}
_NOON: Final = time(12)


def propose_adjustment(
    *,
    exception_id: str,
    lines: Sequence[AdjustmentLine],
    reason_code: str,
    reason: str,
    effective_on: date,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> AdjustmentRecord:
    """Propose a balanced posting that closes the difference; nothing is posted until a second person lets it through.

    ``effective_on`` is a day of the workspace, not ahead. Raises NoSuchException, ExceptionResolved, ExceptionWaiting,
    StaleException, ExceptionReasonInvalid, InvalidAdjustment, UnknownAccount, InvalidAmount, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = codes.check_reason(reason_code, reason, codes.ADJUST)
    found = store.lock_free(exception_id, now=now, version=version)
    chosen = tuple(lines)
    amount = _check_lines(chosen, found)
    return _propose(
        found, kind="adjustment", lines=chosen, amount=amount, code=reason_code, words=words, day=effective_on,
        actor=actor, now=now,
    )  # fmt: skip


def propose_write_off(
    *,
    exception_id: str,
    reason_code: str,
    reason: str,
    effective_on: date,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> AdjustmentRecord:
    """Propose to give up the difference, within what the workspace's setting lets anybody write off.

    The lines follow from the exception. Raises what ``propose_adjustment`` does, and WriteOffAboveLimit.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = codes.check_reason(reason_code, reason, codes.WRITE_OFF)
    found = store.lock_free(exception_id, now=now, version=version)
    lines = lines_for(gap_of(found), against=codes.WRITE_OFF[reason_code].account)
    if not lines:
        raise InvalidAdjustment("There is no difference to write off.")
    _check_limit(lines[0].amount_minor)
    return _propose(
        found, kind="write_off", lines=lines, amount=lines[0].amount_minor, code=reason_code, words=words,
        day=effective_on, actor=actor, now=now,
    )  # fmt: skip


def _check_limit(amount_minor: int) -> None:
    most = read_settings(workspace_id=current_tenant().id).write_off_limit_minor
    if amount_minor > most:
        raise WriteOffAboveLimit(
            f"At most {most:,} minor units are written off here; propose an adjustment.",
            amount_minor=amount_minor, most_minor=most,
        )  # fmt: skip


def _check_lines(lines: tuple[AdjustmentLine, ...], found: ExceptionRecord) -> int:
    """The amount that moves; raises InvalidAdjustment, UnknownAccount, InvalidAmount."""
    if not 2 <= len(lines) <= MOST_LINES:  # a posting has two entries
        raise InvalidAdjustment(f"A posting has 2 to {MOST_LINES} lines.")
    sums = {"debit": 0, "credit": 0}
    accounts = set()
    for line in lines:
        if line.direction not in sums:
            raise InvalidAdjustment("A line is a debit or a credit.")
        sums[line.direction] += check_amount_minor(line.amount_minor)
        accounts.add(find_account(ref=line.account, currency=found.currency).code)
    if sums["debit"] != sums["credit"]:
        raise InvalidAdjustment(
            f"Debits are {sums['debit']:,} and credits {sums['credit']:,} minor units.",
            debit_minor=sums["debit"], credit_minor=sums["credit"],
        )  # fmt: skip
    if len(accounts) < 2:  # money moves from one account to another
        raise InvalidAdjustment("Money moves between two accounts at least.")
    touched = gap_of(found).account
    if touched not in accounts:
        raise InvalidAdjustment(f"One of the lines is of {touched}, which the exception is about.", account=touched)
    return sums["debit"]


def _propose(
    found: ExceptionRecord,
    *,
    kind: AdjustmentKind,
    lines: tuple[AdjustmentLine, ...],
    amount: int,
    code: str,
    words: str,
    day: date,
    actor: Actor,
    now: datetime,
) -> AdjustmentRecord:
    if day > store.today(now):
        raise InvalidAdjustment("It counts from today or from a day before.")
    adjustment_id = ids.new_id("adj")
    said = [{"account": each.account, "direction": each.direction, "amount_minor": each.amount_minor} for each in lines]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_adjustment (id, exception_id, kind, reason_code, reason, lines, currency, amount_minor,"
            " effective_on, state, proposed_by, proposed_at, decision)"
            " VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, 'proposed', %s::jsonb, %s, '')",
            [
                ids.to_uuid(adjustment_id, prefix="adj"), store.key_of(found.id), kind, code, words, json.dumps(said),
                found.currency, amount, day, json.dumps(actor.as_dict()), now,
            ],
        )  # fmt: skip
    waiting = store.change(found, now=now, state="waiting")
    store.keep_step(found.id, "proposed", actor=actor, now=now, before=kind, after=adjustment_id, words=words)
    proposed = get_adjustment(adjustment_id=adjustment_id)
    record_events(events=[events.adjustment_event(proposed, waiting, actor=actor)], now=now)
    return proposed


def approve_adjustment(*, adjustment_id: str, actor: Actor, now: datetime, note: str = "") -> AdjustmentRecord:
    """Let a proposed posting through: it is posted, and its exception resolved, in one transaction.

    Never by who proposed it. Raises NoSuchAdjustment, AdjustmentDecided, ProposerCannotApprove, DeskRoleRefused,
    ExceptionResolved (something else ended it: decline), WriteOffAboveLimit, and what ``ledger.post_entries`` does,
    ClosedPeriod among it: a posting into a locked period is refused.
    """
    people.check_person(actor, Permission.RECONCILIATION_APPROVE)
    asked = get_adjustment(adjustment_id=adjustment_id)
    found = store.lock_unresolved(asked.exception_id, now=now, version=None)
    proposed = _still_proposed(adjustment_id)
    if proposed.proposed_by.get("id") in (actor.id, actor.maker):
        raise ProposerCannotApprove("You proposed it; another person has to let it through.")
    if proposed.kind == "write_off":
        _check_limit(proposed.amount_minor)
    posted = _post(proposed, found, actor=actor, now=now)
    approved = _decide(proposed, state="posted", actor=actor, now=now, words=note, posting_id=posted.posting_id)
    ended = store.change(
        found, now=now, state="resolved", resolution=_RESOLUTIONS[proposed.kind], reason_code=proposed.reason_code,
        reason=proposed.reason, resolved_by=actor.as_dict(), resolved_at=now,
    )  # fmt: skip
    _give_up_expected(found, now)
    store.keep_step(found.id, "posted", actor=actor, now=now, before=proposed.id, after=posted.posting_id, words=note)
    record_events(
        events=[
            posting_event(posted, actor=actor, intent_id=None, trace_id=telemetry.trace_id()),
            events.adjustment_event(approved, ended, actor=actor),
            events.resolved_event(ended, actor=actor, adjustment_id=approved.id, posting_id=posted.posting_id),
        ],
        now=now,
    )
    enqueue(workspace_id=current_tenant().id, kind=ADJUSTED, ref=approved.id, due_at=now)
    return approved


def decline_adjustment(*, adjustment_id: str, reason: str, actor: Actor, now: datetime) -> AdjustmentRecord:
    """Refuse a proposed posting, or take one's own back; the exception is open again.

    Raises NoSuchAdjustment, AdjustmentDecided, ExceptionReasonInvalid, DeskRoleRefused.
    """
    asked = get_adjustment(adjustment_id=adjustment_id)
    is_own = asked.proposed_by.get("id") == actor.id
    people.check_person(actor, Permission.RECONCILIATION_MATCH if is_own else Permission.RECONCILIATION_APPROVE)
    words = reason.strip()[: codes.LONGEST_REASON]
    if not words:
        raise ExceptionReasonInvalid("Say why; the reason is kept.")
    found = store.lock(asked.exception_id, now=now)
    proposed = _still_proposed(adjustment_id)
    declined = _decide(proposed, state="declined", actor=actor, now=now, words=words, posting_id=None)
    opened = found if found.is_resolved else store.change(found, now=now, state="open")
    store.keep_step(
        found.id, "withdrawn" if is_own else "declined", actor=actor, now=now, before=proposed.id, words=words
    )
    record_events(events=[events.adjustment_event(declined, opened, actor=actor)], now=now)
    return declined


def _still_proposed(adjustment_id: str) -> AdjustmentRecord:
    """The proposal, read under the lock of its exception; raises AdjustmentDecided."""
    proposed = get_adjustment(adjustment_id=adjustment_id)
    if proposed.state != "proposed":
        raise AdjustmentDecided(
            f"It was {proposed.state}.", state=proposed.state, decided_by=(proposed.decided_by or {}).get("id")
        )
    return proposed


def _post(proposed: AdjustmentRecord, found: ExceptionRecord, *, actor: Actor, now: datetime) -> Posted:
    """The posting itself. Its purpose begins with ``adjustment.``, which a softly closed period still takes."""
    day = proposed.effective_on
    # Noon of its day, but in the month of its day: a month ends at its own cut-off, which may come before noon.
    counts_from = min(now, within_month(day=day, at=datetime.combine(day, _NOON, tzinfo=store.zone())))
    metadata: dict[str, Any] = {
        "adjustment_id": proposed.id, "exception_id": found.id, "reason_code": proposed.reason_code,
    }  # fmt: skip
    if found.intent_id:
        metadata["intent_id"] = found.intent_id
    return post_entries(
        lines=[
            Line(account=each.account, direction=each.direction, amount_minor=each.amount_minor)
            for each in proposed.lines
        ],
        currency=proposed.currency,
        posting_id=ids.new_id("posting"),
        purpose=f"adjustment.{proposed.kind}",
        actor=actor,
        correlation_id=proposed.id,
        recorded_at=now,
        effective_at=counts_from,
        idempotency_key=proposed.id,
        description=codes.title_of(proposed.kind, proposed.reason_code),
        metadata=metadata,
        external_reference=proposed.id,
    )


def _give_up_expected(found: ExceptionRecord, now: datetime) -> None:
    """What was expected and is posted otherwise by now is no longer waited for."""
    if found.expected_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recon_expected SET state = 'written_off', changed_at = %s"
            " WHERE id = %s AND state IN ('expected', 'missing')",
            [now, ids.to_uuid(found.expected_id, prefix="exd")],
        )


def _decide(
    proposed: AdjustmentRecord, *, state: str, actor: Actor, now: datetime, words: str, posting_id: str | None
) -> AdjustmentRecord:
    """Compare-and-set on the state; raises AdjustmentDecided."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recon_adjustment SET state = %s, posting_id = %s, decided_by = %s::jsonb, decided_at = %s,"
            " decision = %s WHERE id = %s AND state = 'proposed'",
            [
                state, ids.to_uuid(posting_id, prefix="posting") if posting_id else None, json.dumps(actor.as_dict()),
                now, words.strip()[: codes.LONGEST_REASON], ids.to_uuid(proposed.id, prefix="adj"),
            ],
        )  # fmt: skip
        if cursor.rowcount != 1:
            raise AdjustmentDecided("Somebody decided in the meantime.")
    return get_adjustment(adjustment_id=proposed.id)
