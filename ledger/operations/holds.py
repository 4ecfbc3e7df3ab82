"""Holds: funds reserved and not settled yet, and two-phase postings. Each change is one call of the posting function.

A hold is a family of postings. A pending one reserves: what it takes no longer counts as available. A released one
takes that away again, and a capture is a release together with the posting that moves the money. So nothing is ever
changed or deleted, both books (posted and pending) balance at every moment, and the hold's amounts and state follow
from its entries, by trigger. Whoever changes a hold locks its row first, then the accounts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django.db import connection

from evidence.operations import record_events
from ledger.errors import HoldClosed, HoldNotFound, InvalidHold, OverCapture, OverRelease
from ledger.operations.events import hold_event
from ledger.operations.hold_entries import (
    accounts_of,
    entries_of_capture,
    entries_of_release,
    posting_of_step,
    taken_out,
)
from ledger.operations.postings import post_batch, post_postings
from ledger.queries.accounts import find_account
from ledger.queries.holds import get_hold, read_holds
from ledger.types import (
    AccountRecord,
    BatchItem,
    HoldChange,
    HoldRecord,
    Line,
    NewPosting,
    Posted,
    PostingFacts,
)
from zentra.core import clock, ids, telemetry
from zentra.core.actors import Actor
from zentra.core.money import check_amount_minor

_WORDS_LIMIT: Final = 500
_StepKind = Literal["placed", "increased", "captured", "released", "expired", "extended", "reviewed"]


@dataclass(frozen=True, slots=True)
class Step:
    """Who changes a hold, when, and for which request."""

    actor: Actor
    now: datetime
    correlation_id: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that was taken on a hold, to be kept and told."""

    hold_id: str
    kind: _StepKind
    reason: str
    amount_minor: int | None = None
    postings: tuple[Posted, ...] = ()


def place_hold(
    *,
    account: str,
    amount_minor: int,
    reference: str,
    source: str,
    actor: Actor,
    now: datetime,
    correlation_id: str,
    destination: str = "reserved_balance",
    currency: str | None = None,
    release_condition: str = "",
    expires_at: datetime | None = None,
    intent_id: str | None = None,
    idempotency_key: str | None = None,
    metadata: Mapping[str, object] | None = None,
) -> HoldChange:
    """Reserve funds of an account for a later capture to ``destination`` (its code or id); records ``hold.placed``.

    The funds must be there: a hold never draws overdraft, whatever the account's floor. ``source`` is the request that
    asks (an intent, an authorization …), ``release_condition`` says in words when it ends, ``expires_at`` when it ends
    by itself. Raises InvalidHold, UnknownAccount, InsufficientFunds, and what ``post_entries`` does.
    """
    held = find_account(ref=account, currency=currency)
    into = find_account(ref=destination, currency=held.currency)
    _check_words(reference=reference, source=source, release_condition=release_condition)
    _check_expiry(expires_at, now)
    step = Step(actor, now, correlation_id, idempotency_key)
    hold_id = _insert(
        kind="hold", reference=reference, account=held, destination=into, source=source, step=step,
        release_condition=release_condition, expires_at=expires_at, intent_id=intent_id, metadata=metadata,
    )  # fmt: skip
    posting = posting_of_step(
        hold_id=hold_id, step="hold.place", lines=taken_out(held=held, into=into, amount_minor=amount_minor),
        currency=held.currency, now=now, description=reference, state="pending",
    )  # fmt: skip
    return _moved(hold_id, [posting], step, kind="placed", amount_minor=amount_minor, intent_id=intent_id)


