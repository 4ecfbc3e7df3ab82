"""Postings and entries as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.errors import PostingNotFound
from ledger.hashing import entry_hash
from ledger.queries.accounts import as_json, is_account_id
from ledger.types import (
    EntryRecord,
    Fx,
    Line,
    NewPosting,
    Posted,
    PostedEntry,
    PostingFacts,
    PostingFilters,
)
from zentra.core import ids
from zentra.core.actors import Actor

_POSTINGS: Final = """
SELECT p.id, p.purpose, p.intent_id, p.reverses_id, p.entry_hash, p.actor, p.correlation_id, p.idempotency_key,
       p.source_event_id, p.decision_id, p.external_reference, p.effective_at, p.recorded_at, p.description, p.metadata,
       p.state, p.hold_id, p.corrects_id, p.fx,
       e.id, e.account_id, a.code, e.account_ref, e.direction, e.amount_minor, e.currency, e.floor_minor
  FROM ({chosen}) p
  JOIN ledger_entry e ON e.posting_id = p.id
  JOIN ledger_account a ON a.id = e.account_id
 ORDER BY p.recorded_at {order}, p.id {order}, e.position
"""
_ENTRY: Final = 19  # where the columns of the entry begin
_ENTRIES: Final = """
SELECT e.id, e.posting_id, p.purpose, p.intent_id, e.account_id, a.code, a.account_type, e.direction, e.amount_minor,
       e.currency, e.effective_at, e.recorded_at, p.entry_hash, p.actor, p.correlation_id, p.decision_id,
       p.source_event_id, n.version, n.balance_after_minor, p.state, p.hold_id, p.description, p.external_reference
  FROM {source}
  JOIN ledger_account a ON a.id = e.account_id
"""
_OF_POSTING: Final = (
    "ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id LEFT JOIN ledger_entry_position n ON n.entry_id = e.id"
)
_OF_ACCOUNT: Final = (
    "ledger_entry_position n JOIN ledger_entry e ON e.id = n.entry_id JOIN ledger_posting p ON p.id = e.posting_id"
)


@dataclass(frozen=True, slots=True)
class StoredPosting:
    """A posting with everything that its hash covers."""

    posted: Posted
    asked: NewPosting
    facts: PostingFacts

    def replay(self) -> Posted:
        """The answer to whoever asks for the same again."""
        return replace(self.posted, replayed=True)


def get_posting(*, posting_id: str) -> StoredPosting:
    """A posting; raises PostingNotFound, BadId."""
    return read_postings(posting_ids=[ids.to_uuid(posting_id, prefix="posting")], required=True)[0]


def read_postings(*, posting_ids: Sequence[UUID], required: bool = False) -> list[StoredPosting]:
    """The postings of these ids, oldest first; with ``required`` a missing one raises PostingNotFound."""
    found = read_rows(chosen="SELECT * FROM ledger_posting WHERE id = ANY (%s::uuid[])", values=[list(posting_ids)])
    if required and len(found) < len(set(posting_ids)):
        missing = set(posting_ids) - {ids.to_uuid(each.posted.posting_id, prefix="posting") for each in found}
        name = ids.to_public("posting", missing.pop())
        raise PostingNotFound(f"There is no posting {name}.", posting_id=name)
    return found


def postings_of_intent(*, intent_id: str) -> list[StoredPosting]:
    """The postings of an intent, oldest first."""
    return read_rows(chosen="SELECT * FROM ledger_posting WHERE intent_id = %s", values=[intent_id])


def find_step_posting(*, intent_id: str, purpose: str) -> str | None:
    """The id of the posting that an intent's step made (``success``, ``settle``, ``release``); None before it did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM ledger_posting WHERE intent_id = %s AND purpose = %s", [intent_id, purpose])
        row = cursor.fetchone()
    return ids.to_public("posting", row[0]) if row else None


def postings_of_hold(*, hold_id: str) -> list[StoredPosting]:
    """The postings of a hold, oldest first: pending, released, and posted where it was captured."""
    return read_rows(
        chosen="SELECT * FROM ledger_posting WHERE hold_id = %s", values=[ids.to_uuid(hold_id, prefix="hold")]
    )


def reversals_of(*, posting_id: str) -> list[StoredPosting]:
    """The postings that reverse one, in whole or in part, oldest first."""
    return read_rows(
        chosen="SELECT * FROM ledger_posting WHERE reverses_id = %s", values=[ids.to_uuid(posting_id, prefix="posting")]
    )


