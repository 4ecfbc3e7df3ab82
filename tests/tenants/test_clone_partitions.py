"""A clone has its template's partitioned tables whole: keys, bounds, sub-partitions, indexes that belong together."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from tests.tenants.catalogue import COLUMNS, CONSTRAINTS, INDEXES, ask
from zentra.core import schema
from zentra.core.tenancy import TenantRef

TEMPLATE = """
CREATE SCHEMA {t};
SET LOCAL search_path = {t};
CREATE TABLE django_migrations (id bigint PRIMARY KEY, app text, name text, applied timestamptz);
CREATE TABLE plain (id bigint CONSTRAINT plain_pkey PRIMARY KEY);
CREATE TABLE event (
  at timestamptz NOT NULL, id bigint NOT NULL, kind text NOT NULL DEFAULT 'a', plain_id bigint,
  CONSTRAINT event_key PRIMARY KEY (at, kind, id),
  CONSTRAINT event_kind CHECK (kind <> ''),
  CONSTRAINT event_plain FOREIGN KEY (plain_id) REFERENCES plain (id)
) PARTITION BY RANGE (at);
CREATE TABLE event_default PARTITION OF event DEFAULT;
CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE event_2026_a PARTITION OF event_2026 FOR VALUES IN ('a', 'tenant_template.b');
CREATE INDEX event_by_kind ON event (kind, at DESC) WHERE kind <> 'z';
CREATE UNIQUE INDEX event_once ON event (at, kind, plain_id);
CREATE INDEX event_default_own ON event_default (id);
"""
PARTITIONS = """
    SELECT p.relname, c.relname, c.relkind, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)
      FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent
     WHERE c.relnamespace = %s::regnamespace
"""


@pytest.fixture
def names(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A template of this test's own, and what its clone is called; both dropped afterwards."""
    mark = secrets.token_hex(4)
    template, clone = f"template_{mark}", f"clone_{mark}"
    with schema.connect_as_owner() as owner:
        owner.execute(TEMPLATE.replace("{t}", template).encode())
    monkeypatch.setattr(schema, "TEMPLATE_SCHEMA", template)
    monkeypatch.setattr(schema, "apply_sql", lambda *_, **__: None)
    yield template, clone
    with schema.connect_as_owner() as owner:
        schema.drop_schema(clone, owner=owner)
        schema.drop_schema(template, owner=owner)


def made(names: tuple[str, str]) -> tuple[str, str]:
    with schema.connect_as_owner() as owner:
        schema.clone_schema(names[1], owner=owner)
    return names


def told(statement: str, name: str) -> list[tuple[str, ...]]:
    return sorted(tuple(str(value).replace(f"{name}.", "") for value in row) for row in ask(statement, [name]))


@pytest.mark.parametrize("fact", [COLUMNS, CONSTRAINTS, INDEXES, PARTITIONS])
def test_a_clone_is_its_template(fact: str, names: tuple[str, str]) -> None:
    template, clone = made(names)

    assert told(fact, clone) == told(fact, template)
    assert len(told(PARTITIONS, clone)) > 3


def test_indexes_of_partitions_belong_to_their_table_s(names: tuple[str, str]) -> None:
    _, clone = made(names)

    alone = ask(
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " WHERE c.relnamespace = %s::regnamespace AND c.relispartition"
        " AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)",
        [clone],
    )
    invalid = ask("SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
                  " WHERE c.relnamespace = %s::regnamespace AND NOT i.indisvalid", [clone])  # fmt: skip

    assert alone == [(f"{clone}.event_default_own",)]
    assert invalid == []


def test_rows_of_a_clone_go_to_its_own_partitions_and_keep_its_rules(names: tuple[str, str]) -> None:
    template, clone = made(names)
    with schema.connect_as_owner() as owner:
        owner.execute(f"SET search_path = {clone}".encode())
        owner.execute("INSERT INTO plain VALUES (7)")
        owner.execute("INSERT INTO event VALUES ('2026-05-05', 1, 'a', 7), ('2031-01-01', 2, 'c', NULL)")
        for wrong in ("('2026-05-05', 3, '', 7)", "('2026-05-05', 1, 'a', 7)", "('2026-05-05', 4, 'a', 8)"):
            with pytest.raises(psycopg.IntegrityError), owner.transaction():
                owner.execute(f"INSERT INTO event VALUES {wrong}".encode())

    assert ask(f"SELECT tableoid::regclass::text, id FROM {clone}.event ORDER BY id", []) == [
        (f"{clone}.event_2026_a", 1),
        (f"{clone}.event_default", 2),
    ]
    assert ask(f"SELECT count(*) FROM {template}.event", []) == [(0,)]


def test_a_workspace_s_partitions_are_its_own(workspace: TenantRef, other_workspace: TenantRef) -> None:
    found = ask(
        "SELECT p.relnamespace::regnamespace::text, c.relnamespace::regnamespace::text FROM pg_inherits h"
        " JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent WHERE c.relispartition",
        [],
    )

    assert {parent for parent, _ in found} >= {workspace.schema, other_workspace.schema, schema.TEMPLATE_SCHEMA}
    assert [pair for pair in found if pair[0] != pair[1]] == []
