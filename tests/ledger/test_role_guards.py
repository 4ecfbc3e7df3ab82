"""What the database itself refuses, by role: the application's, and the owner of the schema, whom no grant stops."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError

from ledger import errors, operations
from ledger.types import Line, PostingState
from tests.ledger.book import Book, item, pair
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work

Owner = psycopg.Connection[Any]

# Written by triggers, the sequencer and folding alone.
DERIVED = (
    "ledger_balance",
    "ledger_entry_position",
    "ledger_entry_unsequenced",
    "ledger_reversed",
    "ledger_turnover",
    "ledger_fold",
    "ledger_fold_due",
    "ledger_posting_transition",
)
# What the application may do with its owner's rights: lock, sequence, fold, freeze, close; make and drop months of
# history; wait for decisions in flight when new rules come into force (a trigger's function).
# All else would be a way round.
LENT = {
    "ledger_lock_reversals",
    "ledger_lock",
    "ledger_sequence",
    "ledger_fold",
    "ledger_fold_due_accounts",
    "ledger_set_account_state",
    "ledger_set_period_state",
    "policy_await_weighed",
    "webhooks_make_partitions",
    "webhooks_drop_partitions",
}


def refused(book: Book, statement: str) -> str:
    """The name of what refused: our SQLSTATE, or the constraint."""
    with pytest.raises(DatabaseError) as refusal:
        book.sql(statement)
    cause: Any = refusal.value.__cause__
    return str(cause.diag.constraint_name or cause.sqlstate)


def test_what_follows_from_entries_is_not_the_applications_to_write(book: Book) -> None:
    for table in DERIVED:
        (column,) = book.sql("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table])[
            0
        ]
        for statement in (
            f"INSERT INTO {table} SELECT * FROM {table}",
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            assert refused(book, statement) == "42501", statement


def test_the_application_says_who_and_why_of_a_hold_but_never_how_much(book: Book) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    book.hold("wallet", 60)

    for column in ("amount_minor", "captured_minor", "released_minor", "state", "account_id", "closed_at"):
        assert refused(book, f"UPDATE ledger_hold SET {column} = {column}") == "42501", column
    for statement in ("DELETE FROM ledger_hold", "TRUNCATE ledger_hold", "UPDATE ledger_hold_event SET kind = kind"):
        assert refused(book, statement) == "42501", statement
    born_full = (
        "INSERT INTO ledger_hold SELECT (jsonb_populate_record(h, jsonb_build_object('id', gen_random_uuid()))).*"
        " FROM ledger_hold h"
    )
    assert refused(book, born_full) == "ZL010"


def test_the_application_changes_an_accounts_state_only_through_its_function(book: Book) -> None:
    for column in ("state", "state_reason", "sequencing", "currency", "normal_balance", "code"):
        assert refused(book, f"UPDATE ledger_account SET {column} = {column}") == "42501", column
    for statement in ("DELETE FROM ledger_account", "UPDATE ledger_period SET state = 'open'"):
        assert refused(book, statement) == "42501", statement


def test_only_a_few_functions_lend_the_owners_rights(book: Book) -> None:
    rows = book.sql(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prosecdef AND n.nspname = current_schema() AND has_function_privilege(p.oid, 'EXECUTE')"
    )

    assert {name for (name,) in rows} == LENT


def test_our_triggers_cannot_be_hung_on_a_table_of_somebodys_own(book: Book) -> None:
    """They run as the owner: on a temporary table they would write into balances whatever stands in it."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    before = book.contents()

    for function, table, way in (
        ("ledger_entries_written", "ledger_entry", "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"),
        ("ledger_postings_written", "ledger_posting", "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"),
        ("ledger_account_opened", "ledger_account", "FOR EACH ROW"),
    ):
        own = (
            f"CREATE TEMP TABLE own ON COMMIT DROP AS SELECT * FROM {table};"
            f" CREATE TRIGGER own AFTER INSERT ON own {way} EXECUTE FUNCTION {function}()"
        )
        assert refused(book, own) == "42501", function
    assert book.contents() == before


def test_the_sealer_reads_and_never_writes(owner: Owner) -> None:
    (sealer,) = owner.execute(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
        " WHERE table_schema = current_schema() AND table_name = 'evidence_leaf' AND grantee LIKE '%%sealer%%'"
    ).fetchone() or ("zentra_sealer",)
    rows = owner.execute(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = current_schema() AND table_name LIKE 'ledger%%' AND grantee = %s"
        " AND privilege_type <> 'SELECT'",
        [sealer],
    ).fetchall()

    assert rows == []


