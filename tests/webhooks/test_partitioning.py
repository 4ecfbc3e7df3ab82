"""Workspaces of before: their rows are partitioned where they lie, and their last day's health is counted once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import Error as DatabaseError

from tests.evidence.sealing import as_role
from tests.tenants.catalogue import ask
from tests.webhooks.histories import month, name_of
from webhooks.outbound.health import latency
from zentra.core import ids, schema
from zentra.core.clock import now

BEFORE, AFTER, LATER = "0002_delivery_engine", "0003_partitions", "0006_callback_lookups"
PARENTS = ("webhooks_attempt", "webhooks_callback")

ATTEMPTS = """
INSERT INTO webhooks_attempt (id, recorded_at, delivery_id, endpoint_id, number, trigger, started_at, duration_ms, url,
    request_headers, response_status, response_headers, response_body, is_truncated, error_class, error_detail,
    is_signature_verified, is_superseded, remote_address)
SELECT gen_random_uuid(), t, gen_random_uuid(), %s, 1, 'auto', t, 30, '', '{}', 204, '[]', '', false, NULL, '', true,
       false, '' FROM unnest(%s::timestamptz[]) AS t
"""
CALLBACKS = """
INSERT INTO webhooks_callback (id, recorded_at, rail_id, provider_event_id, arrival, first_id, signed_at, scheme,
    headers, body, body_sha256, reference, provider_type, state, effect, mutations, detail, source)
SELECT gen_random_uuid(), t, gen_random_uuid(), 'e', 1, gen_random_uuid(), t, 'v1', '{}', '', '', '', '', 'applied', '',
       0, '', 'callback' FROM unnest(%s::timestamptz[]) AS t
"""
DELIVERIES = """
INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
    endpoint_id, state, is_awaited, attempts, failures, first_due_at, resolved_at, next_attempt_at, trigger, purpose,
    last_error)
SELECT gen_random_uuid(), t, gen_random_uuid(), t, 'account.created', 0, '', %s, s, true, 1, 0, t,
       CASE WHEN s = 'resolved' THEN t END, CASE WHEN s = 'retrying' THEN t END, 'auto', p, ''
  FROM unnest(%s::timestamptz[], %s::text[], %s::text[]) AS n (t, s, p)
"""


@pytest.fixture
def of_before(database: None) -> Iterator[str]:
    """A schema whose webhooks are of the version before, and its grants; its name."""
    name = f"ws_before_{secrets.token_hex(4)}"
    with schema.connect_as_owner() as owner:
        owner.execute(f'CREATE SCHEMA "{name}"'.encode())
    migrate_webhooks(name, BEFORE)
    with schema.connect_as_owner() as owner:
        app, _ = schema.role_names()
        for parent in PARENTS:
            owner.execute(f'GRANT SELECT, INSERT ON "{name}".{parent} TO "{app}"'.encode())
    yield name
    with schema.connect_as_owner() as owner:
        schema.drop_schema(name, owner=owner)


def migrate_webhooks(name: str, target: str) -> None:
    """Bring the webhooks of one schema to a migration, as the owner, the way ``migrate_all`` does."""
    with as_role("ZENTRA_OWNER_DATABASE_URL"):
        connection.set_schema(name, include_public=False)  # type: ignore[attr-defined]  # django-tenants'
        MigrationRecorder(connection).ensure_schema()
        call_command(
            migrate.Command(), "webhooks", target, interactive=False, verbosity=0, run_syncdb=False, skip_checks=True
        )


def fill(name: str, moments: list[datetime]) -> str:
    """Attempts and callbacks of these moments; the endpoint's uuid."""
    endpoint = str(ids.new_uuid())
    write(name, ATTEMPTS, [endpoint, moments])
    write(name, CALLBACKS, [moments])
    return endpoint


def write(name: str, statement: str, values: Sequence[object] | None) -> None:
    with schema.connect_as_owner() as owner:
        owner.execute(f'SET LOCAL search_path = "{name}"'.encode())
        owner.execute(statement.encode(), values)


def tables(name: str, parent: str) -> dict[str, str]:
    """The partitions of a table with their bounds."""
    rows = ask(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid"
        " WHERE h.inhparent = %s::regclass",
        [f'"{name}".{parent}'],
    )
    return dict(rows)


def count(name: str, table: str) -> int:
    return int(ask(f'SELECT count(*) FROM "{name}".{table}', [])[0][0])


@pytest.mark.parametrize("parent", PARENTS)
def test_rows_of_before_become_one_partition_and_are_not_copied(parent: str, of_before: str) -> None:
    fill(of_before, [month(now(), -5), now() - timedelta(days=1), now()])
    [(file,)] = ask("SELECT pg_relation_filenode(%s::regclass)", [f'"{of_before}".{parent}'])

    migrate_webhooks(of_before, AFTER)

    found = tables(of_before, parent)
    cut = month(now() + timedelta(days=2), 1)
    old = f"{parent}_until_{cut:%Y%m}"
    assert set(found) == {old, f"{parent}_default"}
    assert f"TO ('{cut:%Y-%m-%d} 00:00:00+00')" in found[old]
    assert "MINVALUE" in found[old]
    assert ask("SELECT pg_relation_filenode(%s::regclass)", [f'"{of_before}".{old}']) == [(file,)]
    assert (count(of_before, parent), count(of_before, old)) == (3, 3)


@pytest.mark.parametrize("parent", PARENTS)
def test_an_empty_table_becomes_the_default_partition(parent: str, of_before: str) -> None:
    migrate_webhooks(of_before, AFTER)

    assert tables(of_before, parent) == {f"{parent}_default": "DEFAULT"}


