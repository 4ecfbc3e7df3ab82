"""Every schema is the same schema: template, platform, a clone; and tenants share nothing with public."""

import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.tenants.catalogue import FACTS, ask, describe
from zentra.core import schema
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef, tenant_work
from zentra.tenants.schemas.heads import schemas_behind

# A key of bigint or uuid columns lets a table be placed on another server and replicated. What is here has another
# natural key, for the reason given.
OTHER_KEYS = {
    "idempotency_key": "found by (operation, key)",
    "django_migrations": "Django's own",
    "evidence_log": "one row: smallint 1",
    "runtime_rollup_cursor": "one row per follower, by its name",
    "ledger_turnover": "added up again from entries, by account and stretch of time",
    "webhooks_cursor": "one row per follower, by its name",
    "recon_money_day": "one row per business day, by its date",
    "recon_watch_position": "one row per follower, by its name",
    "recon_watched_intent": "one row per intent, by the caller's own word for it",
    "work_lane": "one row per line of work, by its name: an endpoint's id",
    "webhooks_stream": "one row per intent, by the caller's own word for it",
    "runtime_stage_minute": "counted again from history, by minute and stage",
    "runtime_volume_minute": "counted again from history, by minute and currency",
}
KEY_COLUMNS = """
    SELECT c.relname, coalesce(array_agg(format_type(a.atttypid, a.atttypmod)) FILTER (WHERE a.attname IS NOT NULL),
                               '{}')
      FROM pg_class c
      LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
     WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') GROUP BY c.relname
"""


@pytest.mark.parametrize("fact", FACTS)
def test_template_platform_and_clones_are_the_same(fact: str, workspace: TenantRef) -> None:
    template = describe(fact, schema.TEMPLATE_SCHEMA)

    assert len(template) > 5
    assert describe(fact, workspace.schema) == template
    assert describe(fact, PLATFORM_SCHEMA) == template


def test_every_function_of_a_tenant_names_its_own_schema_and_no_other(workspace: TenantRef) -> None:
    for proname, config in ask(
        "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = %s::regnamespace", [workspace.schema]
    ):
        assert config is not None, proname
        assert any(setting.startswith("search_path=") and workspace.schema in setting for setting in config), proname
        assert not any("public" in setting or schema.TEMPLATE_SCHEMA in setting for setting in config), proname
    bodies = ask("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = %s::regnamespace", [workspace.schema])
    assert [name for name, body in bodies if schema.TEMPLATE_SCHEMA in body] == []


def test_triggers_that_keep_history_cannot_be_switched_off_by_a_session(workspace: TenantRef) -> None:
    kept = {
        (table, trigger)
        for table, trigger in ask(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relnamespace = %s::regnamespace AND t.tgenabled = 'A'",
            [workspace.schema],
        )
    }

    for table in ("policy_decision", "policy_rule_set", "runtime_transition", "ledger_entry", "ledger_posting",
                  "evidence_event"):  # fmt: skip
        assert table in {name for name, _ in kept}


def test_no_table_is_both_public_and_a_tenants(workspace: TenantRef) -> None:
    names = (
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
    )
    public = {name for (name,) in ask(names, ["public"])}
    tenant = {name for (name,) in ask(names, [workspace.schema])}

    assert public & tenant == {"django_migrations"}
    assert len(tenant) > 30


def test_no_function_or_type_of_a_tenant_exists_in_public(workspace: TenantRef) -> None:
    names = "SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace"

    assert {name for (name,) in ask(names, ["public"])} & {name for (name,) in ask(names, [workspace.schema])} == set()


def test_no_foreign_key_leaves_its_schema(workspace: TenantRef) -> None:
    assert (
        ask(
            "SELECT c.oid::regclass::text, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " JOIN pg_class f ON f.oid = k.confrelid WHERE k.contype = 'f' AND c.relnamespace <> f.relnamespace",
            [],
        )
        == []
    )


def test_no_default_or_sequence_of_a_tenant_belongs_to_another_schema(workspace: TenantRef) -> None:
    assert [row for row in describe("columns", workspace.schema) if schema.TEMPLATE_SCHEMA in "".join(row)] == []
    assert (
        ask(
            "SELECT d.objid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
            " JOIN pg_class t ON t.oid = d.refobjid AND t.relkind = 'r' WHERE s.relnamespace <> t.relnamespace",
            [],
        )
        == []
    )


@pytest.mark.parametrize("where", ["public", "tenant"])
def test_every_table_has_a_bigint_or_uuid_key(where: str, workspace: TenantRef) -> None:
    name = "public" if where == "public" else workspace.schema
    contribs = ("django_", "auth_", "account_", "mfa_", "tenants_domain")
    wrong = {
        table: types
        for table, types in ask(KEY_COLUMNS, [name])
        if table not in OTHER_KEYS and not table.startswith(contribs)
        and not (set(types) & {"bigint", "uuid"} and set(types) <= {"bigint", "uuid", "timestamp with time zone"})
    }  # fmt: skip

    assert wrong == {}


def test_every_table_is_logged_and_stands_alone(workspace: TenantRef) -> None:
    assert ask("SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'p')", []) == []
    assert ask("SELECT inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent"
               " WHERE c.relkind = 'r'", []) == []  # fmt: skip


def test_tenant_apps_install_no_extension(workspace: TenantRef) -> None:
    assert ask("SELECT extname FROM pg_extension", []) == [("plpgsql",)]


def test_migrating_everything_again_changes_nothing_and_is_quick(workspace: TenantRef) -> None:
    before = {name: [describe(fact, name) for fact in FACTS] for name in (workspace.schema, schema.TEMPLATE_SCHEMA)}
    said, started = StringIO(), time.monotonic()

    for _ in range(2):
        call_command("migrate_all", stdout=said)

    assert said.getvalue() == "Every schema is at the head.\n" * 2
    assert time.monotonic() - started < 20
    assert {name: [describe(fact, name) for fact in FACTS] for name in before} == before
    assert schemas_behind() == []


def test_migrating_everything_leaves_the_connection_in_public(workspace: TenantRef) -> None:
    call_command("migrate_all", stdout=StringIO())

    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("public",)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (workspace.schema,)


def test_functions_that_were_lost_or_pointed_elsewhere_are_made_again(workspace: TenantRef) -> None:
    want = describe("functions", workspace.schema)
    with schema.connect_as_owner() as owner:
        owner.execute(f'ALTER FUNCTION "{workspace.schema}".policy_refuse_change() SET search_path = public'.encode())
        owner.execute(
            f'ALTER TABLE "{workspace.schema}".policy_decision ENABLE TRIGGER policy_decision_immutable'.encode()
        )
    assert describe("functions", workspace.schema) != want

    with schema.connect_as_owner() as owner:
        schema.apply_sql(workspace.schema, owner=owner)

    assert describe("functions", workspace.schema) == want
    assert describe("triggers", workspace.schema) == describe("triggers", schema.TEMPLATE_SCHEMA)
