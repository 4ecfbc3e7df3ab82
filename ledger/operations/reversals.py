"""Undoing: a reversal is a linked posting that turns entries round; a correction reverses and posts anew at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from ledger.errors import AlreadyReversed, InvalidPosting, PostingNotPosted, ReversalOfReversal
from ledger.operations.call import conflict_with
from ledger.operations.postings import post_postings
from ledger.queries.postings import StoredPosting, get_posting, reversals_of
from ledger.types import OPPOSITE, Direction, Line, NewPosting, Posted, PostingFacts
from zentra.core import ids
from zentra.core.actors import Actor

_Side = tuple[str, str, Direction]


def reverse_posting(
    *,
    posting_id: str,
    reversal_id: str,
    actor: Actor,
    correlation_id: str,
    recorded_at: datetime,
    reason: str,
    amount_minor: int | None = None,
    lines: Sequence[Line] | None = None,
    idempotency_key: str | None = None,
) -> Posted:
    """Write the posting that undoes another, or a part of it, linked to it.

    Left to itself it takes back all that is left of every entry. ``amount_minor`` takes back so much of a posting of
    two entries; ``lines`` says the entries of the reversal for any other. The database adds all reversals of a posting
    up, so that together they never pass it, whoever races. Limits hold as for any posting.

    Raises PostingNotFound, PostingNotPosted, ReversalOfReversal, AlreadyReversed (with the reversals), OverReversal
    (with what is left), and what ``post_entries`` does.
    """
    original = get_posting(posting_id=posting_id)
    _check_reversible(original)
    first = _own(reversal_id, original)
    if first is not None:
        asked = amount_minor if lines is None else sum(line.amount_minor for line in lines if line.direction == "debit")
        if asked is not None and asked != first.posted.amount_minor:
            raise conflict_with(stands=first.posted)
        return first.replay()
    posting = _reversal(
        original, reversal_id=reversal_id, at=recorded_at, reason=reason, amount_minor=amount_minor, lines=lines
    )
    facts = PostingFacts(
        actor=actor,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        intent_id=original.posted.intent_id,
        idempotency_key=idempotency_key,
    )
    return post_postings(postings=[posting], facts=facts)[0]


def correct_posting(
    *,
    posting_id: str,
    lines: Sequence[Line],
    currency: str,
    reversal_id: str,
    correction_id: str,
    actor: Actor,
    correlation_id: str,
    recorded_at: datetime,
    reason: str,
    effective_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> tuple[Posted, Posted]:
    """Reverse what is left of a posting and post what it should have been: (reversal, correction), both or none.

    The correction counts from where the original did, unless ``effective_at`` says otherwise; the reversal counts
    from now. Repeated with its ids it gives what stands. Raises what ``reverse_posting`` and ``post_entries`` do.
    """
    original = get_posting(posting_id=posting_id)
    _check_reversible(original)
    first_reversal = _own(reversal_id, original)
    if first_reversal is not None:
        return first_reversal.replay(), get_posting(posting_id=correction_id).replay()
    reversal = _reversal(original, reversal_id=reversal_id, at=recorded_at, reason=reason)
    correction = NewPosting(
        posting_id=correction_id,
        purpose=_named("correction", original, correction_id, is_part=original.posted.intent_id is not None),
        lines=tuple(lines),
        currency=currency,
        effective_at=effective_at or original.posted.effective_at,
        description=reason,
        corrects_id=posting_id,
    )
    facts = PostingFacts(
        actor=actor,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        intent_id=original.posted.intent_id,
        idempotency_key=idempotency_key,
    )
    first, second = post_postings(postings=[reversal, correction], facts=facts)
    return first, second


def _own(reversal_id: str, original: StoredPosting) -> StoredPosting | None:
    """The reversal of this id, when an earlier call has written it."""
    earlier = reversals_of(posting_id=original.posted.posting_id)
    return next((each for each in earlier if each.posted.posting_id == reversal_id), None)


def _reversal(
    original: StoredPosting,
    *,
    reversal_id: str,
    at: datetime,
    reason: str,
    amount_minor: int | None = None,
    lines: Sequence[Line] | None = None,
) -> NewPosting:
    posting_id = original.posted.posting_id
    earlier = reversals_of(posting_id=posting_id)
    is_part = bool(earlier) or amount_minor is not None or lines is not None
    return NewPosting(
        posting_id=reversal_id,
        purpose=_named("reversal", original, reversal_id, is_part=is_part),
        lines=_lines(original, earlier, amount_minor=amount_minor, lines=lines),
        currency=original.posted.currency,
        effective_at=at,
        reverses_id=posting_id,
        description=reason,
        fx=original.posted.fx if not is_part else None,
    )


def _check_reversible(original: StoredPosting) -> None:
    posted = original.posted
    if posted.state != "posted":
        raise PostingNotPosted(
            f"{posted.posting_id} is {posted.state}; release its hold instead.",
            posting_id=posted.posting_id,
            state=posted.state,
            hold_id=posted.hold_id,
        )
    if posted.reverses_id is not None:
        raise ReversalOfReversal(
            f"{posted.posting_id} is itself the reversal of {posted.reverses_id}.",
            posting_id=posted.posting_id,
            reverses_id=posted.reverses_id,
        )


def _lines(
    original: StoredPosting, earlier: Sequence[StoredPosting], *, amount_minor: int | None, lines: Sequence[Line] | None
) -> tuple[Line, ...]:
    if lines is not None:
        return tuple(lines)
    entries = original.posted.entries
    if amount_minor is not None:
        if len(entries) != 2:
            raise InvalidPosting(
                f"{original.posted.posting_id} has {len(entries)} entries: say which to reverse, not one amount.",
                entries=len(entries),
            )
        return tuple(
            Line(ids.to_uuid(entry.account_id, prefix="acct"), OPPOSITE[entry.direction], amount_minor)
            for entry in entries
        )
    left = _left(original, earlier)
    if not left:
        raise AlreadyReversed(
            f"{original.posted.posting_id} is reversed by {', '.join(each.posted.posting_id for each in earlier)}.",
            posting_id=original.posted.posting_id,
            reversal_id=earlier[-1].posted.posting_id,
            reversal_ids=[each.posted.posting_id for each in earlier],
        )
    return left


def _left(original: StoredPosting, earlier: Sequence[StoredPosting]) -> tuple[Line, ...]:
    """The entries that reverse what no reversal has taken back yet."""
    taken: Counter[_Side] = Counter()
    for reversal in earlier:
        for entry in reversal.posted.entries:
            taken[entry.account_id, entry.currency, entry.direction] += entry.amount_minor
    left: list[Line] = []
    for entry in original.posted.entries:
        direction = OPPOSITE[entry.direction]
        side = (entry.account_id, entry.currency, direction)
        covered = min(taken[side], entry.amount_minor)
        taken[side] -= covered
        if entry.amount_minor > covered:
            account = ids.to_uuid(entry.account_id, prefix="acct")
            left.append(Line(account, direction, entry.amount_minor - covered, currency=entry.currency))
    return tuple(left)


def _named(word: str, original: StoredPosting, posting_id: str, *, is_part: bool) -> str:
    """The step's name. An intent has each step once, so what can happen several times carries its own id."""
    name = f"{word}.{original.posted.purpose}"
    return f"{name[:53]}.{posting_id.removeprefix('posting_')}" if is_part else name[:80]