def test_not_even_the_owner_changes_or_removes_what_stands(book: Book, owner: Owner) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    book.release(book.hold("wallet", 60).id)
    kept = {
        "ledger_posting": "purpose",
        "ledger_entry": "amount_minor",
        "ledger_entry_position": "version",
        "ledger_posting_transition": "state",
        "ledger_hold_event": "kind",
        "ledger_hold": None,
        "ledger_reversed": None,
        "ledger_account": None,
        "ledger_balance": None,
    }

    for table, column in kept.items():
        statements = [f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]
        for statement in [*statements, *([f"UPDATE {table} SET {column} = {column}"] if column else [])]:
            with pytest.raises(psycopg.DatabaseError) as refusal:
                owner.execute(statement.encode())
            assert refusal.value.sqlstate == "ZL010", statement
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("SET session_replication_role = replica")


def test_a_posting_without_entries_is_refused_to_everybody(book: Book, owner: Owner) -> None:
    empty = (
        "INSERT INTO ledger_posting (id, purpose, state, entry_count, entry_hash, actor, correlation_id, effective_at,"
        " recorded_at, description, metadata) VALUES (gen_random_uuid(), 'manual', 'posted', {},"
        " decode(repeat('00', 32), 'hex'), '{{}}', 'c', now(), now(), '', '{{}}')"
    )

    assert refused(book, empty.format(2)) == "ZL002"
    assert refused(book, empty.format(0)) == "ledger_posting_two_entries"
    with pytest.raises(psycopg.DatabaseError) as refusal:
        owner.execute(empty.format(2).encode())
    assert refusal.value.sqlstate == "ZL002"


def test_an_account_without_room_refuses_with_the_numbers(book: Book) -> None:
    for code, floor in {"deferred": None, "immediate": 0}.items():
        book.open(code, floor=floor)
        other = book.open(f"other-{code}")
        book.move(other, code, 2**53 - 1)
        book.sequence()
        before = book.contents()

        with pytest.raises(errors.BalanceOverflow) as caught:
            book.move("suspense", code, 1)
        assert caught.value.extra["account"] == code
        assert book.contents() == before
        book.move(code, other, 2**53 - 1)
        book.sequence()
    assert book.diverging() == 0


def test_a_closed_period_refuses_every_kind_of_posting(book: Book, owner: Owner) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    now = clock.now()
    owner.execute(
        "INSERT INTO ledger_period (id, starts_at, ends_at, state) VALUES (%s, %s, %s, 'closed')",
        [ids.new_uuid(), now - timedelta(days=31), now - timedelta(days=1)],
    )
    inside = now - timedelta(days=2)
    before = book.contents()

    with pytest.raises(errors.ClosedPeriod):
        book.move("bank", "wallet", 5, effective_at=inside)
    with pytest.raises(errors.ClosedPeriod):
        book.post(pair("wallet", "bank", 5, lock_version=1), effective_at=inside)
    with pytest.raises(errors.ClosedPeriod) as caught:
        book.hold("wallet", 5, now=inside)
    assert set(caught.value.extra) == {"effective_at", "starts_at", "ends_at"}
    assert book.contents() == before
    assert book.move("bank", "wallet", 5, effective_at=now - timedelta(days=1)).amount_minor == 5


def test_a_capture_is_out_of_what_is_held_whoever_writes_it(book: Book) -> None:
    """By the posting function alone: no operation would write these."""
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 1000)
    hold = book.hold("wallet", 300)
    book.release(hold.id, 100)
    whole = book.two_phase([Line("wallet", "debit", 50), Line("merchant_balance", "credit", 50)])
    before = book.contents()

    def write(hold_id: str, kinds: list[tuple[PostingState, str, str, int]]) -> None:
        items = [
            item(pair(debit, credit, amount), state=state, hold_id=hold_id, purpose="hold.forged")
            for state, debit, credit, amount in kinds
        ]
        with tenant_work(book.workspace):
            operations.post_postings(postings=[each.posting for each in items], facts=items[0].facts)

    free: tuple[PostingState, str, str, int] = ("released", "reserved_balance", "wallet", 50)
    attempts: list[tuple[str, list[tuple[PostingState, str, str, int]]]] = [
        (hold.id, [("posted", "wallet", "bank", 50)]),  # nothing is released with it
        (hold.id, [free, ("posted", "wallet", "bank", 51)]),  # not as much
        (hold.id, [free, ("posted", "customer_balance", "bank", 50)]),  # out of another account
        (whole.id, [("released", "merchant_balance", "wallet", 50), ("posted", "wallet", "bank", 50)]),  # to another
        (hold.id, [("released", "reserved_balance", "wallet", 201)]),  # more than is left
        (hold.id, [("released", "wallet", "reserved_balance", 1)]),  # the wrong way round
    ]
    for hold_id, kinds in attempts:
        with pytest.raises((errors.OverCapture, errors.OverRelease)):
            write(hold_id, kinds)
        assert book.contents() == before
