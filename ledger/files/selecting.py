"""What an export holds: pages of postings or accounts in the order in which they were recorded."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from ledger.files.beancount import render_beancount, render_beancount_head
from ledger.files.parts import Cursor
from ledger.files.rendering import account_document, posting_document, render
from ledger.files.types import ExportRecord
from ledger.queries.accounts import ACCOUNT_COLUMNS, account_record
from ledger.queries.balances import list_balances
from ledger.queries.postings import read_postings
from ledger.types import AccountRecord
from zentra.core import ids

PAGE: Final = 2_000
_TIME: Final = {"postings": "recorded_at", "accounts": "created_at"}
_TABLE: Final = {"postings": "ledger_posting", "accounts": "ledger_account"}


@dataclass(frozen=True, slots=True)
class Page:
    """The next rows of an export as its file has them; ``last`` is the place of the last one."""

    rows: int
    content: bytes
    last: Cursor


def read_page(record: ExportRecord, *, after: Cursor | None) -> Page:
    """The page after a place; the first one of a CSV or Beancount text starts with its head."""
    where, values = _conditions(record)
    time = _TIME[record.kind]
    if after is not None:
        where += f" AND ({time}, id) > (%s, %s)"
        values += after
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {time}, id FROM {_TABLE[record.kind]} t WHERE {where} ORDER BY {time}, id LIMIT %s",  # noqa: S608  # constants of this module
            [*values, PAGE],
        )
        places: list[Cursor] = [(moment, key) for moment, key in cursor.fetchall()]
    if not places:
        return Page(0, b"", after or (record.created_at, ids.new_uuid()))
    content = beginning(record) if after is None else b""
    if record.kind == "accounts":
        content += _accounts(record, places)
    else:
        content += _postings(record, places)
    return Page(len(places), content, places[-1])


def count_rows(record: ExportRecord) -> int:
    """How many rows the ledger has for the export now."""
    where, values = _conditions(record)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {_TABLE[record.kind]} t WHERE {where}", values)  # noqa: S608  # as above
        (count,) = cursor.fetchone()
    return int(count)


def beginning(record: ExportRecord) -> bytes:
    """What stands before the first row."""
    if record.format == "beancount":
        return render_beancount_head(accounts=_accounts_of(record))
    return render([], form=record.format, is_first=True, kind=record.kind)


def _conditions(record: ExportRecord) -> tuple[str, list[Any]]:
    filters = record.filters
    conditions: list[tuple[str, Any]] = [(f"{_TIME[record.kind]} < %s", record.created_at)]
    if record.kind == "accounts":
        conditions.append(("currency = %s", filters.currency))
    else:
        account = filters.account_id and ids.to_uuid(filters.account_id, prefix="acct")
        entry = "EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = t.id AND e.{} = %s)"
        conditions += [
            ("effective_at >= %s", filters.effective_from),
            ("effective_at < %s", filters.effective_to),
            ("recorded_at >= %s", filters.recorded_from),
            ("recorded_at < %s", filters.recorded_to),
            ("state = %s", filters.state),
            (entry.format("account_id"), account),
            (entry.format("currency"), filters.currency),
        ]
    asked = [(words, value) for words, value in conditions if value is not None]
    return " AND ".join(words for words, _ in asked), [value for _, value in asked]


def _postings(record: ExportRecord, places: list[Cursor]) -> bytes:
    stored = read_postings(posting_ids=[key for _, key in places], required=True)
    if record.format == "beancount":
        return render_beancount(stored, accounts=_accounts_of(record))
    documents = [posting_document(each) for each in stored]
    return render(documents, form=record.format, is_first=False, kind=record.kind)


def _accounts(record: ExportRecord, places: list[Cursor]) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ACCOUNT_COLUMNS} FROM ledger_account WHERE id = ANY (%s::uuid[]) ORDER BY created_at, id",  # noqa: S608  # constant columns
            [[key for _, key in places]],
        )
        accounts = [account_record(row) for row in cursor.fetchall()]
        cursor.execute("SELECT id, code FROM ledger_category")
        categories = {ids.to_public("cat", key): code for key, code in cursor.fetchall()}
    balances = list_balances(account_ids=[account.id for account in accounts])
    documents = [
        account_document(account, balances[account.id], categories.get(account.category_id or ""))
        for account in accounts
    ]
    return render(documents, form=record.format, is_first=False, kind=record.kind)


def _accounts_of(record: ExportRecord) -> list[AccountRecord]:
    """Every account that a posting of the export may name."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ACCOUNT_COLUMNS} FROM ledger_account WHERE created_at < %s ORDER BY created_at, id",  # noqa: S608  # constant columns
            [record.created_at],
        )
        return [account_record(row) for row in cursor.fetchall()]
