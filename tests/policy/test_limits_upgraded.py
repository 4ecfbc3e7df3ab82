"""A workspace that ran under the first rules: what it had reserved and moved goes on counting."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from tests.evidence.sealing import as_role
from zentra.core import clock, ids, schema
from zentra.tenants.management.commands.migrate_all import migrate_schema

OLD = (("policy", "0001"), ("runtime", "0001"))


@pytest.fixture
def old_schema(database: None) -> Iterator[str]:
    """A tenant schema as the release before made it."""
    name = f"ws_t_old_{secrets.token_hex(4)}"
    with as_role("ZENTRA_OWNER_DATABASE_URL"), schema.connect_as_owner() as owner:
        owner.autocommit = True
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        migrate_to(name, *OLD)
        yield name
        schema.drop_schema(name, owner=owner)


def migrate_to(name: str, *targets: tuple[str, str]) -> None:
    """Run the migrations of some apps up to one of theirs."""
    tenant: Any = connection
    tenant.set_schema(name, include_public=False)
    try:
        MigrationRecorder(tenant).ensure_schema()
        tenant.set_schema(name)
        for app, migration in targets:
            call_command(migrate.Command(), app, migration, interactive=False, verbosity=0, skip_checks=True)
    finally:
        tenant.close()
        tenant.set_schema_to_public()


def run(name: str, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
    """A statement inside the schema, as its owner."""
    with schema.connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(name)))
        done = owner.execute(statement.encode(), values)
        return done.fetchall() if done.description else []


def reserve(name: str, intent_id: str, amount: int, at: datetime, *, released: bool = False) -> None:
    """A reservation as the first rules made it."""
    run(name, "INSERT INTO policy_limit_subject (subject, currency) VALUES ('cust_1', 'USD') ON CONFLICT DO NOTHING")
    run(
        name,
        "INSERT INTO policy_reservation (id, subject_id, intent_id, amount_minor, at, released_at)"
        " SELECT %s, s.id, %s, %s, %s, %s FROM policy_limit_subject s",
        [ids.new_uuid(), intent_id, amount, at, at if released else None],
    )


def intent(name: str, intent_id: str, status: str, at: datetime) -> None:
    """An intent of the runtime, in as few columns as the table allows."""
    known = run(
        name,
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema"
        " AND table_name = 'runtime_intent' AND is_nullable = 'NO' AND column_default IS NULL",
    )
    empty: dict[str, Any] = {
        "text": "", "boolean": False, "integer": 0, "uuid": ids.new_uuid(), "jsonb": "{}",
        "timestamp with time zone": at, "character varying": "USD", "bigint": 500,
    }  # fmt: skip
    values = {column: empty[kind] for column, kind in known} | {
        "id": ids.new_uuid(), "intent_id": intent_id, "kind": "payment", "status": status, "created_at": at,
        "event_stream": "pending", "currency": "USD", "destination_label": "shop",
        "corridor": '{"source": "GB", "method": "wire"}',
    }  # fmt: skip
    run(
        name,
        f"INSERT INTO runtime_intent ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
        list(values.values()),
    )


def test_what_was_reserved_and_what_moved_in_the_last_month_goes_on_counting(old_schema: str) -> None:
    now = clock.now()
    hour, month = now - timedelta(hours=1), now - timedelta(days=32)
    for intent_id, status in (("posted", "ledgered"), ("held", "review"), ("over", "review"), ("declined", "declined")):
        intent(old_schema, intent_id, status, hour)
    intent(old_schema, "chart", "evidenced", hour)
    reserve(old_schema, "posted", 500, hour)
    reserve(old_schema, "held", 500, hour)
    reserve(old_schema, "declined", 500, hour, released=True)
    reserve(old_schema, "bare", 700, hour)
    reserve(old_schema, "long_ago", 900, month)

    migrate_schema(old_schema)

    found = run(
        old_schema,
        "SELECT intent_id, state, amount_minor, customer, corridor, counterparty, at, expires_at"
        " FROM policy_movement ORDER BY intent_id",
    )
    later = hour + timedelta(days=7)
    assert found == [
        ("bare", "confirmed", 700, "cust_1", None, None, hour, None),
        ("chart", "confirmed", 500, None, "GB>/wire", "shop", hour, None),
        ("held", "reserved", 500, "cust_1", "GB>/wire", "shop", hour, later),
        ("over", "waiting", 500, None, "GB>/wire", "shop", hour, later),
        ("posted", "confirmed", 500, "cust_1", "GB>/wire", "shop", hour, None),
    ]
    assert run(old_schema, "SELECT to_regclass('policy_reservation')") == [(None,)]


def test_a_workspace_that_has_rules_is_given_the_lists_that_the_first_rules_ask(old_schema: str) -> None:
    run(
        old_schema,
        "INSERT INTO policy_rule_set (version, rules, published_at, published_by)"
        """ VALUES (1, '{"rules": []}', now(), 'svc_policy')""",
    )

    migrate_schema(old_schema)

    assert run(old_schema, "SELECT name, kind FROM policy_list ORDER BY name") == [
        ("denied", "deny"), ("watched", "watch"),
    ]  # fmt: skip
