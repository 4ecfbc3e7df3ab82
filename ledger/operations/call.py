"""One call of the posting function: what it is told, what is checked before it is made, what its answer means."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from ledger.errors import (
    EmptyPosting,
    FutureEffectiveDate,
    IncompletePosting,
    InvalidPosting,
    PostingConflict,
    UnbalancedPosting,
)
from ledger.hashing import account_ref, entry_hash, fx_content
from ledger.operations.rates import check_rate
from ledger.queries.accounts import as_json, is_account_id
from ledger.queries.postings import StoredPosting, read_postings
from ledger.refusals import refusal_of_words, refusals_meant
from ledger.types import NO_FLOOR, OPPOSITE, BatchItem, NewPosting, Posted, PostedEntry, PostingFacts
from zentra.core import ids
from zentra.core.db.hot import execute_hot
from zentra.core.errors import DomainError
from zentra.core.money import MAX_AMOUNT_MINOR, InvalidAmount, check_amount_minor, check_currency

_ESCAPED: Final = re.compile(r'["\\]')
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,79}")
ENTRY_LIMIT: Final = 10_000
ARGUMENTS: Final = (
    "%s::timestamptz, %s::jsonb,"
    " %s::uuid[], %s::smallint[], %s::text[], %s::uuid[], %s::bytea[], %s::timestamptz[], %s::text[], %s::jsonb[],"
    " %s::text[], %s::text[], %s::text[],"
    " %s::uuid[], %s::smallint[], %s::smallint[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[],"
    " %s::bigint[]"
)
_ANSWER: Final = "SELECT standing, replayed, account_ids, account_codes"
POST_SQL: Final = f"{_ANSWER} FROM ledger_post({ARGUMENTS})"
POST_MORE_SQL: Final = f"{_ANSWER} FROM ledger_post({ARGUMENTS}, %s::jsonb, %s::jsonb)"
POST_EACH_SQL: Final = f"{_ANSWER}, refusals FROM ledger_post_each({ARGUMENTS}, %s::jsonb, %s::jsonb)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the database says of a call."""

    standing: list[UUID]
    replayed: list[bool] | None
    account_ids: list[UUID]
    account_codes: list[str]
    refusals: list[dict[str, Any] | None] | None = None


