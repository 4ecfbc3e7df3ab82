"""Entries are taken over from the ledger in the order of the account's history."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from ledger.queries import HistoryEntry, get_account, history_after
from zentra.core.errors import DomainError
from zentra.core.money import check_amount_minor, check_currency
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.locks import Locked, lock_account
from zentra.reconciliation.matching.types import Taken
from zentra.reconciliation.references import normalise_reference
from zentra.routing.queries import provider_references
from zentra.tenants.configuration.queries import read_settings

BATCH: Final = 5_000
"""Versions of the ledger account in one statement."""
MOST: Final = 20_000
"""Versions in one call, so that no transaction is long; whoever wants all calls again while there is more."""

_INSERT: Final = """
WITH taken AS (
  INSERT INTO recon_entry (entry_id, account_id, version, posting_id, intent_id, purpose, amount_minor, currency,
                           effective_at, effective_on, recorded_at, reference, "references", batch,
                           original_amount_minor, original_currency)
  SELECT t.entry_id, %(account)s, t.version, t.posting_id, t.intent_id, t.purpose, t.amount_minor, t.currency,
         t.effective_at, (t.effective_at AT TIME ZONE %(zone)s)::date, t.recorded_at, t.reference, t.refs::jsonb,
         t.batch, t.original_amount_minor, t.original_currency
    FROM unnest(%(entry_id)s::uuid[], %(version)s::bigint[], %(posting_id)s::uuid[], %(intent_id)s::text[],
                %(purpose)s::text[], %(amount_minor)s::bigint[], %(currency)s::text[], %(effective_at)s::timestamptz[],
                %(recorded_at)s::timestamptz[], %(reference)s::text[], %(refs)s::text[], %(batch)s::text[],
                %(original_amount_minor)s::bigint[], %(original_currency)s::text[])
      AS t (entry_id, version, posting_id, intent_id, purpose, amount_minor, currency, effective_at, recorded_at,
            reference, refs, batch, original_amount_minor, original_currency)
  ON CONFLICT DO NOTHING
  RETURNING entry_id
)
INSERT INTO recon_open_entry (entry_id, account_id) SELECT entry_id, %(account)s FROM taken
"""


def take_entries(*, account_id: str, now: datetime) -> Taken:  # noqa: ARG001  # a door's moment, as everywhere
    """Take over what the ledger account has had since, at most ``MOST`` versions of it.

    Runs in the caller's transaction and holds the account's row. Raises AccountNotFound, BadId.
    """
    account = lock_account(account_id=account_id)
    zone = read_settings(workspace_id=current_tenant().id).time_zone
    normal = get_account(account_id=account.ledger_account_id).normal_balance
    version, entries, head = account.taken_version, 0, account.taken_version
    while version < account.taken_version + MOST:
        found = history_after(account_id=account.ledger_account_id, after_version=version, limit=BATCH)
        if found.version == version:
            break
        entries += len(found.entries)
        _insert(account, found.entries, normal, zone)
        version, head = found.version, found.head
    if version > account.taken_version:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE recon_account SET taken_version = %s WHERE id = %s", [version, account.key])
    return Taken(entries=entries, version=version, more=head > version)


def _insert(account: Locked, entries: Sequence[HistoryEntry], normal: str, zone: str) -> None:
    if not entries:
        return
    known = provider_references(intent_ids=sorted({each.intent_id for each in entries if each.intent_id}))
    rows = [_row(each, normal, known) for each in entries]
    values: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, {**values, "account": account.key, "zone": zone})


def _row(entry: HistoryEntry, normal: str, known: Mapping[str, str]) -> dict[str, Any]:
    said = {
        "external": entry.external_reference or "",
        "provider": known.get(entry.intent_id, "") if entry.intent_id else "",
        "intent": entry.intent_id or "",
        "correlation": entry.correlation_id,
    }
    references = [normalise_reference(said[name]) for name in ("external", "provider", "intent")]
    batch = entry.metadata.get("batch")
    original, original_currency = _original(entry)
    side = 1 if entry.direction == normal else -1
    return {
        "entry_id": entry.id,
        "version": entry.version,
        "posting_id": entry.posting_id,
        "intent_id": entry.intent_id,
        "purpose": entry.purpose,
        "amount_minor": side * entry.amount_minor,
        "currency": entry.currency,
        "effective_at": entry.effective_at,
        "recorded_at": entry.recorded_at,
        "reference": next((each for each in references if each), ""),
        "refs": json.dumps({name: words for name, words in said.items() if words}),
        "batch": normalise_reference(batch) if isinstance(batch, str) else "",
        "original_amount_minor": None if original is None else side * original,
        "original_currency": original_currency,
    }


def _original(entry: HistoryEntry) -> tuple[int | None, str]:
    """What the posting says in its metadata of the money before exchange; nothing where that is not of its form."""
    try:
        amount = check_amount_minor(entry.metadata.get("original_amount_minor"))
        currency = check_currency(str(entry.metadata.get("original_currency")))
    except DomainError:
        return None, ""
    return (None, "") if currency == entry.currency else (amount, currency)
