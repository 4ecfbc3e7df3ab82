"""Finding accounts and postings by what people remember of them, and the accounts that stand in the chart's tree."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from ledger.queries.accounts import ACCOUNT_COLUMNS, IN_CATEGORY, account_record, is_account_id
from ledger.queries.postings import StoredPosting, posting_conditions, read_rows
from ledger.types import AccountRecord, PostingFilters
from zentra.core import ids

# How many accounts or postings one page of a search looks at, so that its cost does not grow with their number.
SCAN: Final = 20_000
Place = tuple[datetime, str]

_NEWEST: Final = "ORDER BY created_at DESC, id DESC"
_TEXT: Final = "(code ILIKE %s OR name ILIKE %s OR customer ILIKE %s OR external_id ILIKE %s)"
_IN_TREE: Final = f"""
SELECT {ACCOUNT_COLUMNS} FROM (
  SELECT a.*, row_number() OVER (PARTITION BY a.category_id ORDER BY a.code) AS place
    FROM ledger_account a WHERE a.currency = %s AND a.category_id IS NOT NULL) a
 WHERE place <= %s ORDER BY code
"""  # noqa: S608  # constant columns


def search_accounts(
    *,
    limit: int,
    before: Place | None = None,
    text: str = "",
    currency: str | None = None,
    account_type: str | None = None,
    state: str | None = None,
    category_id: str | None = None,
) -> tuple[list[AccountRecord], Place | None]:
    """Accounts newest first, and the place after which the next page goes on, None at the end.

    ``text`` is an id, or a part of a code, name, customer or external id. ``category_id`` means a category with all
    below it. A page looks at the newest 20,000 accounts after ``before`` and may hold fewer than ``limit`` while older
    ones exist; an id, code or customer in full is found however old the account is. Raises BadId.
    """
    within, place = _within(before)
    conditions, values = _conditions(text, currency, account_type, state, category_id)
    found = _read(
        f"SELECT {ACCOUNT_COLUMNS} FROM (SELECT * FROM ledger_account {within} {_NEWEST} LIMIT %s) a"  # noqa: S608  # constants
        f" WHERE {conditions} {_NEWEST} LIMIT %s",
        [*place, SCAN, *values, limit + 1],
    )
    if len(found) > limit:
        last = found[limit - 1]
        return found[:limit], (last.created_at, last.id)
    if text and before is None:
        known = {account.id for account in found}
        conditions, values = _conditions("", currency, account_type, state, category_id)
        found += [account for account in _exact(text, conditions, values, limit) if account.id not in known]
    return found, _end_of_scan(within, place)


def search_postings(
    *, limit: int, before: Place | None = None, filters: PostingFilters
) -> tuple[list[StoredPosting], Place | None]:
    """Postings newest first, and the place after which the next page goes on, None at the end.

    Those of an intent, a hold or an external reference are found by their index. By anything else a page looks at the
    newest 20,000 postings after ``before`` and may hold fewer than ``limit``, or none, while older ones exist.
    """
    conditions, values = posting_conditions(filters=filters)
    where = " AND ".join(conditions) or "true"
    within, place = ("", []) if before is None else _before(before)
    order = "ORDER BY p.recorded_at DESC, p.id DESC LIMIT %s"
    if filters.intent_id or filters.hold_id or filters.external_reference or not conditions:
        chosen = f"SELECT * FROM ledger_posting p WHERE {where} {within} {order}"  # noqa: S608  # constants
        found = read_rows(chosen=chosen, values=[*values, *place, limit + 1], order="DESC")
        return found[:limit], _place(found[limit - 1]) if len(found) > limit else None
    window = f"SELECT * FROM ledger_posting p WHERE true {within} {order}"  # noqa: S608  # constants
    chosen = f"SELECT * FROM ({window}) p WHERE {where} {order}"  # noqa: S608  # constants
    found = read_rows(chosen=chosen, values=[*place, SCAN, *values, limit + 1], order="DESC")
    if len(found) > limit:
        return found[:limit], _place(found[limit - 1])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.recorded_at, p.id FROM ledger_posting p WHERE true {within} {order} OFFSET %s",  # noqa: S608  # constants
            [*place, 1, SCAN - 1],
        )
        row = cursor.fetchone()
    return found, None if row is None else (row[0], ids.to_public("posting", row[1]))


def _before(place: Place) -> tuple[str, list[Any]]:
    return "AND (p.recorded_at, p.id) < (%s, %s)", [place[0], ids.to_uuid(place[1], prefix="posting")]


def _place(stored: StoredPosting) -> Place:
    return stored.posted.recorded_at, stored.posted.posting_id


def list_accounts_in_tree(*, currency: str, per_category: int) -> list[AccountRecord]:
    """The first accounts of each category by code, in one currency; those in no category are left out."""
    return _read(_IN_TREE, [currency, per_category])


def list_currencies() -> list[str]:
    """The currencies that accounts were in when all entries were last added up (each minute), by code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT currency FROM ledger_resum ORDER BY currency")
        return [row[0] for row in cursor.fetchall()]


def _within(before: Place | None) -> tuple[str, list[Any]]:
    if before is None:
        return "", []
    return "WHERE (created_at, id) < (%s, %s)", [before[0], ids.to_uuid(before[1], prefix="acct")]


def _conditions(
    text: str, currency: str | None, account_type: str | None, state: str | None, category_id: str | None
) -> tuple[str, list[Any]]:
    asked: list[tuple[str, Any]] = [
        ("currency = %s", currency),
        ("account_type = %s", account_type),
        ("state = %s", state),
        (IN_CATEGORY, category_id and ids.to_uuid(category_id, prefix="cat")),
    ]
    conditions = [words for words, value in asked if value]
    values = [value for _, value in asked if value]
    if text:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append(_TEXT)
        values += [f"%{escaped}%"] * 4
    return " AND ".join(conditions) or "true", values


def _exact(text: str, conditions: str, values: list[Any], limit: int) -> list[AccountRecord]:
    """Accounts of just this id, code or customer, however old they are."""
    if is_account_id(text):
        named: tuple[str, list[Any]] = ("id = %s", [ids.to_uuid(text, prefix="acct")])
    else:
        named = ("(code = %s OR customer = %s)", [text, text])
    return _read(
        f"SELECT {ACCOUNT_COLUMNS} FROM ledger_account WHERE {named[0]} AND {conditions} {_NEWEST} LIMIT %s",  # noqa: S608  # constants
        [*named[1], *values, limit],
    )


def _end_of_scan(within: str, place: list[Any]) -> Place | None:
    """The last account that a page looked at, or None when it saw the first of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT created_at, id FROM ledger_account {within} {_NEWEST} LIMIT 1 OFFSET %s",  # noqa: S608  # constants
            [*place, SCAN - 1],
        )
        row = cursor.fetchone()
    return None if row is None else (row[0], ids.to_public("acct", row[1]))


def _read(statement: str, values: Sequence[Any]) -> list[AccountRecord]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return [account_record(row) for row in cursor.fetchall()]