def test_keys_indexes_and_grants_are_the_table_s_and_none_is_left_over(of_before: str) -> None:
    indexes = (
        "SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), i.indisvalid FROM pg_index i"
        " WHERE i.indrelid = %s::regclass ORDER BY 1"
    )
    checks = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype <> 'n' ORDER BY 1"
    )
    grants = "SELECT relacl::text FROM pg_class WHERE oid = %s::regclass"
    whole = [[f'"{of_before}".{parent}'] for parent in PARENTS]
    facts = [(statement, table) for statement in (indexes, checks, grants) for table in whole]
    fill(of_before, [now()])
    before = [ask(*fact) for fact in facts]

    migrate_webhooks(of_before, AFTER)

    assert [ask(*fact) for fact in facts] == before
    for parent in PARENTS:
        for table in tables(of_before, parent):
            part = [f'"{of_before}".{table}']
            assert len(ask(indexes, part)) == len(ask(indexes, [f'"{of_before}".{parent}']))
            assert ask("SELECT count(*) FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
                       " WHERE i.indrelid = %s::regclass", part) == [(len(ask(indexes, part)),)]  # fmt: skip
            assert "webhooks_before_cut" not in dict(ask(checks, part))
            [(acl,)] = ask(grants, part)
            assert acl is None or schema.role_names()[0] not in acl


def unfinished(name: str) -> list[tuple[object, ...]]:
    """Indexes of the schema that are not valid, and those of partitions that belong to no table's."""
    return ask(
        "SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " WHERE c.relnamespace = %s::regnamespace AND (NOT i.indisvalid OR c.relispartition"
        " AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))",
        [name],
    )


@pytest.mark.parametrize("rows", [0, 2])
def test_later_indexes_are_built_on_each_partition_and_belong_together(rows: int, of_before: str) -> None:
    fill(of_before, [now()] * rows)

    migrate_webhooks(of_before, LATER)

    assert unfinished(of_before) == []
    partitioned = "SELECT relname FROM pg_class WHERE relkind = 'I' AND relnamespace = %s::regnamespace"
    names = {name for (name,) in ask(partitioned, [of_before])}
    assert {"webhooks_attempt_by_error", "webhooks_callback_by_id", "webhooks_callback_by_first"} <= names


def test_an_index_that_was_interrupted_halfway_is_finished(of_before: str) -> None:
    fill(of_before, [now()])
    migrate_webhooks(of_before, "0005_callback_signatures")
    write(of_before, "CREATE INDEX webhooks_callback_by_id ON ONLY webhooks_callback (id)", [])
    write(of_before, "CREATE INDEX webhooks_callback_default_by_id ON webhooks_callback_default (id)", [])
    assert len(unfinished(of_before)) == 2

    migrate_webhooks(of_before, LATER)

    assert unfinished(of_before) == []


def test_a_migration_that_was_interrupted_after_its_promise_is_run_again(of_before: str) -> None:
    fill(of_before, [now()])
    write(of_before, "ALTER TABLE webhooks_attempt ADD CONSTRAINT webhooks_before_cut"
                     " CHECK (recorded_at < '2999-01-01') NOT VALID", [])  # fmt: skip

    migrate_webhooks(of_before, AFTER)

    assert len(tables(of_before, "webhooks_attempt")) == 2
    assert count(of_before, "webhooks_attempt") == 1


def test_months_go_on_behind_the_rows_of_before(of_before: str) -> None:
    fill(of_before, [month(now(), -30), now()])
    migrate_webhooks(of_before, AFTER)
    for file in ("partitions.sql", "webhooks.sql"):
        text = (Path(apps.get_app_config("webhooks").path) / "sql" / file).read_text()
        write(of_before, text.replace("{schema}", f'"{of_before}"'), None)
    cut = month(now() + timedelta(days=2), 1)

    write(of_before, "SELECT webhooks_make_partitions(%s, 1)", [cut])
    write(of_before, "SELECT webhooks_drop_partitions(now() - interval '31 days')", [])

    held = ask(f'SELECT name, until FROM "{of_before}".webhooks_partitions() WHERE parent = %s', [PARENTS[0]])
    assert [name for name, *_ in held] == [
        f"webhooks_attempt_until_{cut:%Y%m}",
        name_of(PARENTS[0], cut),
        name_of(PARENTS[0], month(cut, 1)),
        "webhooks_attempt_default",
    ]
    assert [until for *_, until in held] == [cut, month(cut, 1), month(cut, 2), None]
    assert count(of_before, "webhooks_attempt") == 2
    with pytest.raises(DatabaseError, match="are never changed"):
        write(of_before, f"DELETE FROM webhooks_attempt_until_{cut:%Y%m}", [])


def test_the_last_day_s_health_is_counted_from_the_rows(of_before: str) -> None:
    minute = (now() - timedelta(hours=3)).replace(second=20, microsecond=0)
    endpoint = fill(of_before, [minute, minute + timedelta(seconds=9), now() - timedelta(days=3)])
    states = ["resolved", "retrying", "resolved", "resolved"]
    moments = [minute, minute, minute, minute - timedelta(days=3)]
    write(of_before, DELIVERIES, [endpoint, moments, states, ["event", "event", "test", "event"]])

    migrate_webhooks(of_before, AFTER)

    rows = ask(
        "SELECT endpoint_id::text, minute, first_due, resolved, attempts, failures, latency"
        f' FROM "{of_before}".webhooks_health_minute',
        [],
    )
    assert rows == [(endpoint, minute.replace(second=0), 2, 1, 2, 0, latency.fold([30, 30]))]