def corrections_of(*, posting_id: str) -> list[StoredPosting]:
    """The postings that stand in the place of a reversed one."""
    return read_rows(
        chosen="SELECT * FROM ledger_posting WHERE corrects_id = %s", values=[ids.to_uuid(posting_id, prefix="posting")]
    )


def list_postings(
    *, limit: int, before: tuple[datetime, str] | None = None, filters: PostingFilters | None = None
) -> list[StoredPosting]:
    """Postings, newest first. ``before`` is (recorded_at, id) of the last one seen."""
    conditions, values = posting_conditions(filters=filters or PostingFilters())
    if before is not None:
        conditions.append("(p.recorded_at, p.id) < (%s, %s)")
        values.extend((before[0], ids.to_uuid(before[1], prefix="posting")))
    where = " AND ".join(conditions) or "true"
    chosen = f"SELECT * FROM ledger_posting p WHERE {where} ORDER BY p.recorded_at DESC, p.id DESC LIMIT %s"  # noqa: S608  # constants
    return read_rows(chosen=chosen, values=[*values, limit], order="DESC")


def posting_conditions(*, filters: PostingFilters) -> tuple[list[str], list[Any]]:
    """The filters as conditions on ``p``, a posting, and their values."""
    asked: list[tuple[str, Any]] = [
        ("p.purpose = %s", filters.purpose),
        ("p.intent_id = %s", filters.intent_id),
        ("p.hold_id = %s", filters.hold_id and ids.to_uuid(filters.hold_id, prefix="hold")),
        ("p.external_reference = %s", filters.external_reference),
        ("p.state = %s", filters.state),
        ("p.effective_at >= %s", filters.effective_from),
        ("p.effective_at < %s", filters.effective_to),
        ("p.recorded_at >= %s", filters.recorded_from),
        ("p.recorded_at < %s", filters.recorded_to),
        (
            "EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.account_id = %s)",
            filters.account_id and ids.to_uuid(filters.account_id, prefix="acct"),
        ),
        ("EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.currency = %s)", filters.currency),
        (
            "EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.amount_minor >= %s)",
            filters.at_least_minor,
        ),
        (
            "EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.amount_minor <= %s)",
            filters.at_most_minor,
        ),
    ]
    given = [(text, value) for text, value in asked if value is not None]
    return [text for text, _ in given], [value for _, value in given]


def entries_of_intent(*, intent_id: str) -> list[EntryRecord]:
    """Every posted entry of an intent in the order in which they were posted; holds move nothing, so not theirs."""
    tail = "WHERE p.intent_id = %s AND p.state = 'posted' ORDER BY p.recorded_at, p.id, e.position"
    return _entries(_OF_POSTING, tail, [intent_id])


def entries_of_intents(*, intent_ids: Sequence[str]) -> dict[str, list[EntryRecord]]:
    """The same of several intents in one statement, by intent; one without entries is left out."""
    tail = "WHERE p.intent_id = ANY(%s) AND p.state = 'posted' ORDER BY p.recorded_at, p.id, e.position"
    found: dict[str, list[EntryRecord]] = {}
    for entry in _entries(_OF_POSTING, tail, [list(intent_ids)]):
        found.setdefault(entry.intent_id or "", []).append(entry)
    return found


def entries_of_posting(*, posting_id: str) -> list[EntryRecord]:
    """The entries of a posting in its order, each with its place in its account's history once it has one."""
    tail = "WHERE e.posting_id = %s ORDER BY e.position"
    return _entries(_OF_POSTING, tail, [ids.to_uuid(posting_id, prefix="posting")])


def account_history(*, account_id: str, limit: int, before_version: int | None = None) -> list[EntryRecord]:
    """The sequenced entries of an account, newest first, each with its version and the balance after it."""
    key = ids.to_uuid(account_id, prefix="acct")
    tail = "WHERE n.account_id = %s AND n.version < %s ORDER BY n.version DESC LIMIT %s"
    return _entries(_OF_ACCOUNT, tail, [key, before_version or 2**63 - 1, limit])


def verify_entry_hash(*, posting_id: str) -> bool:
    """Whether the hash of a posting is that of its stored rows, computed again."""
    stored = get_posting(posting_id=posting_id)
    return entry_hash(posting=stored.asked, facts=stored.facts) == stored.posted.entry_hash


def _entries(source: str, tail: str, values: list[Any]) -> list[EntryRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES.format(source=source) + tail, values)
        return [_entry(row) for row in cursor.fetchall()]