def place_posting(
    *,
    lines: Sequence[Line],
    currency: str,
    reference: str,
    source: str,
    actor: Actor,
    now: datetime,
    correlation_id: str,
    description: str = "",
    release_condition: str = "",
    expires_at: datetime | None = None,
    intent_id: str | None = None,
    idempotency_key: str | None = None,
    metadata: Mapping[str, object] | None = None,
) -> HoldChange:
    """Write a two-phase posting: its entries are pending until it is captured (posted) or released (voided), whole.

    All entries are of one currency. Raises InvalidHold and what ``post_entries`` does.
    """
    debit = next((line for line in lines if line.direction == "debit"), None)
    credit = next((line for line in lines if line.direction == "credit"), None)
    if debit is None or credit is None or any(line.currency not in {None, currency} for line in lines):
        raise InvalidHold("A pending posting has a debit and a credit, all in one currency.")
    _check_words(reference=reference, source=source, release_condition=release_condition)
    _check_expiry(expires_at, now)
    step = Step(actor, now, correlation_id, idempotency_key)
    hold_id = _insert(
        kind="posting", reference=reference, account=find_account(ref=debit.account, currency=currency),
        destination=find_account(ref=credit.account, currency=currency), source=source, step=step,
        release_condition=release_condition, expires_at=expires_at, intent_id=intent_id, metadata=metadata,
    )  # fmt: skip
    posting = posting_of_step(
        hold_id=hold_id, step="hold.place", lines=lines, currency=currency, now=now,
        description=description or reference, state="pending",
    )  # fmt: skip
    total = sum(line.amount_minor for line in lines if line.direction == "debit")
    return _moved(hold_id, [posting], step, kind="placed", amount_minor=total, intent_id=intent_id)


def increase_hold(
    *,
    hold_id: str,
    amount_minor: int,
    reason: str,
    actor: Actor,
    now: datetime,
    correlation_id: str,
    idempotency_key: str | None = None,
) -> HoldChange:
    """Hold more for the same reason. Raises HoldNotFound, HoldClosed, InvalidHold, InsufficientFunds."""
    hold = _lock(hold_id)
    if hold.kind != "hold":
        raise InvalidHold(f"{hold_id} is a two-phase posting: it is settled or released whole.", hold_id=hold_id)
    held, into = accounts_of(hold=hold)
    step = Step(actor, now, correlation_id, idempotency_key)
    posting = posting_of_step(
        hold_id=hold_id, step="hold.increase", lines=taken_out(held=held, into=into, amount_minor=amount_minor),
        currency=hold.currency, now=now, description=reason, state="pending",
    )  # fmt: skip
    return _moved(
        hold_id, [posting], step, kind="increased", amount_minor=amount_minor, reason=reason, intent_id=hold.intent_id
    )


def capture_hold(
    *,
    hold_id: str,
    actor: Actor,
    now: datetime,
    correlation_id: str,
    amount_minor: int | None = None,
    destination: str | None = None,
    release_rest: bool = False,
    idempotency_key: str | None = None,
    description: str = "",
) -> HoldChange:
    """Move held money: all that is left, or a part of it; with ``release_rest`` what is left then is given back.

    What was held was covered, so a capture is never refused for want of funds. Records ``hold.captured``. Raises
    HoldNotFound, HoldClosed, OverCapture (with what is left), InvalidHold, AccountFrozen, AccountClosed.
    """
    hold = _lock(hold_id)
    amount = hold.remaining_minor if amount_minor is None else check_amount_minor(amount_minor)
    if amount > hold.remaining_minor:
        raise OverCapture(
            f"{amount} is more than the {hold.remaining_minor} that {hold_id} still holds.",
            hold_id=hold_id, asked_minor=amount, remaining_minor=hold.remaining_minor, held_minor=hold.amount_minor,
            captured_minor=hold.captured_minor,
        )  # fmt: skip
    freed_minor = hold.remaining_minor if release_rest else amount
    freed, moved = entries_of_capture(hold=hold, amount_minor=amount, destination=destination, freed_minor=freed_minor)
    words = description or f"Captured from {hold.reference}"
    facts: dict[str, Any] = {"hold_id": hold_id, "currency": hold.currency, "now": now, "description": words}
    postings = [
        posting_of_step(step="hold.free", lines=freed, state="released", **facts),
        posting_of_step(step="hold.capture", lines=moved, state="posted", **facts),
    ]
    step = Step(actor, now, correlation_id, idempotency_key)
    return _moved(
        hold_id, postings, step, kind="captured", amount_minor=amount, reason=description, intent_id=hold.intent_id
    )


