"""What ledger, provider and bank say about intents: read for many at once, so that the watcher costs few statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection

from ledger.queries import entries_of_intents
from ledger.types import EntryRecord
from webhooks.queries import callbacks_of_intents
from webhooks.types import CallbackRecord
from zentra.core import ids
from zentra.reconciliation.references import normalise_reference
from zentra.routing.queries import attempts_of_intents
from zentra.routing.types import AttemptRecord
from zentra.runtime.queries import list_intents
from zentra.runtime.types import IntentRecord

MONEY_MOVED: Final = frozenset({"succeeded", "settled"})
MONEY_DID_NOT: Final = frozenset({"declined", "failed"})
SUCCESS: Final = "success"
_NOT_HEARD: Final = frozenset({"quarantined", "refused", "unmatched"})
_OF_RAILS: Final = frozenset({"rail_receivable", "rail_payable"})


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that a provider said: an outcome under one of our keys, with the amount where they said one."""

    id: str
    at: datetime
    outcome: str
    key: str
    reference: str
    amount_minor: int | None
    currency: str
    is_applied: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of a statement about an intent, or about the batch that it was paid out in."""

    id: str
    account_id: str
    account_kind: str
    statement_id: str
    booked_on: date
    value_on: date
    kind: str
    amount_minor: int
    gross_minor: int | None
    currency: str
    reference: str
    batch: str
    written_at: datetime
    calendar: str
    settle_days: int
    is_own: bool
    """About this intent alone, not about a batch."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the three sides say about one intent, each in order of time."""

    intent: IntentRecord
    entries: tuple[EntryRecord, ...]
    attempts: tuple[AttemptRecord, ...]
    words: tuple[Word, ...]
    lines: tuple[Seen, ...]

    @property
    def booked(self) -> EntryRecord | None:
        """The entry by which the ledger says that the rail moved the money, or None."""
        found = [entry for entry in self.entries if entry.purpose == SUCCESS]
        return next((entry for entry in found if entry.account_code in _OF_RAILS), found[0] if found else None)


def gather(*, intent_ids: Sequence[str]) -> dict[str, Facts]:
    """The facts of several intents by id; ids of no intent are left out. Six statements, however many there are."""
    wanted = list(dict.fromkeys(intent_ids))
    intents = {each.intent_id: each for each in list_intents(intent_ids=wanted, limit=max(1, len(wanted)))}
    entries = entries_of_intents(intent_ids=wanted)
    attempts = attempts_of_intents(intent_ids=wanted)
    callbacks = callbacks_of_intents(intent_ids=wanted)
    lines = _lines({key: _references(each, attempts.get(key, [])) for key, each in intents.items()})
    return {
        key: Facts(
            intent,
            tuple(entries.get(key, ())),
            tuple(attempts.get(key, ())),
            _words(callbacks.get(key, []), attempts.get(key, [])),
            tuple(lines.get(key, ())),
        )
        for key, intent in intents.items()
    }


def _references(intent: IntentRecord, attempts: Sequence[AttemptRecord]) -> set[str]:
    """Everything under which a statement may name the intent."""
    said = [intent.intent_id, *(each.key for each in attempts), *(each.provider_reference or "" for each in attempts)]
    return {normal for each in said if (normal := normalise_reference(each))}


def _words(callbacks: Sequence[CallbackRecord], attempts: Sequence[AttemptRecord]) -> tuple[Word, ...]:
    """What callbacks said, and beside them what an attempt was answered at once or when it was asked."""
    words = [word for each in callbacks if (word := _word(each)) is not None]
    told = {(word.key, word.outcome) for word in words}
    for attempt in attempts:
        state = str(attempt.state)
        if state in MONEY_MOVED | MONEY_DID_NOT and (attempt.key, state) not in told and attempt.answered_at:
            words.append(
                Word(
                    attempt.id, attempt.answered_at, state, attempt.key, attempt.provider_reference or "", None, "",
                    is_applied=True,
                )
            )  # fmt: skip
    return tuple(sorted(words, key=lambda word: (word.at, word.id)))


def _word(callback: CallbackRecord) -> Word | None:
    """What the body says, read again from its bytes; None for one that nobody could read, or that came again."""
    if callback.id != callback.first_id or callback.state in _NOT_HEARD:
        return None
    try:
        body = json.loads(callback.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    amount = body.get("amount_minor")
    return Word(
        id=callback.id,
        at=callback.recorded_at,
        outcome=str(body.get("type", "")).rpartition(".")[2],
        key=callback.reference,
        reference=str(body.get("provider_reference") or ""),
        amount_minor=amount if isinstance(amount, int) and not isinstance(amount, bool) else None,
        currency=str(body.get("currency") or ""),
        is_applied=callback.state == "applied",
    )


_LINE: Final = (
    "l.id, l.account_id, a.kind, l.statement_id, l.booked_on, l.value_on, l.kind, l.amount_minor, l.gross_minor,"
    " l.currency, l.reference, l.batch, s.created_at, a.calendar, a.settle_days"
)
_FROM: Final = (
    " FROM recon_line l JOIN recon_account a ON a.id = l.account_id JOIN recon_statement s ON s.id = l.statement_id"
    " AND s.is_complete"
)
# Accounts are few; both reads go by the index on (account, reference).
_ACCOUNTS: Final = " WHERE l.account_id = ANY (ARRAY(SELECT id FROM recon_account))"
_OWN: Final = f"SELECT {_LINE}{_FROM}{_ACCOUNTS} AND l.reference = ANY(%s)"
_OF_BATCH: Final = f"{_OWN} AND (l.kind = 'payout' OR a.kind = 'bank')"


def _lines(references: dict[str, set[str]]) -> dict[str, list[Seen]]:
    """The lines of each intent, then those of the batches that its own lines name."""
    whose: dict[str, list[str]] = {}
    for intent_id, names in references.items():
        for name in names:
            whose.setdefault(name, []).append(intent_id)
    found: dict[str, list[Seen]] = {}
    in_batch: dict[str, list[str]] = {}
    for line in _seen(_OWN, list(whose), is_own=True):
        for intent_id in whose[line.reference]:
            found.setdefault(intent_id, []).append(line)
            if line.batch:
                in_batch.setdefault(line.batch, []).append(intent_id)
    for line in _seen(_OF_BATCH, list(in_batch), is_own=False):
        for intent_id in dict.fromkeys(in_batch[line.reference]):
            found[intent_id].append(line)
    return found


def _seen(statement: str, references: list[str], *, is_own: bool) -> list[Seen]:
    if not references:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY l.booked_on, l.id", [references])
        return [_read(row, is_own) for row in cursor.fetchall()]


def _read(row: Sequence[Any], is_own: bool) -> Seen:
    """By the order of _LINE."""
    line, account, account_kind, statement, *rest = row
    values: list[Any] = [
        ids.to_public("lin", line), ids.to_public("rca", account), account_kind, ids.to_public("stm", statement),
        *rest, is_own,
    ]  # fmt: skip
    return Seen(*values)
