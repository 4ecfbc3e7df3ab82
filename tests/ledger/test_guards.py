"""Each invariant, gone round Python: plain SQL as the application's role, refused by the database."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError

from ledger.refusals import refusal_of
from tests.ledger.book import Book
from zentra.core import clock, ids

HASH = b"\x01" * 32
INSERT = """
WITH p AS (
  INSERT INTO ledger_posting (id, purpose, state, intent_id, reverses_id, entry_count, entry_hash, actor,
                              correlation_id, effective_at, recorded_at, description, metadata)
  VALUES (%(posting)s, %(purpose)s, %(state)s, %(intent)s, %(reverses)s, %(count)s, %(hash)s, '{}', 'c',
          %(effective)s, %(now)s, '', '{}'))
INSERT INTO ledger_entry (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency,
                          effective_at, recorded_at)
SELECT e.id, %(posting)s, e.position, a.id, a.code, e.direction, e.amount, e.currency, %(entry_effective)s, %(now)s
  FROM unnest(%(ids)s::uuid[], %(positions)s::smallint[], %(codes)s::text[], %(directions)s::text[],
              %(amounts)s::bigint[], %(currencies)s::text[])
       AS e (id, position, code, direction, amount, currency)
  JOIN ledger_account a ON a.code = e.code AND a.currency = coalesce(%(account_currency)s, e.currency)
