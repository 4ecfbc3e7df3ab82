"""Three roles, least privilege: what the application and the sealer may not do, PostgreSQL itself refuses."""

from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import sql
from psycopg.errors import ObjectInUse

from tests.evidence.sealing import as_role
from tests.tenants.catalogue import ask
from zentra.core import schema
from zentra.core.tenancy import TenantRef, tenant_work

ROLES = ("ZENTRA_DATABASE_URL", "ZENTRA_SEALER_DATABASE_URL")
DENIED = "permission denied|must be owner|must be able to SET ROLE"


def attempt(ws: TenantRef, statement: str) -> None:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(statement.replace("{schema}", f'"{ws.schema}"'))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger_entry ADD COLUMN x int",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "ALTER TABLE policy_decision DISABLE TRIGGER policy_decision_immutable",
        "DROP TRIGGER policy_decision_immutable ON policy_decision",
        "TRUNCATE runtime_transition",
        "TRUNCATE ledger_entry CASCADE",
        "DROP TABLE evidence_event",
        "CREATE TABLE mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE OR REPLACE FUNCTION {schema}.policy_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN END$$",
        "CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP SCHEMA {schema} CASCADE",
        "ALTER SCHEMA {schema} RENAME TO other",
        "SET session_replication_role = replica",
        "CREATE ROLE mine",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_entry SET amount_minor = 1",
        "DELETE FROM ledger_balance",
        "DELETE FROM ledger_posting",
        "DELETE FROM runtime_intent",
        "UPDATE runtime_transition SET reason = ''",
        "DELETE FROM idempotency_key",
        "UPDATE policy_decision SET outcome = 'accepted'",
        "DELETE FROM policy_rule_set",
        "UPDATE evidence_event SET body = ''",
        "DELETE FROM evidence_event",
        "DELETE FROM evidence_leaf",
        "UPDATE evidence_checkpoint SET note = ''",
        "DELETE FROM webhooks_attempt",
        "DELETE FROM django_migrations",
        "INSERT INTO public.django_migrations (app, name, applied) VALUES ('a', 'b', now())",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_neither_role_may(statement: str, role: str, workspace: TenantRef) -> None:
    with as_role(role), pytest.raises(DatabaseError, match=DENIED):
        attempt(workspace, statement)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO evidence_leaf (index) VALUES (1)", "INSERT INTO evidence_checkpoint (size) VALUES (1)",
     "DELETE FROM evidence_unsealed"],
)  # fmt: skip
def test_the_application_cannot_give_facts_their_place_or_sign(statement: str, workspace: TenantRef) -> None:
    with pytest.raises(DatabaseError, match=DENIED):
        attempt(workspace, statement)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO evidence_event (id) VALUES (gen_random_uuid())", "SELECT 1 FROM runtime_intent",
     "SELECT 1 FROM public.tenants_api_credential", "SELECT 1 FROM public.tenants_user",
     "SELECT 1 FROM webhooks_endpoint_secret", "SELECT 1 FROM routing_rail_secret",
     "INSERT INTO ledger_posting (id) VALUES (gen_random_uuid())"],
)  # fmt: skip
def test_the_sealer_neither_makes_facts_nor_reads_secrets(statement: str, workspace: TenantRef) -> None:
    with as_role("ZENTRA_SEALER_DATABASE_URL"), pytest.raises(DatabaseError, match=DENIED):
        attempt(workspace, statement)


def test_neither_role_owns_anything_or_has_a_power_of_its_own(database: None) -> None:
    app, sealer = schema.role_names()

    assert ask("SELECT relname FROM pg_class WHERE relowner::regrole::text = ANY(%s)", [[app, sealer]]) == []
    assert ask("SELECT proname FROM pg_proc WHERE proowner::regrole::text = ANY(%s)", [[app, sealer]]) == []
    assert ask(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)",
        [[app, sealer]],
    ) == []  # fmt: skip
    assert ask(
        "SELECT 1 FROM pg_auth_members WHERE member::regrole::text = ANY(%s)", [[app, sealer]]
    ) == []  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_no_role_becomes_the_owner(role: str, workspace: TenantRef) -> None:
    [(owner,)] = ask("SELECT current_user", [])

    with as_role(role), pytest.raises(DatabaseError, match="permission denied to set role"):
        attempt(workspace, f'SET ROLE "{owner}"')


def test_neither_role_reads_another_database_of_the_server(database: None) -> None:
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        name = f"{owner.info.dbname}_beside"
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            for role in ROLES:
                _refused_in(name, role)
        finally:
            _drop(owner, name)


def _drop(owner: psycopg.Connection[Any], name: str) -> None:
    """Drop a database once the server's own autovacuum has left it, which its owner may not end."""
    for attempt in range(100):
        try:
            owner.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            return
        except ObjectInUse:
            if attempt == 99:
                raise
            owner.execute("SELECT pg_sleep(0.1)")


def _refused_in(name: str, role: str) -> None:
    import psycopg

    from zentra.settings import parse_database_url

    url = parse_database_url(role)
    beside = {"host": url["HOST"], "port": url["PORT"], "user": url["USER"], "password": url["PASSWORD"]}
    owner = parse_database_url("ZENTRA_OWNER_DATABASE_URL")
    with psycopg.connect(**{**beside, "user": owner["USER"], "password": owner["PASSWORD"]}, dbname=name) as theirs:
        theirs.execute("CREATE TABLE IF NOT EXISTS secret (x int)")
    with psycopg.connect(**beside, dbname=name) as ours, pytest.raises(psycopg.errors.InsufficientPrivilege):
        ours.execute("SELECT * FROM secret")


def test_public_may_create_nothing_in_public(database: None) -> None:
    [(may,)] = ask("SELECT has_schema_privilege('public', 'public', 'CREATE')", [])

    assert may is False


def test_the_owner_is_refused_by_the_triggers_too(workspace: TenantRef) -> None:
    for statement in ("TRUNCATE policy_decision", "DELETE FROM runtime_transition", "TRUNCATE policy_rule_set CASCADE"):
        with as_role("ZENTRA_OWNER_DATABASE_URL"), pytest.raises(DatabaseError, match="is refused"):
            attempt(workspace, statement)


def test_a_refused_statement_leaves_the_connection_of_use(workspace: TenantRef) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(DatabaseError, match=DENIED):
        attempt(workspace, "TRUNCATE ledger_entry")

    attempt(workspace, "SELECT 1 FROM ledger_entry")