def _entry(row: Sequence[Any]) -> EntryRecord:
    (key, posting, purpose, intent_id, account, code, account_type, direction, amount, currency, effective_at,
     recorded_at, digest, actor, correlation_id, decision_id, source_event_id, version, balance, state, hold_id,
     description, external_reference) = row  # fmt: skip
    return EntryRecord(
        id=ids.to_public("entry", key),
        posting_id=ids.to_public("posting", posting),
        purpose=purpose,
        intent_id=intent_id,
        account_id=ids.to_public("acct", account),
        account_code=code,
        account_type=account_type,
        direction=direction,
        amount_minor=amount,
        currency=currency,
        effective_at=effective_at,
        recorded_at=recorded_at,
        entry_hash=bytes(digest).hex(),
        actor=as_json(actor),
        correlation_id=correlation_id,
        decision_id=decision_id,
        source_event_id=source_event_id,
        version=version,
        balance_after_minor=None if balance is None else int(balance),
        state=state,
        hold_id=hold_id and ids.to_public("hold", hold_id),
        description=description,
        external_reference=external_reference,
    )


def read_rows(*, chosen: str, values: list[Any], order: str = "ASC") -> list[StoredPosting]:
    """The postings of a statement that chooses rows of ``ledger_posting``, with their entries, in one read."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTINGS.format(chosen=chosen, order=order), values)
        rows = cursor.fetchall()
    grouped: dict[UUID, list[Sequence[Any]]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return [_stored(group) for group in grouped.values()]


def _stored(rows: list[Sequence[Any]]) -> StoredPosting:
    (key, purpose, intent_id, reverses, digest, actor, correlation_id, idempotency_key, source_event_id, decision_id,
     external_reference, effective_at, recorded_at, description, metadata, state, hold,
     corrects, rate) = rows[0][:19]  # fmt: skip
    posting_id = ids.to_public("posting", key)
    reverses_id = None if reverses is None else ids.to_public("posting", reverses)
    corrects_id = None if corrects is None else ids.to_public("posting", corrects)
    hold_id = None if hold is None else ids.to_public("hold", hold)
    fx = None if rate is None else _fx(as_json(rate))
    currency = rows[0][_ENTRY + 6]
    posted = Posted(
        posting_id=posting_id,
        purpose=purpose,
        intent_id=intent_id,
        entries=tuple(_posted_entry(row) for row in rows),
        entry_hash=bytes(digest).hex(),
        currency=currency,
        recorded_at=recorded_at,
        effective_at=effective_at,
        correlation_id=correlation_id,
        reverses_id=reverses_id,
        state=state,
        hold_id=hold_id,
        corrects_id=corrects_id,
        fx=fx,
    )
    asked = NewPosting(
        posting_id=posting_id,
        purpose=purpose,
        lines=tuple(_line(row, currency) for row in rows),
        currency=currency,
        effective_at=effective_at,
        reverses_id=reverses_id,
        description=description,
        metadata=as_json(metadata),
        state=state,
        hold_id=hold_id,
        corrects_id=corrects_id,
        fx=fx,
    )
    facts = PostingFacts(
        actor=Actor(**as_json(actor)),
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        intent_id=intent_id,
        idempotency_key=idempotency_key,
        source_event_id=source_event_id,
        decision_id=decision_id,
        external_reference=external_reference,
    )
    return StoredPosting(posted, asked, facts)


def _fx(rate: dict[str, Any]) -> Fx:
    quoted_at = rate["quoted_at"]
    return Fx(**{**rate, "quoted_at": None if quoted_at is None else datetime.fromisoformat(quoted_at)})


def _posted_entry(row: Sequence[Any]) -> PostedEntry:
    entry_id, account_id, code, _ref, direction, amount_minor, currency, _floor = row[_ENTRY:]
    return PostedEntry(
        id=ids.to_public("entry", entry_id),
        account_id=ids.to_public("acct", account_id),
        account_code=code,
        direction=direction,
        amount_minor=amount_minor,
        currency=currency,
    )


def _line(row: Sequence[Any], posting_currency: str) -> Line:
    _id, _account_id, _code, ref, direction, amount_minor, currency, floor_minor = row[_ENTRY:]
    account = ids.to_uuid(ref, prefix="acct") if is_account_id(ref) else ref
    own = None if currency == posting_currency else currency
    return Line(account=account, direction=direction, amount_minor=amount_minor, floor_minor=floor_minor, currency=own)