"""


def insert(book: Book, **changes: Any) -> UUID:
    """A sound posting, but for the changes; its id."""
    now = clock.now()
    values: dict[str, Any] = {
        "posting": ids.new_uuid(),
        "purpose": "manual",
        "state": "posted",
        "intent": None,
        "reverses": None,
        "count": 2,
        "hash": HASH,
        "effective": now,
        "entry_effective": now,
        "now": now,
        "ids": [ids.new_uuid(), ids.new_uuid()],
        "positions": [1, 2],
        "codes": ["bank", "suspense"],
        "directions": ["debit", "credit"],
        "amounts": [5, 5],
        "currencies": ["USD", "USD"],
        "account_currency": None,
        **changes,
    }
    book.sql(INSERT, values)
    posting: UUID = values["posting"]
    return posting


def refused(call: Callable[[], object]) -> str:
    """The name of what refused: our SQLSTATE, or the constraint."""
    with pytest.raises(DatabaseError) as refusal:
        call()
    cause: Any = refusal.value.__cause__
    return str(cause.diag.constraint_name or cause.sqlstate)


def test_a_sound_posting_by_plain_sql_is_counted_like_any_other(book: Book) -> None:
    before = book.net("suspense")

    insert(book)

    assert book.net("suspense") == before + 5
    assert book.diverging() == 0


def test_a_sound_posting_by_plain_sql_is_held_to_the_floor(book: Book) -> None:
    book.open("wallet", floor=0)

    assert refused(lambda: insert(book, codes=["wallet", "bank"])) == "ZL006"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amounts": [5, 6]}, "ZL001"),
        ({"directions": ["debit", "debit"]}, "ZL001"),
        ({"count": 3}, "ZL002"),
        ({"count": 1}, "ledger_posting_two_entries"),
        ({"codes": []}, "ZL002"),
        ({"positions": [1, 1]}, "ledger_entry_place_once"),
        ({"positions": [0, 1]}, "ledger_entry_position_from_one"),
        ({"amounts": [0, 0]}, "ledger_entry_amount_range"),
        ({"amounts": [-5, -5]}, "ledger_entry_amount_range"),
        ({"amounts": [2**53, 2**53]}, "ledger_entry_amount_range"),
        ({"directions": ["up", "down"]}, "ledger_entry_direction_known"),
        ({"currencies": ["EUR", "EUR"], "account_currency": "USD"}, "ZL005"),
        ({"purpose": "Not a step"}, "ledger_posting_purpose_form"),
        ({"hash": b"short"}, "ledger_posting_hash_length"),
        ({"state": "pending"}, "ledger_posting_pending_is_held"),
        ({"reverses": ids.new_uuid()}, "ZL014"),
    ],
)
def test_an_unsound_posting_is_refused(book: Book, changes: dict[str, Any], refusal: str) -> None:
    before = book.contents()

    assert refused(lambda: insert(book, **changes)) == refusal
    assert book.contents() == before


def test_an_entry_that_counts_from_another_moment_than_its_posting_is_refused(book: Book) -> None:
    earlier = clock.now().replace(year=2020)

    assert refused(lambda: insert(book, entry_effective=earlier)) == "ZL002"


def test_a_future_effective_date_is_refused(book: Book) -> None:
    later = clock.now().replace(year=2100)

    assert refused(lambda: insert(book, effective=later, entry_effective=later)) == "ledger_posting_not_future"


def test_a_reversal_of_a_reversal_is_refused(book: Book) -> None:
    first = insert(book)
    reversal = insert(book, directions=["credit", "debit"], reverses=first)

    assert refused(lambda: insert(book, reverses=reversal)) == "ZL013"
    assert refused(lambda: insert(book, directions=["credit", "debit"], reverses=first)) == "ZL017"
    assert refused(lambda: insert(book, reverses=insert(book))) == "ZL016"


def test_a_step_posts_once(book: Book) -> None:
    insert(book, intent="i1", purpose="reserve")

    assert refused(lambda: insert(book, intent="i1", purpose="reserve")) == "ledger_posting_step_once"


def test_nothing_can_be_added_to_a_posting(book: Book) -> None:
    posting = insert(book)
    add = (
        "INSERT INTO ledger_entry SELECT gen_random_uuid(), posting_id, position + 2, account_id, account_ref,"
        " direction, amount_minor, currency, NULL, effective_at, recorded_at FROM ledger_entry WHERE posting_id = %s"
    )

    assert refused(lambda: book.sql(add, [posting])) == "ZL002"
    assert refused(lambda: book.sql(add.replace("position + 2", "position"), [posting])) == "ledger_entry_place_once"


def test_entries_without_a_posting_are_refused(book: Book) -> None:
    insert(book)
    orphan = (
        "INSERT INTO ledger_entry SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000000', position,"
        " account_id, account_ref, direction, amount_minor, currency, NULL, effective_at, recorded_at"
        " FROM ledger_entry LIMIT 2"
    )

    assert refused(lambda: book.sql(orphan)) in {"ZL001", "ZL002"}


@pytest.mark.parametrize(
    "table", ["ledger_posting", "ledger_entry", "ledger_posting_transition", "ledger_entry_position"]
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {column} = {column}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_application_may_not_even_try_to_change_what_stands(book: Book, table: str, statement: str) -> None:
    column = "entry_id" if table == "ledger_entry_position" else "id"

    assert refused(lambda: book.sql(statement.format(table, column=column))) == "42501"


@pytest.mark.parametrize("table", ["ledger_balance", "ledger_entry_position", "ledger_entry_unsequenced"])
def test_the_application_may_not_write_balances_or_positions(book: Book, table: str) -> None:
    assert refused(lambda: book.sql(f"INSERT INTO {table} SELECT * FROM {table}")) == "42501"
    assert refused(lambda: book.sql(f"DELETE FROM {table}")) == "42501"


def test_the_application_may_not_delete_accounts_or_change_their_facts(book: Book) -> None:
    assert refused(lambda: book.sql("DELETE FROM ledger_account")) == "42501"
    assert refused(lambda: book.sql("UPDATE ledger_account SET currency = 'EUR'")) == "42501"


def test_how_an_account_is_sequenced_never_changes_and_a_deferred_one_has_no_limits(book: Book) -> None:
    book.open("wallet", floor=0)
    deferred = "ledger_account_deferred_unlimited"

    assert refused(lambda: book.sql("UPDATE ledger_account SET sequencing = 'immediate'")) == "42501"
    assert refused(lambda: book.sql("UPDATE ledger_account SET floor_minor = 0 WHERE code = 'bank'")) == deferred
    book.sql("UPDATE ledger_account SET floor_minor = NULL WHERE code = 'wallet'")
    insert(book, codes=["wallet", "bank"])


def test_a_code_is_taken_once_per_currency(book: Book) -> None:
    copy = (
        "INSERT INTO ledger_account SELECT gen_random_uuid(), code, name, account_type, type, normal_balance, currency,"
        " customer, external_id, floor_minor, state, state_reason, metadata, opened_by, created_at, updated_at"
        " FROM ledger_account WHERE code = 'bank'"
    )

    assert refused(lambda: book.sql(copy)) == "ledger_account_code_once"


def test_a_temporary_table_cannot_stand_in_for_ours(book: Book) -> None:
    before = book.net("suspense")

    book.sql("CREATE TEMPORARY TABLE ledger_balance (LIKE ledger_balance) ON COMMIT DROP")
    insert(book)

    assert book.net("suspense") == before + 5


def test_every_refusal_of_the_database_becomes_one_of_ours(book: Book) -> None:
    with pytest.raises(DatabaseError) as refusal:
        insert(book, amounts=[5, 6])

    ours = refusal_of(refusal.value)

    assert ours is not None
    assert (ours.code, ours.extra["debits_minor"], ours.extra["credits_minor"]) == ("unbalanced_posting", 5, 6)