@dataclass(frozen=True, slots=True)
class PostingCall:
    """The postings of one call as the parallel arrays that ``ledger_post`` takes."""

    items: Sequence[BatchItem]
    hashes: Sequence[str]
    entry_ids: Sequence[UUID]

    @classmethod
    def of(cls, items: Sequence[BatchItem], hashes: Sequence[str] | None = None) -> Self:
        """With their entry hashes, made here unless they are known, and fresh entry ids.

        Raises InvalidPosting, NotCanonical.
        """
        told = {(item.facts.recorded_at, item.facts.actor) for item in items}
        if len(told) > 1:  # the hash covers both, and they are stored once for the call
            raise InvalidPosting("All postings of a call are recorded at one moment and by one actor.")
        known = hashes or [entry_hash(posting=item.posting, facts=item.facts) for item in items]
        return cls(items, known, [ids.new_uuid() for item in items for _ in item.posting.lines])

    @property
    def is_plain(self) -> bool:
        """Whether no posting has what only some have."""
        return not any(_more(item) for item in self.items) and not self.has_conditions

    @property
    def has_conditions(self) -> bool:
        """Whether a line asks for a version or a balance."""
        return any(line.lock_version is not None or line.bounds for item in self.items for line in item.posting.lines)

    def arguments(self, *, with_more: bool | None = None) -> list[Any]:
        """All that the function is told; ``with_more`` adds the two arguments that plain postings leave out."""
        entries = [
            (place, index, item.posting, line)
            for place, item in enumerate(self.items, 1)
            for index, line in enumerate(item.posting.lines, 1)
        ]
        postings = [item.posting for item in self.items]
        facts = [item.facts for item in self.items]
        plain = [
            facts[0].recorded_at,
            json.dumps(facts[0].actor.as_dict()),
            _array(ids.to_uuid(posting.posting_id, prefix="posting") for posting in postings),
            _array(len(posting.lines) for posting in postings),
            _text_array(posting.purpose for posting in postings),
            _array(posting.reverses_id and ids.to_uuid(posting.reverses_id, prefix="posting") for posting in postings),
            _text_array("\\x" + digest for digest in self.hashes),
            _text_array(posting.effective_at.isoformat() for posting in postings),
            _text_array(posting.description for posting in postings),
            _text_array(json.dumps(dict(posting.metadata)) for posting in postings),
            _text_array(each.correlation_id for each in facts),
            _text_array(each.intent_id for each in facts),
            _text_array(each.idempotency_key for each in facts),
            _array(self.entry_ids),
            _array(place for place, *_ in entries),
            _array(index for _, index, *_ in entries),
            _array(_account_uuid(line.account) for *_, line in entries),
            _text_array(account_ref(line.account) for *_, line in entries),
            _array(line.direction for *_, line in entries),
            _array(line.amount_minor for *_, line in entries),
            _array(posting.currency_of(line) for *_, posting, line in entries),
            _array(line.floor_minor for *_, line in entries),
        ]
        if not with_more and self.is_plain:
            return plain
        conditions = self._conditions()
        return [
            *plain,
            json.dumps([_more(item) for item in self.items]),
            json.dumps(conditions) if conditions else None,
        ]

    def results(self, answer: Answer) -> list[Posted | DomainError]:
        """What stands for each posting, or why it was refused."""
        first = {p.posted.posting_id: p for p in read_postings(posting_ids=answer.standing)} if answer.replayed else {}
        results: list[Posted | DomainError] = []
        start = 0
        for place, item in enumerate(self.items):
            end = start + len(item.posting.lines)
            refusal = answer.refusals[place] if answer.refusals else None
            if refusal is not None:
                results.append(refusal_of_words(refusal))
            else:
                own = self._entries(item.posting, answer, start, end)
                if answer.replayed and answer.replayed[place]:
                    standing = first[ids.to_public("posting", answer.standing[place])]
                    results.append(_first_posting(item.posting, own, standing))
                else:
                    results.append(_posted(item.posting, item.facts, own, self.hashes[place]))
            start = end
        return results

    def _entries(self, posting: NewPosting, answer: Answer, start: int, end: int) -> tuple[PostedEntry, ...]:
        return tuple(
            PostedEntry(
                id=ids.to_public("entry", entry_id),
                account_id=ids.to_public("acct", account_id),
                account_code=code,
                direction=line.direction,
                amount_minor=line.amount_minor,
                currency=posting.currency_of(line),
            )
            for entry_id, account_id, code, line in zip(
                self.entry_ids[start:end],
                answer.account_ids[start:end],
                answer.account_codes[start:end],
                posting.lines,
                strict=True,
            )
        )

    def _conditions(self) -> list[dict[str, Any]]:
        lines = [line for item in self.items for line in item.posting.lines]
        versions = [
            {"entry": entry, "lock_version": line.lock_version}
            for entry, line in enumerate(lines, 1)
            if line.lock_version is not None
        ]
        return versions + [
            {
                "entry": entry,
                "metric": bound.metric,
                "at_least": bound.at_least_minor,
                "at_most": bound.at_most_minor,
            }
            for entry, line in enumerate(lines, 1)
            for bound in line.bounds
        ]


def _more(item: BatchItem) -> dict[str, Any]:
    """What only some postings have."""
    posting, facts = item.posting, item.facts
    more: dict[str, Any] = {
        "hold_id": posting.hold_id and str(ids.to_uuid(posting.hold_id, prefix="hold")),
        "corrects_id": posting.corrects_id and str(ids.to_uuid(posting.corrects_id, prefix="posting")),
        "fx": posting.fx and fx_content(posting.fx),
        "source_event_id": facts.source_event_id,
        "decision_id": facts.decision_id,
        "external_reference": facts.external_reference,
    }
    found = {name: value for name, value in more.items() if value is not None}
    return found if posting.state == "posted" else {**found, "state": posting.state}


