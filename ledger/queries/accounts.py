"""Finding accounts."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.errors import AccountNotFound, UnknownAccount
from ledger.types import AccountRecord
from zentra.core import ids
from zentra.core.tenancy import current_tenant, in_tenant

_FIELDS: Final = tuple(field.name for field in fields(AccountRecord))
ACCOUNT_COLUMNS: Final = ", ".join(_FIELDS)
# A category with all below it.
IN_CATEGORY: Final = """category_id IN (
  WITH RECURSIVE below AS (
    SELECT c.id FROM ledger_category c WHERE c.id = %s
     UNION ALL
    SELECT c.id FROM ledger_category c JOIN below b ON c.parent_id = b.id)
  SELECT id FROM below)"""
_BEGINS: Final = """EXISTS (
  SELECT FROM (VALUES (code), (name), (customer), (external_id)) AS t (said), (SELECT %s::text AS wanted) w
   WHERE starts_with(lower(t.said), w.wanted))"""


def is_account_id(text: str) -> bool:
    """Whether the text has the form of an account id, ``acct_`` and 26 characters."""
    return text.startswith("acct_") and len(text) == len("acct_") + ids.LENGTH


def find_account(*, ref: UUID | str, currency: str | None = None) -> AccountRecord:
    """The account that a request names: by ``acct_…`` id, or by code.

    A code may exist once per currency. Without a currency it means the one in the workspace's ledger currency, else
    the oldest. Raises UnknownAccount, and BadId for a malformed id.
    """
    if isinstance(ref, UUID) or is_account_id(ref):
        key = ref if isinstance(ref, UUID) else ids.to_uuid(ref, prefix="acct")
        found = _one("id = %s AND (%s::text IS NULL OR currency = %s)", [key, currency, currency])
    elif currency is not None:
        found = _one("code = %s AND currency = %s", [ref, currency])
    else:
        first = current_tenant().ledger_currency if in_tenant() else ""
        found = _one("code = %s ORDER BY currency <> %s, created_at, id LIMIT 1", [ref, first])
    if found is None:
        name = ids.to_public("acct", ref) if isinstance(ref, UUID) else ref[:100]
        raise UnknownAccount(f"There is no account {name}{f' in {currency}' if currency else ''}.", account=name)
    return found


def get_account(*, account_id: str) -> AccountRecord:
    """The account of an id; raises AccountNotFound, BadId."""
    found = _one("id = %s", [ids.to_uuid(account_id, prefix="acct")])
    if found is None:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    return found


def list_accounts(
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    currency: str | None = None,
    account_type: str | None = None,
    customer: str | None = None,
    state: str | None = None,
    account_class: str | None = None,
    category_id: str | None = None,
    text: str | None = None,
) -> list[AccountRecord]:
    """Accounts, newest first. ``before`` is (created_at, id) of the last one seen: the next page starts after it.

    ``category_id`` means a category with all below it. ``text`` is how a code, name, customer or external id begins,
    in small or large letters.
    """
    conditions, values = ["true"], list[Any]()
    if before is not None:
        conditions.append("(created_at, id) < (%s, %s)")
        values.extend((before[0], ids.to_uuid(before[1], prefix="acct")))
    filters = {
        "currency": currency,
        "account_type": account_type,
        "customer": customer,
        "state": state,
        "type": account_class,
    }
    for column, wanted in filters.items():
        if wanted is not None:
            conditions.append(f"{column} = %s")
            values.append(wanted)
    if category_id is not None:
        conditions.append(IN_CATEGORY)
        values.append(ids.to_uuid(category_id, prefix="cat"))
    if text:
        conditions.append(_BEGINS)
        values.append(text.lower())
    where = " AND ".join(conditions)
    return _all(f"{where} ORDER BY created_at DESC, id DESC LIMIT %s", [*values, limit])


def account_record(row: Sequence[Any]) -> AccountRecord:
    """The record of a row of ACCOUNT_COLUMNS."""
    facts = dict(zip(_FIELDS, row, strict=True))
    facts["id"] = ids.to_public("acct", facts["id"])
    facts["category_id"] = facts["category_id"] and ids.to_public("cat", facts["category_id"])
    facts["limits_changed_by"] = as_json(facts["limits_changed_by"])
    facts["state_changed_by"] = as_json(facts["state_changed_by"])
    facts["metadata"] = as_json(facts["metadata"])
    return AccountRecord(**facts)


def as_json(value: Any) -> Any:
    """A jsonb value; raw cursors of Django give its text."""
    return json.loads(value) if isinstance(value, str) else value


def _one(where: str, values: list[Any]) -> AccountRecord | None:
    found = _all(where, values)
    return found[0] if found else None


def _all(where: str, values: list[Any]) -> list[AccountRecord]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ACCOUNT_COLUMNS} FROM ledger_account WHERE {where}", values)  # noqa: S608  # constants
        return [account_record(row) for row in cursor.fetchall()]
