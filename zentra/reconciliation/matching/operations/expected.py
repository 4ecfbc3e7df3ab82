"""Money that somebody owes us, from the day it is known until it arrives or is missing."""

import json
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import RECONCILIATION
from zentra.core.ids import new_id, new_uuid, to_public
from zentra.core.money import check_amount_minor, check_currency
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk.store import today
from zentra.reconciliation.matching.errors import ExpectedConflict
from zentra.reconciliation.matching.locks import Locked, lock_account
from zentra.reconciliation.matching.models import Expected
from zentra.reconciliation.matching.queries.expected import expected_record
from zentra.reconciliation.matching.types import ExpectedRecord
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.queries import get_reconciled_account
from zentra.tenants.configuration.queries import read_settings

# A line of a complete statement that bears the reference, in the same direction; how much it is, is told by exceptions.
_ARRIVALS: Final = """
UPDATE recon_expected d SET state = 'arrived', line_id = a.line_id, changed_at = %(now)s
  FROM (SELECT DISTINCT ON (d.id) d.id, l.id AS line_id
          FROM recon_expected d
          JOIN recon_line l ON l.account_id = d.account_id AND l.reference = d.reference AND l.currency = d.currency
           AND l.reference <> '' AND sign(l.amount_minor) = sign(d.amount_minor)
          JOIN recon_statement s ON s.id = l.statement_id AND s.is_complete
         WHERE d.account_id = %(account)s AND d.state IN ('expected', 'missing') AND d.reference <> ''
         ORDER BY d.id, l.booked_on, l.id) a
 WHERE d.id = a.id
"""
_HERE: Final = """
UPDATE recon_exception x
   SET state = 'resolved', resolution = 'gone', resolved_by = %(actor)s::jsonb, resolved_at = %(now)s,
       version = x.version + 1
  FROM recon_expected d
 WHERE x.account_id = %(account)s AND d.id = x.expected_id AND d.state = 'arrived' AND x.state = 'open'
   AND x.line_id IS NULL AND x.entry_id IS NULL
RETURNING x.id, x.kind, x.amount_minor, x.difference_minor, x.currency
"""
_DUE: Final = """
UPDATE recon_expected SET state = 'missing', changed_at = %s WHERE state = 'expected' AND due_on < %s
RETURNING id, account_id, reference, amount_minor, currency, due_on
"""
_ENTRY: Final = """
SELECT e.entry_id, e.intent_id FROM recon_entry e JOIN recon_open_entry o ON o.entry_id = e.entry_id
 WHERE e.account_id = %s AND e.reference = %s AND e.reference <> '' AND e.currency = %s LIMIT 2
"""
_TELL: Final = """
UPDATE recon_exception SET kind = 'missing', expected_id = %(expected)s, version = version + 1,
       facts = facts || %(facts)s::jsonb
 WHERE entry_id = %(entry)s AND line_id IS NULL AND state = 'open'
"""
_OPEN: Final = """
INSERT INTO recon_exception (id, account_id, kind, state, entry_id, expected_id, intent_id, amount_minor,
  difference_minor, currency, facts, happened_on, due_at, resolution, reason_code, reason, opened_at)
SELECT %(id)s, %(account)s, 'missing', 'open', %(entry)s, %(expected)s, %(intent)s, %(amount)s, -%(amount)s::bigint,
       %(currency)s, %(facts)s::jsonb, %(due_on)s, %(due_at)s, '', '', '', %(now)s
 WHERE NOT EXISTS (SELECT FROM recon_exception x WHERE x.expected_id = %(expected)s AND x.state <> 'resolved')
   AND NOT EXISTS (SELECT FROM recon_exception x WHERE x.entry_id = %(entry)s AND x.state <> 'resolved')
RETURNING id
"""