def check_posting(*, posting: NewPosting, facts: PostingFacts) -> None:
    """What can be refused without the database, with more to say than a constraint has.

    Raises UnknownCurrency, IncompletePosting, InvalidPosting, FutureEffectiveDate, InvalidAmount, UnbalancedPosting,
    InvalidRate.
    """
    check_currency(posting.currency)
    if not posting.lines:
        raise EmptyPosting("A posting has two entries or more, and this has none.", entries=0)
    if len(posting.lines) < 2:
        raise IncompletePosting(
            f"A posting has two entries or more, not {len(posting.lines)}.", entries=len(posting.lines)
        )
    if len(posting.lines) > ENTRY_LIMIT:
        raise InvalidPosting(f"A posting has {ENTRY_LIMIT} entries at most, not {len(posting.lines)}.")
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
    _check_balanced(posting)
    if posting.fx is not None:
        check_rate(posting=posting, fx=posting.fx)


def _check_balanced(posting: NewPosting) -> None:
    sums: dict[str, dict[str, int]] = {}
    for line in posting.lines:
        if line.direction not in OPPOSITE:
            raise InvalidPosting(f"An entry is a debit or a credit, not {str(line.direction)[:20]!r}.")
        if line.floor_minor is not None and not NO_FLOOR <= line.floor_minor <= MAX_AMOUNT_MINOR:
            raise InvalidPosting(f"A floor lies within 2^53−1, not at {line.floor_minor}.")
        of_currency = sums.setdefault(posting.currency_of(line), {"debit": 0, "credit": 0})
        of_currency[line.direction] += check_amount_minor(line.amount_minor)
    for currency, sides in sums.items():
        check_currency(currency)
        if max(sides.values()) > MAX_AMOUNT_MINOR:
            # Each amount may be in range and their sum not: no event and no reader of JSON could hold it.
            raise InvalidAmount(
                f"The amounts of a posting add up to at most {MAX_AMOUNT_MINOR} (2^53−1) {currency} minor units.",
                currency=currency,
                most_minor=MAX_AMOUNT_MINOR,
            )
        if sides["debit"] != sides["credit"]:
            raise UnbalancedPosting(
                f"Debits are {sides['debit']} and credits {sides['credit']} {currency} minor units.",
                currency=currency,
                debits_minor=sides["debit"],
                credits_minor=sides["credit"],
            )


def send(*, statement: str, arguments: list[Any]) -> Answer:
    """Make the call; a refusal of the database is raised as what it means."""
    with refusals_meant():
        row = execute_hot(statement, arguments).fetchone()
    if row is None:
        raise LookupError("ledger_post has OUT parameters, so it gives exactly one row.")
    standing, replayed, account_ids, codes, *refusals = row
    words = [as_json(each) for each in refusals[0]] if refusals and refusals[0] else None
    return Answer(standing, replayed, account_ids, codes, words)


def _array(values: Iterable[object]) -> str:
    """The values as PostgreSQL writes an array: psycopg walks each list twice, which cost as much as the hash."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def _text_array(values: Iterable[str | None]) -> str:
    """Any words, quoted."""
    return _array(None if value is None else '"' + _ESCAPED.sub(r"\\\g<0>", value) + '"' for value in values)


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
        state=posting.state,
        hold_id=posting.hold_id,
        corrects_id=posting.corrects_id,
        fx=posting.fx,
    )


def _first_posting(asked: NewPosting, entries: Sequence[PostedEntry], first: StoredPosting) -> Posted | PostingConflict:
    """The posting that stands for the one asked for, when it says the same."""
    stands = first.posted
    if _movements(entries) != _movements(stands.entries) or stands.reverses_id != asked.reverses_id:
        return conflict_with(stands=stands)
    return first.replay()


def conflict_with(*, stands: Posted) -> PostingConflict:
    """The refusal of a posting in whose place another one stands."""
    return PostingConflict(
        f"{stands.purpose} stands as {stands.posting_id} with other entries.",
        posting_id=stands.posting_id,
        purpose=stands.purpose,
        amount_minor=stands.amount_minor,
    )


def _movements(entries: Sequence[PostedEntry]) -> list[tuple[str, str, int]]:
    """What entries move, in whatever order they stand."""
    return sorted((entry.account_id, entry.direction, entry.amount_minor) for entry in entries)
