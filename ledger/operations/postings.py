"""Posting: one at a time, several that belong together, a batch.

One call of ``ledger_post`` writes everything; the rules stand in ``ledger/sql/``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from ledger.errors import BatchTooLarge, batch_refused
from ledger.hashing import entry_hash
from ledger.operations.call import POST_EACH_SQL, POST_MORE_SQL, POST_SQL, PostingCall, check_posting, send
from ledger.types import BatchItem, Fx, Line, NewPosting, Posted, PostingFacts
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

BATCH_LIMIT: Final = 1_000


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
    fx: Fx | None = None,
    corrects_id: str | None = None,
) -> Posted:
    """Write one balanced posting, in one round trip, inside the caller's transaction. Records no event.

    The step (intent_id, purpose) posts once: a repeat gives the first posting with ``replayed``, or PostingConflict
    when its entries were others. A refusal ends the caller's transaction, so that nothing can be half done; who wants
    to go on after one puts a savepoint around the call.

    Raises InvalidAmount, UnknownCurrency, IncompletePosting, UnbalancedPosting, InvalidPosting, NotCanonical,
    UnknownAccount, AccountFrozen, AccountClosed, CurrencyMismatch, InsufficientFunds, BalanceLimitExceeded,
    BalanceOverflow, ClosedPeriod, FutureEffectiveDate, InvalidRate, ConditionFailed, StaleAccount, PostingConflict,
    LedgerBusy.
    """
    posting = NewPosting(
        posting_id=posting_id,
        purpose=purpose,
        lines=tuple(lines),
        currency=currency,
        effective_at=effective_at or recorded_at,
        description=description,
        metadata=metadata or {},
        fx=fx,
        corrects_id=corrects_id,
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

    Give them ids in their order (UUIDv7 as ``core.ids`` makes them): limits are checked after each posting in the
    order of ids. Two calls in one transaction may lock accounts in another order than a third party's, so what is
    posted together belongs into one call. Raises what ``post_entries`` does.
    """
    return post_items(items=[BatchItem(posting, facts) for posting in postings])


def post_items(*, items: Sequence[BatchItem]) -> list[Posted]:
    """``post_postings`` for postings with facts of their own; recorded_at and actor are the first one's."""
    for item in items:
        check_posting(posting=item.posting, facts=item.facts)
    call = PostingCall.of(items)
    answer = send(statement=POST_SQL if call.is_plain else POST_MORE_SQL, arguments=call.arguments())
    return [_standing(result) for result in call.results(answer)]


def _standing(result: Posted | DomainError) -> Posted:
    if isinstance(result, DomainError):
        raise result
    return result


def post_batch(*, items: Sequence[BatchItem], is_atomic: bool) -> list[Posted | DomainError]:
    """Write up to 1,000 postings in one call and one transaction; an answer for each, in their order.

    Atomic: all or none, and the first refusal is raised as BatchRefused with the place of its posting. Else each
    stands or is refused by itself. Raises BatchTooLarge, LedgerBusy.
    """
    if not 1 <= len(items) <= BATCH_LIMIT:
        raise BatchTooLarge(f"A batch has 1 to {BATCH_LIMIT} postings, not {len(items)}.", postings=len(items))
    checked = [_hash_or_refusal(item) for item in items]
    refused = {place: each for place, each in enumerate(checked) if isinstance(each, DomainError)}
    if is_atomic and refused:
        place = min(refused)
        raise batch_refused(place, refused[place]) from refused[place]
    sound = [item for place, item in enumerate(items) if place not in refused]
    hashes = [each for each in checked if isinstance(each, str)]
    answers = iter(_post_sound(sound, hashes, is_atomic=is_atomic) if sound else ())
    return [refused[place] if place in refused else next(answers) for place in range(len(items))]


def _hash_or_refusal(item: BatchItem) -> str | DomainError:
    """The entry hash, or what the posting is refused for without asking the database."""
    try:
        check_posting(posting=item.posting, facts=item.facts)
        return entry_hash(posting=item.posting, facts=item.facts)
    except DomainError as error:
        return error


def _post_sound(items: Sequence[BatchItem], hashes: Sequence[str], *, is_atomic: bool) -> list[Posted | DomainError]:
    """The database tries all at once and, when one is refused, one by one; atomic takes back what stands then."""
    call = PostingCall.of(items, hashes)
    with transaction.atomic(savepoint=is_atomic):
        answers = call.results(send(statement=POST_EACH_SQL, arguments=call.arguments(with_more=True)))
        refusals = ((place, answer) for place, answer in enumerate(answers) if isinstance(answer, DomainError))
        first = next(refusals, None)
        if is_atomic and first is not None:
            raise batch_refused(*first)
    return answers
