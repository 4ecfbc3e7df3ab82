"""Entries as matching took them over."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

from django.db import connection

from ledger.queries.accounts import as_json
from zentra.core.ids import to_public, to_uuid
from zentra.reconciliation.matching.errors import EntryNotFound
from zentra.reconciliation.matching.types import EntryRecord

_ENTRIES: Final = """
SELECT e.entry_id, e.account_id, e.version, e.posting_id, e.intent_id, e.purpose, e.amount_minor, e.currency,
       e.effective_at, e.effective_on, e.recorded_at, e.reference, e."references", e.batch,
       e.original_amount_minor, e.original_currency, i.match_id
  FROM recon_entry e
  LEFT JOIN recon_match_item i ON i.entry_id = e.entry_id AND i.stands
 WHERE {where}
 ORDER BY e.effective_on, e.entry_id
"""


def get_entry(*, entry_id: str) -> EntryRecord:
    """An entry; raises EntryNotFound, BadId."""
    found = get_entries(entry_ids=[entry_id])
    if not found:
        raise EntryNotFound(f"There is no entry {entry_id} of a reconciled account.", entry_id=entry_id)
    return found[0]


def get_entries(*, entry_ids: Sequence[str]) -> list[EntryRecord]:
    """The entries of these ids in the order of effect, missing ones left out; raises BadId."""
    keys = [to_uuid(each, prefix="entry") for each in entry_ids]
    return _read("e.entry_id = ANY(%s::uuid[])", [keys]) if keys else []


def list_entries(
    *,
    account_id: str,
    limit: int,
    after: tuple[date, str] | None = None,
    only: Literal["all", "open", "matched"] = "all",
    from_on: date | None = None,
    to_on: date | None = None,
) -> list[EntryRecord]:
    """Entries of an account, oldest first. ``after`` is (effective_on, id) of the last one seen; days inclusive.

    Raises BadId.
    """
    conditions, values = ["e.account_id = %s"], list[Any]([to_uuid(account_id, prefix="rca")])
    if after is not None:
        conditions.append("(e.effective_on, e.entry_id) > (%s, %s)")
        values.extend((after[0], to_uuid(after[1], prefix="entry")))
    if only != "all":
        wanted = "EXISTS" if only == "open" else "NOT EXISTS"
        conditions.append(f"{wanted} (SELECT FROM recon_open_entry o WHERE o.entry_id = e.entry_id)")
    if from_on is not None:
        conditions.append("e.effective_on >= %s")
        values.append(from_on)
    if to_on is not None:
        conditions.append("e.effective_on <= %s")
        values.append(to_on)
    return _read(" AND ".join(conditions), values, limit=limit)


def _read(where: str, values: list[Any], *, limit: int | None = None) -> list[EntryRecord]:
    statement = _ENTRIES.format(where=where)
    if limit is not None:
        statement, values = statement + " LIMIT %s", [*values, limit]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_record(row) for row in cursor.fetchall()]


def _record(row: Sequence[Any]) -> EntryRecord:
    (key, account, version, posting, intent_id, purpose, amount, currency, effective_at, effective_on, recorded_at,
     reference, references, batch, original, original_currency, match) = row  # fmt: skip
    return EntryRecord(
        id=to_public("entry", key),
        account_id=to_public("rca", account),
        version=version,
        posting_id=to_public("posting", posting),
        intent_id=intent_id,
        purpose=purpose,
        amount_minor=amount,
        currency=currency,
        effective_at=effective_at,
        effective_on=effective_on,
        recorded_at=recorded_at,
        reference=reference,
        references=as_json(references),
        batch=batch,
        original_amount_minor=original,
        original_currency=original_currency,
        match_id=match and to_public("mat", match),
    )
