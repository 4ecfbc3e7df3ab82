"""Postings of a file on their way into the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import connection

from ledger.files.types import PostingWords
from ledger.files.written import Written
from ledger.operations.events import posting_event
from ledger.operations.postings import post_batch, post_items
from ledger.queries.accounts import is_account_id
from ledger.types import BatchItem, Line, NewPosting, Posted, PostingFacts
from zentra.core import ids, telemetry
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

FOREIGN: Final = "imported:"
"""Before the code of an account that had no code but its id in the ledger that it comes from."""


def write_postings(words: Sequence[PostingWords], import_id: str, actor: Actor, now: datetime) -> list[Written]:
    """Write all of them or none, in one call. Raises what ``post_entries`` does."""
    return [_written(posted, actor) for posted in post_items(items=_items(words, import_id, actor, now))]


def write_each_posting(
    words: Sequence[PostingWords], import_id: str, actor: Actor, now: datetime
) -> list[Written | DomainError]:
    """Write those that can be written, in one call; the others' refusals. Raises LedgerBusy."""
    results = post_batch(items=_items(words, import_id, actor, now), is_atomic=False)
    return [each if isinstance(each, DomainError) else _written(each, actor) for each in results]


def foreign_codes(refs: Sequence[str]) -> Mapping[str, str]:
    """Account ids of another ledger, by which its exports name accounts without a code, as they are coded here.

    An id of this workspace means the account that has it.
    """
    asked = {ref: ids.to_uuid(ref, prefix="acct") for ref in set(refs) if is_account_id(ref)}
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM ledger_account WHERE id = ANY (%s::uuid[])", [list(asked.values())])
        own = {row[0] for row in cursor.fetchall()}
    return {ref: f"{FOREIGN}{ref}" for ref, key in asked.items() if key not in own}


def _items(words: Sequence[PostingWords], import_id: str, actor: Actor, now: datetime) -> list[BatchItem]:
    foreign = foreign_codes([str(line.account) for each in words for line in each.lines])
    return [
        BatchItem(
            posting=NewPosting(
                posting_id=ids.new_id("posting"),
                purpose=each.purpose,
                lines=_lines(each.lines, foreign),
                currency=each.currency,
                effective_at=each.effective_at or now,
                description=each.description,
                metadata=each.metadata,
                fx=each.fx,
            ),
            facts=PostingFacts(
                actor=actor,
                recorded_at=now,
                correlation_id=import_id,
                external_reference=each.external_reference,
            ),
        )
        for each in words
    ]


def _lines(lines: tuple[Line, ...], foreign: Mapping[str, str]) -> tuple[Line, ...]:
    if not foreign:
        return lines
    return tuple(replace(line, account=foreign.get(str(line.account), line.account)) for line in lines)


def _written(posted: Posted, actor: Actor) -> Written:
    return Written(
        posted.posting_id, (posting_event(posted, actor=actor, intent_id=None, trace_id=telemetry.trace_id()),)
    )
