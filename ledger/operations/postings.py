"""Posting and reversal. One call of ``ledger_post`` writes everything; the rules stand in ``ledger/sql/``."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError

from ledger.errors import (
    AlreadyReversed,
    FutureEffectiveDate,
    IncompletePosting,
    InvalidPosting,
    PostingConflict,
    ReversalOfReversal,
    UnbalancedPosting,
    refusal_of,
)
from ledger.hashing import account_ref, entry_hash
from ledger.queries.accounts import is_account_id
from ledger.queries.postings import StoredPosting, read_postings
from ledger.types import NO_FLOOR, Direction, Line, NewPosting, Posted, PostedEntry, PostingFacts
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.db.hot import execute_hot
from zentra.core.money import MAX_AMOUNT_MINOR, check_amount_minor, check_currency

_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,79}")
_OPPOSITE: Final[Mapping[Direction, Direction]] = {"debit": "credit", "credit": "debit"}
POST_SQL: Final = (
    "SELECT standing, replayed, account_ids, account_codes FROM ledger_post("
    "%s::timestamptz, %s::jsonb, %s, %s, %s, %s, %s, %s,"
    " %s::uuid[], %s::smallint[], %s::text[], %s::uuid[], %s::bytea[], %s::timestamptz[], %s::text[], %s::jsonb[],"
    " %s::uuid[], %s::smallint[], %s::smallint[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[],"
    " %s::bigint[])"
)


def post_entries(
    *,
    lines: Sequence[Line],
    currency: str,
    posting_id: str,
    purpose: str,
    actor: Actor,
    correlation_id: str,
    recorded_at: datetime,
    intent_id: str | None = None,
    idempotency_key: str | None = None,
    effective_at: datetime | None = None,
    description: str = "",
    metadata: Mapping[str, object] | None = None,
    source_event_id: str | None = None,
    decision_id: str | None = None,
    external_reference: str | None = None,
) -> Posted:
    """Write one balanced posting, in one round trip, inside the caller's transaction. Records no event.

    The step (intent_id, purpose) posts once: a repeat gives the first posting with ``replayed``, or PostingConflict
    when its entries were others. A refusal ends the caller's transaction, so that nothing can be half done; who wants
    to go on after one puts a savepoint around the call.

    Raises InvalidAmount, UnknownCurrency, IncompletePosting, UnbalancedPosting, InvalidPosting, NotCanonical,
    UnknownAccount, AccountFrozen, AccountClosed, CurrencyMismatch, InsufficientFunds, BalanceOverflow, ClosedPeriod,
    FutureEffectiveDate, PostingConflict, LedgerBusy.
    """
    posting = NewPosting(
        posting_id=posting_id,
        purpose=purpose,
        lines=tuple(lines),
        currency=currency,
        effective_at=effective_at or recorded_at,
        description=description,
        metadata=metadata or {},
    )
    facts = PostingFacts(
        actor=actor,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        intent_id=intent_id,
        idempotency_key=idempotency_key,
        source_event_id=source_event_id,
        decision_id=decision_id,
        external_reference=external_reference,
    )
    return post_postings(postings=[posting], facts=facts)[0]


def post_postings(*, postings: Sequence[NewPosting], facts: PostingFacts) -> list[Posted]:
    """Write several postings in their order and in one round trip: all of them or none.

    Give them ids in their order (UUIDv7 as ``core.ids`` makes them): floors are checked after each posting in the
    order of ids. Two calls in one transaction may lock accounts in another order than a third party's, so what is
    posted together belongs into one call. Raises what ``post_entries`` does.
    """
    for posting in postings:
        _check(posting, facts)
    hashes = [entry_hash(posting=posting, facts=facts) for posting in postings]
    entries = [(place, line) for place, posting in enumerate(postings, 1) for line in posting.lines]
    entry_ids = [ids.new_uuid() for _ in entries]
    standing, replayed, account_ids, codes = _call(
        posting_arguments(postings=postings, facts=facts, hashes=hashes, entry_ids=entry_ids)
    )
    first = {p.posted.posting_id: p for p in read_postings(posting_ids=standing)} if replayed else {}
    placed = [
        PostedEntry(
            id=ids.to_public("entry", entry_id),
            account_id=ids.to_public("acct", account_id),
            account_code=code,
            direction=line.direction,
            amount_minor=line.amount_minor,
            currency=postings[place - 1].currency,
        )
        for entry_id, account_id, code, (place, line) in zip(entry_ids, account_ids, codes, entries, strict=True)
    ]
    results: list[Posted] = []
    start = 0
    for place, posting in enumerate(postings):
        own = tuple(placed[start : start + len(posting.lines)])
        start += len(posting.lines)
        if replayed and replayed[place]:
            results.append(_first_posting(posting, own, first[ids.to_public("posting", standing[place])]))
        else:
            results.append(_posted(posting, facts, own, hashes[place]))
    return results


def posting_arguments(
    *, postings: Sequence[NewPosting], facts: PostingFacts, hashes: Sequence[str], entry_ids: Sequence[UUID]
) -> list[Any]:
    """The arguments of POST_SQL, all that ``ledger_post`` is told; ``entry_ids`` in the order of all lines."""
    entries = [(place, index, line) for place, p in enumerate(postings, 1) for index, line in enumerate(p.lines, 1)]
    return [
        facts.recorded_at,
        json.dumps(facts.actor.as_dict()),
        facts.correlation_id,
        facts.intent_id,
        facts.idempotency_key,
        facts.source_event_id,
        facts.decision_id,
        facts.external_reference,
        [ids.to_uuid(posting.posting_id, prefix="posting") for posting in postings],
        [len(posting.lines) for posting in postings],
        [posting.purpose for posting in postings],
        [posting.reverses_id and ids.to_uuid(posting.reverses_id, prefix="posting") for posting in postings],
        [bytes.fromhex(digest) for digest in hashes],
        [posting.effective_at for posting in postings],
        [posting.description for posting in postings],
        [json.dumps(dict(posting.metadata)) for posting in postings],
        list(entry_ids),
        [place for place, _, _ in entries],
        [index for _, index, _ in entries],
        [_account_uuid(line.account) for _, _, line in entries],
        [account_ref(line.account) for _, _, line in entries],
        [line.direction for _, _, line in entries],
        [line.amount_minor for _, _, line in entries],
        [postings[place - 1].currency for place, _, _ in entries],
        [line.floor_minor for _, _, line in entries],
    ]


def reverse_posting(
    *,
    posting_id: str,
    reversal_id: str,
    actor: Actor,
    correlation_id: str,
    recorded_at: datetime,
    reason: str,
    idempotency_key: str | None = None,
) -> Posted:
    """Write the posting that undoes another: every entry turned round, linked to it, once.

    The reversal's purpose is ``reversal.`` and the original's. Floors hold as for any posting. Raises PostingNotFound,
    ReversalOfReversal, AlreadyReversed (with the reversal's id), and what ``post_entries`` does.
    """
    (original,) = read_postings(posting_ids=[ids.to_uuid(posting_id, prefix="posting")], required=True)
    if original.posted.reverses_id is not None:
        raise ReversalOfReversal(
            f"{posting_id} is itself the reversal of {original.posted.reverses_id}.",
            posting_id=posting_id,
            reverses_id=original.posted.reverses_id,
        )
    posting = NewPosting(
        posting_id=reversal_id,
        purpose=f"reversal.{original.posted.purpose}"[:80],
        lines=tuple(
            Line(ids.to_uuid(entry.account_id, prefix="acct"), _OPPOSITE[entry.direction], entry.amount_minor)
            for entry in original.posted.entries
        ),
        currency=original.posted.currency,
        effective_at=recorded_at,
        reverses_id=posting_id,
        description=reason,
    )
    facts = PostingFacts(
        actor=actor,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        intent_id=original.posted.intent_id,
        idempotency_key=idempotency_key,
    )
    return post_postings(postings=[posting], facts=facts)[0]


def _check(posting: NewPosting, facts: PostingFacts) -> None:
    """What can be refused without the database, with more to say than a constraint has."""
    check_currency(posting.currency)
    if len(posting.lines) < 2:
        raise IncompletePosting(
            f"A posting has two entries or more, not {len(posting.lines)}.", entries=len(posting.lines)
        )
    if not _PURPOSE.fullmatch(posting.purpose):
        raise InvalidPosting(f"{posting.purpose[:90]!r} is not the name of a step.")
    if posting.effective_at.tzinfo is None or facts.recorded_at.tzinfo is None:
        raise InvalidPosting("effective_at and recorded_at carry a time zone.")
    if posting.effective_at > facts.recorded_at:
        raise FutureEffectiveDate(
            f"{posting.effective_at.isoformat()} lies after {facts.recorded_at.isoformat()}.",
            effective_at=posting.effective_at.isoformat(),
            recorded_at=facts.recorded_at.isoformat(),
        )
    sums: dict[str, int] = {"debit": 0, "credit": 0}
    for line in posting.lines:
        if line.direction not in sums:
            raise InvalidPosting(f"An entry is a debit or a credit, not {str(line.direction)[:20]!r}.")
        if line.floor_minor is not None and not NO_FLOOR <= line.floor_minor <= MAX_AMOUNT_MINOR:
            raise InvalidPosting(f"A floor lies within 2^53−1, not at {line.floor_minor}.")
        sums[line.direction] += check_amount_minor(line.amount_minor)
    if sums["debit"] != sums["credit"]:
        raise UnbalancedPosting(
            f"Debits are {sums['debit']} and credits {sums['credit']} {posting.currency} minor units.",
            currency=posting.currency,
            debits_minor=sums["debit"],
            credits_minor=sums["credit"],
        )


def _call(arguments: list[Any]) -> tuple[list[UUID], list[bool] | None, list[UUID], list[str]]:
    try:
        row = execute_hot(POST_SQL, arguments).fetchone()
    except DatabaseError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    if row is None:
        raise LookupError("ledger_post has OUT parameters, so it gives exactly one row.")
    standing, replayed, account_ids, codes = row
    return standing, replayed, account_ids, codes


def _account_uuid(account: UUID | str) -> UUID | None:
    """The uuid of an account named by id; None for a code."""
    if isinstance(account, UUID):
        return account
    return ids.to_uuid(account, prefix="acct") if is_account_id(account) else None


def _posted(posting: NewPosting, facts: PostingFacts, entries: tuple[PostedEntry, ...], digest: str) -> Posted:
    return Posted(
        posting_id=posting.posting_id,
        purpose=posting.purpose,
        intent_id=facts.intent_id,
        entries=entries,
        entry_hash=digest,
        currency=posting.currency,
        recorded_at=facts.recorded_at,
        effective_at=posting.effective_at,
        correlation_id=facts.correlation_id,
        reverses_id=posting.reverses_id,
    )


def _first_posting(asked: NewPosting, entries: tuple[PostedEntry, ...], first: StoredPosting) -> Posted:
    """The posting that stands for the one asked for, when it says the same."""
    if asked.reverses_id is not None and first.posted.posting_id != asked.posting_id:
        raise AlreadyReversed(
            f"{asked.reverses_id} is reversed by {first.posted.posting_id}.",
            posting_id=asked.reverses_id,
            reversal_id=first.posted.posting_id,
        )
    if _movements(entries) != _movements(first.posted.entries):
        raise PostingConflict(
            f"{first.posted.purpose} stands as {first.posted.posting_id} with other entries.",
            posting_id=first.posted.posting_id,
            purpose=first.posted.purpose,
            amount_minor=first.posted.amount_minor,
        )
    return first.replay()


def _movements(entries: Sequence[PostedEntry]) -> list[tuple[str, str, int]]:
    return sorted((entry.account_id, entry.direction, entry.amount_minor) for entry in entries)