@transaction.atomic
def expect(
    *,
    account_id: str,
    source: str,
    reference: str,
    amount_minor: int,
    currency: str,
    due_on: date,
    now: datetime,
    gross_minor: int | None = None,
    fee_minor: int | None = None,
) -> ExpectedRecord:
    """Note what is owed (net, positive, minor units); the same again changes nothing.

    Raises ExpectedConflict when other figures are expected under this reference, AccountNotFound, InvalidAmount,
    UnknownCurrency, BadId.
    """
    account = get_reconciled_account(account_id=account_id)
    key = {"account_id": account.id, "source": source, "reference": normalise_reference(reference)}
    figures = {
        "amount_minor": check_amount_minor(amount_minor),
        "gross_minor": gross_minor,
        "fee_minor": fee_minor,
        "currency": check_currency(currency),
        "due_on": due_on,
    }
    row, _ = Expected.objects.get_or_create(
        **key, defaults={**figures, "id": new_id("exd"), "made_at": now, "changed_at": now}
    )
    if any(getattr(row, name) != value for name, value in figures.items()):
        raise ExpectedConflict(f"{reference[:64]} is expected with other figures.", expected_id=row.id)
    return expected_record(row=row)


def note_arrivals(*, account: Locked, now: datetime) -> None:
    """Tell which expected money is on a statement by now; part of a run."""
    values: dict[str, Any] = {"account": account.key, "now": now, "actor": json.dumps(RECONCILIATION.as_dict())}
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVALS, values)
        if not cursor.rowcount:
            return
        cursor.execute(_HERE, values)
        rows = cursor.fetchall()
    record_events(events=[_gone(account.id, row) for row in rows], now=now)


@transaction.atomic
def mark_missing(*, now: datetime) -> int:
    """Turn what was due before today into *missing*, with an exception each; how many exceptions opened.

    Today is the workspace's. Recorded as ``exceptions.opened`` once per account.
    """
    day = today(now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT account_id FROM recon_expected WHERE state = 'expected' AND due_on < %s", [day])
        accounts = sorted(row[0] for row in cursor.fetchall())
        if not accounts:
            return 0
        for key in accounts:
            lock_account(account_id=to_public("rca", key))
            note_arrivals_of(key=key, now=now)
        cursor.execute(_DUE, [now, day])
        rows = cursor.fetchall()
    due_at = now + timedelta(hours=read_settings(workspace_id=current_tenant().id).exception_hours)
    opened: dict[UUID, list[str]] = {}
    for row in sorted(rows):
        found = _open_missing(row, due_at, now)
        if found is not None:
            opened.setdefault(row[1], []).append(found)
    record_events(events=[_opened(to_public("rca", key), found) for key, found in sorted(opened.items())], now=now)
    return sum(len(found) for found in opened.values())


def note_arrivals_of(*, key: UUID, now: datetime) -> None:
    """What arrived since the account's last run is not missing; under the account's lock."""
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVALS, {"account": key, "now": now})


def _open_missing(row: tuple[Any, ...], due_at: datetime, now: datetime) -> str | None:
    expected, account, reference, amount, currency, due_on = row
    facts = json.dumps({"reference": reference, "due_on": due_on.isoformat(), "expected_minor": amount})
    with connection.cursor() as cursor:
        cursor.execute(_ENTRY, [account, reference, currency])
        entries = cursor.fetchall()
        entry, intent = entries[0] if len(entries) == 1 else (None, None)
        cursor.execute(_TELL, {"entry": entry, "expected": expected, "facts": facts})
        if cursor.rowcount:
            return None
        values = {
            "id": new_uuid(), "account": account, "entry": entry, "expected": expected, "intent": intent,
            "amount": amount, "currency": currency, "facts": facts, "due_on": due_on, "due_at": due_at, "now": now,
        }  # fmt: skip
        cursor.execute(_OPEN, values)
        made = cursor.fetchone()
    return to_public("exc", made[0]) if made else None


def _opened(account_id: str, found: list[str]) -> NewEvent:
    data: dict[str, object] = {
        "account_id": account_id,
        "by_kind": {"missing": len(found)},
        "opened": len(found),
        "exception_ids": found[:100],
    }
    return NewEvent(type="exceptions.opened", actor=RECONCILIATION, data=data)


def _gone(account_id: str, row: tuple[Any, ...]) -> NewEvent:
    key, kind, amount, difference, currency = row
    data: dict[str, object] = {
        "exception_id": to_public("exc", key), "account_id": account_id, "kind": kind, "resolution": "gone",
        "amount_minor": amount, "difference_minor": difference, "currency": currency,
    }  # fmt: skip
    return NewEvent(type="exception.resolved", actor=RECONCILIATION, data=data)
