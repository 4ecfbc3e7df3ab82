"""Attempts and callbacks are kept by the month: what comes always finds a place, what is there never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection

from tests.evidence.sealing import as_role
from tests.ledger.book import at_once
from tests.tenants.catalogue import ask
from tests.webhooks.histories import (
    in_workspace,
    keep_attempt,
    keep_callback,
    month,
    name_of,
    partitions_of,
    rows_of,
)
from webhooks.operations import make_partitions
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

PARENTS = ("webhooks_attempt", "webhooks_callback")
OWNER = "ZENTRA_OWNER_DATABASE_URL"


def keep_both(ws: TenantRef, at: datetime) -> None:
    with tenant_work(ws):
        keep_attempt(at)
        keep_callback(at)


# -- Months ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", PARENTS)
def test_a_new_workspace_has_this_month_the_next_and_one_for_all_else(parent: str, workspace: TenantRef) -> None:
    moment = now()

    assert partitions_of(workspace, parent) == [
        name_of(parent, moment),
        name_of(parent, month(moment, 1)),
        f"{parent}_default",
    ]


@pytest.mark.parametrize("parent", PARENTS)
def test_each_partition_has_the_keys_indexes_and_columns_of_its_table(parent: str, workspace: TenantRef) -> None:
    columns = (
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname"
    )
    keys = (
        "SELECT k.contype, pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = %s::regclass"
        " AND k.contype <> 'n' AND k.convalidated ORDER BY 1, 2"
    )
    attached = (
        "SELECT h.inhparent::regclass::text FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
        " WHERE i.indrelid = %s::regclass AND i.indisvalid ORDER BY 1"
    )
    of_parent = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1"
    indexes = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass"
    whole = [f'"{workspace.schema}".{parent}']
    expected = ask(of_parent, whole)

    for name in partitions_of(workspace, parent):
        part = [f'"{workspace.schema}".{name}']
        assert ask(columns, part) == ask(columns, whole), name
        assert ask(keys, part) == ask(keys, whole), name
        assert ask(attached, part) == expected, name
        assert ask(indexes, part) == [(len(expected),)], name  # none beside those


def test_rows_go_to_their_month(workspace: TenantRef) -> None:
    moment = now()
    keep_both(workspace, moment)
    keep_both(workspace, month(moment, 1))

    for parent in PARENTS:
        assert rows_of(workspace, name_of(parent, moment)) == 1
        assert rows_of(workspace, name_of(parent, month(moment, 1))) == 1
        assert rows_of(workspace, f"{parent}_default") == 0


@pytest.mark.parametrize("at", [datetime(1971, 2, 3, tzinfo=UTC), datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_a_row_of_any_time_finds_a_place(at: datetime, workspace: TenantRef) -> None:
    keep_both(workspace, at)

    assert [rows_of(workspace, f"{parent}_default") for parent in PARENTS] == [1, 1]


def test_rows_that_came_before_their_month_are_moved_into_it(workspace: TenantRef) -> None:
    past, later = month(now(), -7) + timedelta(days=3), month(now(), 5)
    for at in (past, past + timedelta(days=1), later, now()):
        keep_both(workspace, at)
    before = in_workspace(workspace, "SELECT * FROM webhooks_attempt ORDER BY id")

    with tenant_work(workspace):
        made = make_partitions(now=now())

    assert sorted(made) == sorted(name_of(parent, at) for parent in PARENTS for at in (past, later))
    assert in_workspace(workspace, "SELECT * FROM webhooks_attempt ORDER BY id") == before
    for parent in PARENTS:
        assert rows_of(workspace, name_of(parent, past)) == 2
        assert rows_of(workspace, name_of(parent, later)) == 1
        assert rows_of(workspace, f"{parent}_default") == 0


def test_making_them_again_makes_nothing_and_waits_for_nobody(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        assert make_partitions(now=now()) == []
    with as_role(OWNER), tenant_work(workspace):
        in_workspace(workspace, "LOCK TABLE webhooks_attempt IN SHARE UPDATE EXCLUSIVE MODE")
        [made] = at_once([lambda: make_in(workspace)], threads=1)

    assert made == []


def make_in(ws: TenantRef, at: datetime | None = None) -> list[str]:
    with tenant_work(ws):
        return make_partitions(now=at or now())


def test_of_many_who_make_a_month_at_once_one_does(workspace: TenantRef) -> None:
    ahead = month(now(), 2)
    made = at_once([lambda: make_in(workspace, ahead)] * 6, threads=6)

    lists = [each for each in made if isinstance(each, list)]
    assert len(lists) == 6, made
    names = sorted(name for each in lists for name in each)
    assert names == sorted(name_of(parent, month(ahead, plus)) for parent in PARENTS for plus in (0, 1))


def test_a_month_is_made_beside_a_writer_who_has_not_committed(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        keep_attempt(now())
        [made] = at_once([lambda: make_in(workspace, month(now(), 2))], threads=1)

    assert isinstance(made, list)
    assert len(made) == 4
    assert rows_of(workspace, "webhooks_attempt") == 1


def test_a_clock_that_runs_ahead_makes_no_months(workspace: TenantRef) -> None:
    assert make_in(workspace, now() + timedelta(days=400)) == []


# -- Nothing changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_statement_changes_history_not_even_the_owner_s_on_a_partition(statement: str, workspace: TenantRef) -> None:
    keep_both(workspace, now())
    for parent in PARENTS:
        for table in (parent, *partitions_of(workspace, parent)):
            with pytest.raises(DatabaseError, match="permission denied"):
                in_workspace(workspace, statement.format(table))
            with as_role(OWNER), pytest.raises(DatabaseError, match="are never changed"):
                in_workspace(workspace, statement.format(table))
    assert [rows_of(workspace, parent) for parent in PARENTS] == [1, 1]


def test_that_holds_for_months_made_later_and_for_the_default_made_anew(workspace: TenantRef) -> None:
    keep_both(workspace, month(now(), -9))
    make_in(workspace, month(now(), 2))

    for parent in PARENTS:
        tables = [parent, *partitions_of(workspace, parent)]
        assert len(tables) == 7
        kept = ask(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'webhooks_is_final' AND tgenabled = 'A'"
            " AND tgrelid = ANY(%s::regclass[])",
            [[f'"{workspace.schema}".{table}' for table in tables]],
        )
        assert len(kept) == 7


@pytest.mark.parametrize("table", ["webhooks_attempt_{}", "webhooks_attempt_default"])
def test_the_application_reaches_rows_by_the_table_only(table: str, workspace: TenantRef) -> None:
    name = table.format(f"{now():%Y%m}")

    for statement in (f"SELECT 1 FROM {name}", f"INSERT INTO {name} DEFAULT VALUES", f"DROP TABLE {name}",
                      f"ALTER TABLE webhooks_attempt DETACH PARTITION {name}"):  # fmt: skip
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
            in_workspace(workspace, statement)


# -- Dropping ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["ZENTRA_DATABASE_URL", OWNER])
@pytest.mark.parametrize("before", ["now()", "now() - interval '29 days'", "'infinity'", "NULL"])
def test_what_is_younger_than_30_days_is_not_dropped_whoever_asks(role: str, before: str, workspace: TenantRef) -> None:
    with as_role(role), pytest.raises(DatabaseError, match="younger than 30 days"):
        in_workspace(workspace, f"SELECT webhooks_drop_partitions({before})")


def test_only_whole_months_before_the_moment_are_dropped(workspace: TenantRef) -> None:
    old = month(now(), -6)
    for at in (month(old, -1), old, old + timedelta(days=20), month(old, 1), now(), datetime(2999, 1, 1, tzinfo=UTC)):
        keep_both(workspace, at)
    make_in(workspace)

    dropped = in_workspace(
        workspace, "SELECT parent, name, held FROM webhooks_drop_partitions(%s)", [month(old, 1) + timedelta(days=9)]
    )

    assert sorted(dropped) == sorted(
        (parent, name_of(parent, at), held) for parent in PARENTS for at, held in ((month(old, -1), 1), (old, 2))
    )
    assert [rows_of(workspace, parent) for parent in PARENTS] == [3, 3]


@pytest.mark.parametrize(
    "call",
    ["webhooks_keep('webhooks_delivery')", "webhooks_make_month('webhooks_attempt', now())",
     "webhooks_make_default('webhooks_attempt')", "webhooks_partitions()"],
)  # fmt: skip
def test_the_application_may_ask_for_those_two_things_only(call: str, workspace: TenantRef) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        in_workspace(workspace, f"SELECT {call}")


def test_the_sealer_neither_makes_nor_drops_months(workspace: TenantRef) -> None:
    for call in ("webhooks_make_partitions(now(), 1)", "webhooks_drop_partitions('2000-01-01')"):
        with as_role("ZENTRA_SEALER_DATABASE_URL"), pytest.raises(DatabaseError, match="permission denied"):
            in_workspace(workspace, f"SELECT {call}")


def test_old_months_are_left_out_of_a_read_by_time(workspace: TenantRef) -> None:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT * FROM webhooks_attempt WHERE recorded_at >= %s", [month(now(), 1)])
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert name_of("webhooks_attempt", month(now(), 1)) in plan
    assert name_of("webhooks_attempt", now()) not in plan