def release_hold(
    *,
    hold_id: str,
    reason: str,
    actor: Actor,
    now: datetime,
    correlation_id: str,
    amount_minor: int | None = None,
    idempotency_key: str | None = None,
) -> HoldChange:
    """Give back what is held, or a part of it; the release entry is kept. Records ``hold.released``.

    Raises HoldNotFound, HoldClosed, OverRelease, InvalidHold.
    """
    hold = _lock(hold_id)
    amount = hold.remaining_minor if amount_minor is None else check_amount_minor(amount_minor)
    if amount > hold.remaining_minor:
        raise OverRelease(
            f"{amount} is more than the {hold.remaining_minor} that {hold_id} still holds.",
            hold_id=hold_id, asked_minor=amount, remaining_minor=hold.remaining_minor,
        )  # fmt: skip
    _check_reason(reason)
    posting = posting_of_step(
        hold_id=hold_id, step="hold.release", lines=entries_of_release(hold=hold, amount_minor=amount),
        currency=hold.currency, now=now, description=reason, state="released",
    )  # fmt: skip
    step = Step(actor, now, correlation_id, idempotency_key)
    return _moved(
        hold_id, [posting], step, kind="released", amount_minor=amount, reason=reason, intent_id=hold.intent_id
    )


def expire_holds(*, now: datetime, actor: Actor, limit: int = 200) -> int:
    """Give back what is held past its expiry; how many holds ended. Records ``hold.expired`` for each.

    Any number may run at once: a hold that somebody else is changing is left for the next round. A hold whose release
    is refused does not stop the others and stays visible.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM ledger_hold WHERE state = 'held' AND expires_at <= %s ORDER BY expires_at, id LIMIT %s"
            " FOR UPDATE SKIP LOCKED",
            [now, limit],
        )
        due_ids = [ids.to_public("hold", row[0]) for row in cursor.fetchall()]
    if not due_ids:
        return 0
    found = read_holds(hold_ids=due_ids)
    due = [found[hold_id] for hold_id in due_ids]
    # One call for all, so that accounts are locked in one order, and told at once, while those locks are held.
    items = [_expiry(hold, actor, now) for hold in due]
    ended = [
        _Taken(hold.id, "expired", item.posting.description, hold.remaining_minor, (answer,))
        for hold, item, answer in zip(due, items, post_batch(items=items, is_atomic=False), strict=True)
        if isinstance(answer, Posted)
    ]
    if ended:
        _tell(ended, actor=actor, now=now)
    return len(ended)


def _expiry(hold: HoldRecord, actor: Actor, now: datetime) -> BatchItem:
    posting = posting_of_step(
        hold_id=hold.id, step="hold.expire", lines=entries_of_release(hold=hold, amount_minor=hold.remaining_minor),
        currency=hold.currency, now=now, description=f"Expired at {hold.expires_at:%Y-%m-%d %H:%M:%S} UTC",
        state="released",
    )  # fmt: skip
    return BatchItem(
        posting,
        PostingFacts(actor=actor, recorded_at=now, correlation_id=f"expiry-{hold.id}", intent_id=hold.intent_id),
    )


def extend_hold(*, hold_id: str, expires_at: datetime | None, reason: str, actor: Actor, now: datetime) -> HoldChange:
    """Let a hold end later (or, with None, not by itself). Raises HoldNotFound, HoldClosed, InvalidHold."""
    _check_reason(reason)
    _check_expiry(expires_at, now)
    hold = _lock(hold_id)
    if hold.expires_at is not None and expires_at is not None and expires_at < hold.expires_at:
        raise InvalidHold(
            f"{hold_id} ends at {clock.iso(hold.expires_at)}: it can end later, or be released now.",
            expires_at=clock.iso(hold.expires_at),
            asked=clock.iso(expires_at),
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_hold SET expires_at = %s WHERE id = %s", [expires_at, ids.to_uuid(hold_id, prefix="hold")]
        )
    return _tell([_Taken(hold_id, "extended", reason)], actor=actor, now=now)[0]


def review_hold(*, hold_id: str, note: str, actor: Actor, now: datetime) -> HoldChange:
    """Keep that a person has looked at a hold and what they found. Raises HoldNotFound, HoldClosed, InvalidHold."""
    _check_reason(note)
    _lock(hold_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_hold SET reviewed_by = %s::jsonb, reviewed_at = %s, review_note = %s WHERE id = %s",
            [json.dumps(actor.as_dict()), now, note, ids.to_uuid(hold_id, prefix="hold")],
        )
    return _tell([_Taken(hold_id, "reviewed", note)], actor=actor, now=now)[0]


def _moved(
    hold_id: str,
    postings: Sequence[NewPosting],
    step: Step,
    *,
    kind: _StepKind,
    amount_minor: int,
    intent_id: str | None,
    reason: str = "",
) -> HoldChange:
    """Write the postings of a step, keep the step, and record its event."""
    facts = PostingFacts(
        actor=step.actor, recorded_at=step.now, correlation_id=step.correlation_id, intent_id=intent_id,
        idempotency_key=step.idempotency_key,
    )  # fmt: skip
    posted = post_postings(postings=postings, facts=facts)
    return _tell([_Taken(hold_id, kind, reason, amount_minor, tuple(posted))], actor=step.actor, now=step.now)[0]


def _tell(taken: Sequence[_Taken], *, actor: Actor, now: datetime) -> list[HoldChange]:
    """Keep the steps and record their events, in three statements however many there are."""
    holds = read_holds(hold_ids=[each.hold_id for each in taken])
    changes = [HoldChange(hold=holds[each.hold_id], postings=each.postings) for each in taken]
    last = [each.postings[-1].posting_id if each.postings else None for each in taken]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_hold_event (id, hold_id, kind, amount_minor, posting_id, expires_at, reason, actor,"
            " recorded_at) SELECT n.*, %s::jsonb, %s FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bigint[],"
            " %s::uuid[], %s::timestamptz[], %s::text[]) AS n",
            [
                json.dumps(actor.as_dict()), now, [ids.new_uuid() for _ in taken],
                [ids.to_uuid(each.hold_id, prefix="hold") for each in taken], [each.kind for each in taken],
                [each.amount_minor for each in taken],
                [posting_id and ids.to_uuid(posting_id, prefix="posting") for posting_id in last],
                [change.hold.expires_at for change in changes], [each.reason for each in taken],
            ],
        )  # fmt: skip
    events = [
        hold_event(
            hold=change.hold, kind=each.kind, amount_minor=each.amount_minor, postings=each.postings, actor=actor,
            reason=each.reason, trace_id=telemetry.trace_id(), now=now,
        )
        for each, change in zip(taken, changes, strict=True)
    ]  # fmt: skip
    record_events(events=events, now=now)
    return changes


def _insert(
    *,
    kind: str,
    reference: str,
    account: AccountRecord,
    destination: AccountRecord,
    source: str,
    step: Step,
    release_condition: str,
    expires_at: datetime | None,
    intent_id: str | None,
    metadata: Mapping[str, object] | None,
) -> str:
    if account.id == destination.id:
        raise InvalidHold("A hold goes from one account to another.", account=account.code)
    hold_id = ids.new_id("hold")
    values: list[Any] = [
        ids.to_uuid(hold_id, prefix="hold"), kind, reference, ids.to_uuid(account.id, prefix="acct"),
        ids.to_uuid(destination.id, prefix="acct"), account.currency, intent_id, source, release_condition, expires_at,
        json.dumps(step.actor.as_dict()), step.now, json.dumps(dict(metadata or {})),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_hold (id, kind, reference, account_id, destination_id, currency, intent_id, source,"
            " release_condition, expires_at, placed_by, placed_at, metadata, amount_minor, captured_minor,"
            " released_minor, state, review_note)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb, 0, 0, 0, 'held', '')",
            values,
        )
    return hold_id


def _lock(hold_id: str) -> HoldRecord:
    """The hold under its lock, while it is held; raises HoldNotFound, HoldClosed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM ledger_hold WHERE id = %s FOR UPDATE", [ids.to_uuid(hold_id, prefix="hold")])
        if cursor.fetchone() is None:
            raise HoldNotFound(f"There is no hold {hold_id}.", hold_id=hold_id)
    hold = get_hold(hold_id=hold_id)
    if hold.state != "held":
        raise HoldClosed(
            f"{hold_id} is {hold.state} since {hold.closed_at:%Y-%m-%d %H:%M:%S} UTC.",
            hold_id=hold_id, state=hold.state, captured_minor=hold.captured_minor,
            released_minor=hold.released_minor, release_posting_id=hold.release_posting_id,
        )  # fmt: skip
    return hold


def _check_words(*, reference: str, source: str, release_condition: str) -> None:
    if not reference.strip() or not source.strip():
        raise InvalidHold("A hold has a reference and a source: what it is for, and who asked for it.")
    if max(len(reference), len(source), len(release_condition)) > _WORDS_LIMIT:
        raise InvalidHold(f"Reference, source and release condition have {_WORDS_LIMIT} characters at most.")


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > _WORDS_LIMIT:
        raise InvalidHold(f"Say why, in 1 to {_WORDS_LIMIT} characters.")


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise InvalidHold("A hold expires in the future, at a time with a zone.", expires_at=str(expires_at))
