"""Writing the items of a chunk: those that came before are told apart, a refused one leaves the others alone.

All of a chunk is tried in one call first. When something of it is refused, each is tried by itself in a savepoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import DataError, IntegrityError, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.files.accounts import write_accounts
from ledger.files.errors import ImportRowConflict, ImportRowRefused
from ledger.files.keys import find_keys, keep_keys
from ledger.files.postings import write_each_posting, write_postings
from ledger.files.types import AccountWords, ImportRecord, ImportRefusalRecord, Item, PostingWords, Words
from ledger.files.written import Written
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

W = TypeVar("W", PostingWords, AccountWords)
Result = Written | DomainError
WriteAll = Callable[[Sequence[W]], Sequence[Result]]


@dataclass(slots=True)
class Outcome:
    """What became of a chunk, in rows of the file."""

    rows_written: int = 0
    rows_repeated: int = 0
    rows_refused: int = 0
    refusals: list[ImportRefusalRecord] = field(default_factory=list)

    def refuse(self, item: Item, refusal: DomainError) -> None:
        """Count an item as refused, and say why."""
        self.rows_refused += item.rows
        extra = {**refusal.extra, "rows": item.rows} if item.rows > 1 else refusal.extra
        self.refusals.append(
            ImportRefusalRecord(item.refused_at or item.row_number, refusal.code, refusal.detail, extra)
        )


def write_items(*, items: Sequence[Item], record: ImportRecord, now: datetime) -> Outcome:
    """Write what was not written before, with keys and events, in the caller's transaction.

    Raises what is worth trying again and says nothing of a row: LedgerBusy, ImportMoved.
    """
    outcome = Outcome()
    fresh = _fresh(items, record, outcome)
    actor = Actor(**record.created_by)
    results = _write(record, [words for _, words in fresh], actor, now)
    kept: list[tuple[Words, str]] = []
    events: list[NewEvent] = []
    for (item, words), result in zip(fresh, results, strict=True):
        if isinstance(result, DomainError):
            outcome.refuse(item, result)
        elif result.is_standing:
            outcome.rows_repeated += item.rows
        else:
            outcome.rows_written += item.rows
            kept.append((words, result.id))
            events.extend(result.events)
    keep_keys(kind=record.kind, import_id=record.id, written=kept, now=now)
    record_events(events=events, now=now)
    return outcome


def _fresh(items: Sequence[Item], record: ImportRecord, outcome: Outcome) -> list[tuple[Item, Words]]:
    """The items that say something new; unreadable, repeated and conflicting ones are counted."""
    sound = [(item, item.content) for item in items if not isinstance(item.content, DomainError)]
    known = find_keys(kind=record.kind, keys=[words.key for _, words in sound])
    fresh: list[tuple[Item, Words]] = []
    for item in items:
        words = item.content
        if isinstance(words, DomainError):
            outcome.refuse(item, words)
        elif (first := known.get(words.key)) is None:
            fresh.append((item, words))
        elif first.fingerprint == words.fingerprint:
            outcome.rows_repeated += item.rows
        else:
            outcome.refuse(
                item,
                ImportRowConflict(
                    f"{words.key} was imported with another content and stands as {first.answer['id']}.",
                    key=words.key,
                    first_id=first.answer["id"],
                    first_import_id=first.answer["import_id"],
                    first_fingerprint=first.fingerprint.hex(),
                    this_fingerprint=words.fingerprint.hex(),
                ),
            )
    return fresh


def _write(record: ImportRecord, words: Sequence[Words], actor: Actor, now: datetime) -> Sequence[Result]:
    if record.kind == "postings":
        postings = [each for each in words if isinstance(each, PostingWords)]
        terms = (record.id, actor, now)
        return _together(
            postings,
            lambda some: write_postings(some, *terms),
            lambda some: write_each_posting(some, *terms),
        )
    accounts = [each for each in words if isinstance(each, AccountWords)]
    return _together(accounts, lambda some: write_accounts(some, record.id, actor, now))


def _together(words: Sequence[W], write: WriteAll[W], write_each: WriteAll[W] | None = None) -> Sequence[Result]:
    """All in one go; when that is refused, each by itself."""
    if not words:
        return []
    for attempt in (write, write_each):
        if attempt is None:
            break
        try:
            with transaction.atomic():
                return attempt(words)
        except DomainError as refusal:
            if refusal.retryable:
                raise
        except (DataError, IntegrityError):
            continue
    return [_alone(each, write) for each in words]


def _alone(words: W, write: WriteAll[W]) -> Result:
    try:
        with transaction.atomic():
            return write([words])[0]
    except DomainError as refusal:
        if refusal.retryable:
            raise
        return refusal
    except (DataError, IntegrityError) as error:
        return ImportRowRefused(f"The database refused a value of the row: {str(error).splitlines()[0][:200]}")
