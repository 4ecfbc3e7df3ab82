"""The traps of schema tenancy, each set off on purpose and shown closed: nobody ever reads another tenant's rows."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction

from tests.ledger.book import at_once
from zentra.core import ids, schema, tenancy
from zentra.core.db.hot import execute_hot
from zentra.core.errors import DomainError
from zentra.core.tenancy import NoTenant, TenantError, TenantRef, WrongSchema, current_tenant, in_tenant, tenant_work

READ = "SELECT key FROM idempotency_key ORDER BY key"


@pytest.fixture
def marked(workspace: TenantRef, other_workspace: TenantRef) -> tuple[TenantRef, TenantRef]:
    """Two workspaces, each with one row that says whose it is."""
    for ws in (workspace, other_workspace):
        mark(ws)
    return workspace, other_workspace


def mark(ws: TenantRef) -> None:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO idempotency_key (operation, key, fingerprint, created_at) VALUES ('mark', %s, '', now())",
            [ws.slug],
        )


def fetch(statement: str = READ) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def fetch_in_a_savepoint() -> list[Any]:
    with transaction.atomic():
        return fetch()


def search_path() -> str:
    [path] = fetch("SHOW search_path")
    return str(path)


def test_each_workspace_reads_its_own_rows(marked: tuple[TenantRef, TenantRef]) -> None:
    for ws in marked:
        with tenant_work(ws):
            assert fetch() == [ws.slug]
            assert current_tenant() == ws


# -- An error while switching ------------------------------------------------------------------------------------------


def test_an_error_while_switching_is_raised_and_not_answered_with_the_previous_tenants_rows(
    marked: tuple[TenantRef, TenantRef],
) -> None:
    """The name below is one that the server itself refuses as a search path, whatever statement sets it."""
    first, second = marked
    with tenant_work(first):
        fetch()

    with pytest.raises(DatabaseError), tenant_work(replace(second, schema='bro"ken')):
        pytest.fail(f"read {fetch()}")

    assert not in_tenant()
    assert search_path() == "public"
    with pytest.raises(ProgrammingError, match="does not exist"):
        fetch()


def test_a_connection_lost_while_switching_is_an_error(marked: tuple[TenantRef, TenantRef]) -> None:
    _, second = marked
    with transaction.atomic():
        [process] = fetch("SELECT pg_backend_pid()")
        at_once([lambda: fetch(f"SELECT pg_terminate_backend({process}, 5000)")], threads=1)
        with pytest.raises(OperationalError), tenant_work(second):
            pytest.fail(f"read {fetch()}")
        transaction.set_rollback(True)
    connection.close()

    with tenant_work(second):
        assert fetch() == [second.slug]


def test_in_autocommit_after_tenant_work_there_is_nothing_to_read(workspace: TenantRef) -> None:
    mark(workspace)

    with pytest.raises(ProgrammingError, match='relation "idempotency_key" does not exist'):
        fetch()
    assert search_path() == "public"


# -- A schema that is not there ----------------------------------------------------------------------------------------


def test_a_missing_schema_is_refused_and_never_public(database: None) -> None:
    ghost = TenantRef(id=ids.new_uuid(), slug="ghost", schema="ws_ghost", mode="sandbox")

    with pytest.raises(WrongSchema), tenant_work(ghost):
        pytest.fail(f"entered {search_path()}")

    assert not in_tenant()
    assert search_path() == "public"


def test_a_schema_that_was_dropped_is_refused(make_workspace: Callable[..., TenantRef]) -> None:
    ws = make_workspace()
    with schema.connect_as_owner() as owner:
        schema.drop_schema(ws.schema, owner=owner)

    with pytest.raises(WrongSchema), tenant_work(ws):
        pytest.fail(f"entered {search_path()}")


def test_an_unknown_workspace_is_refused(database: None) -> None:
    with pytest.raises(NoTenant), tenant_work(ids.new_uuid()):
        pytest.fail(f"entered {search_path()}")


def test_a_schema_name_cannot_end_the_statement(database: None) -> None:
    crooked = TenantRef(id=ids.new_uuid(), slug="x", schema='x", public; --', mode="sandbox")

    with pytest.raises((WrongSchema, DatabaseError)), tenant_work(crooked):
        pytest.fail(f"entered {search_path()}")


# -- Outside -----------------------------------------------------------------------------------------------------------


def test_tenant_work_outside_a_workspace_fails(workspace: TenantRef) -> None:
    with pytest.raises(NoTenant):
        current_tenant()
    with pytest.raises(ProgrammingError, match="does not exist"):
        fetch()


def test_every_table_of_a_tenant_fails_outside_and_names_nothing_in_public(workspace: TenantRef) -> None:
    with schema.connect_as_owner() as owner:
        tables = [
            row[0]
            for row in owner.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p')"
                " AND relname <> 'django_migrations'",
                [workspace.schema],
            )
        ]

    assert len(tables) > 30
    for table in tables:
        with pytest.raises(ProgrammingError, match="does not exist"):
            fetch(f"SELECT 1 FROM {table}")


# -- Other threads and event loops -------------------------------------------------------------------------------------


def observe() -> tuple[str, bool]:
    try:
        return search_path(), in_tenant()
    finally:
        connection.close()


def test_a_new_thread_starts_in_public(workspace: TenantRef) -> None:
    seen: list[tuple[str, bool]] = []

    with tenant_work(workspace):
        thread = threading.Thread(target=lambda: seen.append(observe()))
        thread.start()
        thread.join()

    assert seen == [("public", False)]


def test_an_event_loop_inside_tenant_work_starts_in_public(workspace: TenantRef) -> None:
    async def look() -> tuple[str, bool]:
        return await sync_to_async(observe, thread_sensitive=False)()

    with tenant_work(workspace):
        assert asyncio.run(look()) == ("public", False)
        assert in_tenant()


def test_a_context_that_was_copied_to_a_thread_is_entered_anew_there(workspace: TenantRef) -> None:
    mark(workspace)

    def work() -> tuple[list[Any], str]:
        try:
            with tenant_work(workspace):
                return fetch(), current_tenant().slug
        finally:
            connection.close()

    async def run() -> tuple[list[Any], str]:
        return await sync_to_async(work, thread_sensitive=False)()

    with tenant_work(workspace):
        assert asyncio.run(run()) == ([workspace.slug], workspace.slug)
        assert fetch() == [workspace.slug]


def test_a_context_that_was_copied_to_a_thread_may_not_enter_another_workspace(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    def work() -> None:
        try:
            with tenant_work(other_workspace):
                pytest.fail("entered")
        finally:
            connection.close()

    with tenant_work(workspace), pytest.raises(TenantError):
        asyncio.run(sync_to_async(work, thread_sensitive=False)())


async def test_an_async_test_of_channels_kind_resolves_the_tenant_in_each_unit_of_work(workspace: TenantRef) -> None:
    def unit() -> str:
        try:
            with tenant_work(workspace.id) as ws:
                return ws.slug
        finally:
            connection.close()

    assert await sync_to_async(observe, thread_sensitive=False)() == ("public", False)
    assert await sync_to_async(unit, thread_sensitive=False)() == workspace.slug
    assert await sync_to_async(observe, thread_sensitive=False)() == ("public", False)


# -- Nesting -----------------------------------------------------------------------------------------------------------


def test_another_workspace_may_not_be_entered_from_inside(workspace: TenantRef, other_workspace: TenantRef) -> None:
    with tenant_work(workspace):
        with pytest.raises(TenantError), tenant_work(other_workspace):
            pytest.fail("entered")
        assert current_tenant() == workspace
        assert workspace.schema in search_path()


def test_the_same_workspace_entered_again_joins_the_transaction(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        mark(workspace)
        with tenant_work(workspace.id):
            assert fetch() == [workspace.slug]
        assert workspace.schema in search_path()
        transaction.set_rollback(True)

    with tenant_work(workspace):
        assert fetch() == []


def test_tenant_work_inside_a_transaction_in_public_leaves_public_behind(
    marked: tuple[TenantRef, TenantRef],
) -> None:
    first, second = marked
    with transaction.atomic():
        with tenant_work(first):
            assert fetch() == [first.slug]
        assert search_path() == "public"
        with tenant_work(second):
            assert fetch() == [second.slug]
        assert search_path() == "public"
        with pytest.raises(ProgrammingError, match="does not exist"):
            fetch_in_a_savepoint()


def test_tenant_work_that_fails_inside_a_transaction_in_public_leaves_public_behind(workspace: TenantRef) -> None:
    def fail() -> None:
        with tenant_work(workspace):
            mark(workspace)
            raise ValueError("undone")

    with transaction.atomic():
        with pytest.raises(ValueError, match="undone"):
            fail()
        assert search_path() == "public"
        assert not in_tenant()
    with tenant_work(workspace):
        assert fetch() == []


# -- The pool ----------------------------------------------------------------------------------------------------------


def test_the_pool_hands_out_connections_in_public_whatever_went_wrong(
    make_workspace: Callable[..., TenantRef],
) -> None:
    tenants = [make_workspace() for _ in range(3)]
    for ws in tenants:
        mark(ws)
    errors: tuple[Callable[[], Any], ...] = (
        lambda: fetch("SELECT 1/0"),
        lambda: fetch("SELECT no_such_column FROM idempotency_key"),
        lambda: (_ for _ in ()).throw(RuntimeError("ours")),
    )

    def unit(number: int) -> tuple[str, str, list[Any], str]:
        """One unit of work that may fail, then what the next one gets from the same pool."""
        ws = tenants[number % 3]
        try:
            with tenant_work(ws):
                rows = fetch()
                if number % 2:
                    errors[number % len(errors)]()
        except (DatabaseError, RuntimeError):
            pass
        before = search_path()
        connection.close()
        return ws.slug, before, rows, search_path()

    results = at_once([lambda n=n: unit(n) for n in range(480)], threads=16)  # type: ignore[misc]  # n is bound at once

    wrong = [r for r in results if isinstance(r, Exception) or r[2] != [r[0]] or {r[1], r[3]} != {"public"}]
    assert wrong == []


def test_a_statement_that_was_prepared_in_one_workspace_reads_each_one_s_own_rows(
    make_workspace: Callable[..., TenantRef],
) -> None:
    tenants = [make_workspace() for _ in range(3)]
    for ws in tenants:
        mark(ws)

    for _ in range(8):  # past the point where PostgreSQL settles on a generic plan
        for ws in tenants:
            with tenant_work(ws):
                rows = execute_hot("SELECT key FROM idempotency_key WHERE operation = %s", ["mark"]).fetchall()
            assert rows == [(ws.slug,)]

    with pytest.raises(ProgrammingError, match="does not exist"):
        execute_hot("SELECT key FROM idempotency_key WHERE operation = %s", ["mark"])


def test_an_id_never_changes_its_workspace_and_a_deleted_one_is_forgotten(
    make_workspace: Callable[..., TenantRef],
) -> None:
    ws = make_workspace()
    assert tenancy.resolve(ws.id) == ws

    tenancy.forget(ws.id)

    assert tenancy.resolve(ws.id) == ws


class Refused(DomainError):
    """A refusal of these tests."""

    code = "refused_in_a_test"


def refuse(ws: TenantRef, keep: Callable[[], None]) -> None:
    """Write, and be refused, which leaves something."""
    refusal = Refused("no")
    refusal.leaves = keep
    with tenant_work(ws), tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO idempotency_key (operation, key, fingerprint, created_at) VALUES ('x', 'undone', '', now())"
        )
        raise refusal


def test_what_a_refusal_leaves_is_kept_once_and_all_else_is_undone(workspace: TenantRef) -> None:
    with pytest.raises(Refused):
        refuse(workspace, lambda: mark(workspace))

    with tenant_work(workspace):
        assert fetch() == [workspace.slug]
    assert not in_tenant()


def test_a_refusal_stands_though_what_it_leaves_cannot_be_kept(workspace: TenantRef) -> None:
    def fail() -> None:
        mark(workspace)
        raise ValueError

    with pytest.raises(Refused):
        refuse(workspace, fail)

    with tenant_work(workspace):
        assert fetch() == []
