"""Workspaces are brought to the head in parallel: those there are skipped, one that fails stops no other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from zentra.core import schema
from zentra.core.tenancy import TenantRef
from zentra.embedded.layout import CLONE
from zentra.tenants.schemas import running
from zentra.tenants.schemas.heads import list_states, schemas_behind


@pytest.fixture
def owner(database: None) -> Iterator[schema.Owner]:
    """The database's owner, in autocommit."""
    with schema.connect_as_owner() as connected:
        connected.autocommit = True
        yield connected


@pytest.fixture
def fall_behind(owner: schema.Owner, make_workspace: Callable[..., TenantRef]) -> Callable[[], TenantRef]:
    """A workspace in which the newest migration of alarms was never done."""

    def make() -> TenantRef:
        made = make_workspace()
        owner.execute(f"ALTER TABLE {made.schema}.alarms_alarm DROP COLUMN IF EXISTS bad_since".encode())
        forgotten = f"DELETE FROM {made.schema}.django_migrations WHERE app = 'alarms' AND name LIKE '0002%'"
        owner.execute(forgotten.encode())
        return made

    return make


def has_column(owner: schema.Owner, ref: TenantRef) -> bool:
    row = owner.execute(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = %s AND table_name = 'alarms_alarm'"
        " AND column_name = 'bad_since'",
        [ref.schema],
    ).fetchone()
    return row == (1,)


def migrate(*words: str) -> tuple[str, str]:
    said, complained = StringIO(), StringIO()
    try:
        call_command("migrate_tenants", *words, stdout=said, stderr=complained)
    except CommandError as error:
        complained.write(str(error))
    return said.getvalue(), complained.getvalue()


def test_what_is_behind_is_migrated_what_fails_is_told_and_the_rest_is_left_alone(
    owner: schema.Owner, fall_behind: Callable[[], TenantRef], workspace: TenantRef
) -> None:
    first, broken = fall_behind(), fall_behind()
    owner.execute(f"ALTER TABLE {broken.schema}.alarms_alarm ADD COLUMN bad_since integer".encode())
    assert set(schemas_behind()) == {first.schema, broken.schema}

    said, complained = migrate("--jobs", "2")
    assert f"{broken.schema}: " in complained
    assert "already exists" in complained
    assert "1 brought to the head, 1 failed" in said
    assert has_column(owner, first)
    assert schemas_behind() == [broken.schema]

    owner.execute(f"ALTER TABLE {broken.schema}.alarms_alarm DROP COLUMN bad_since".encode())
    said, complained = migrate()
    assert (complained, schemas_behind()) == ("", [])
    assert "1 brought to the head, 0 failed" in said
    said, _ = migrate()
    assert "0 brought to the head, 0 failed" in said
    assert workspace.schema in {each.name for each in list_states(owner)}


def test_a_table_in_use_is_waited_for_without_holding_anybody_up_and_another_run_is_left_to_it(
    owner: schema.Owner, fall_behind: Callable[[], TenantRef]
) -> None:
    ref = fall_behind()
    with psycopg.connect(settings.ZENTRA_OWNER_DATABASE_URL) as busy:
        busy.execute(f"LOCK TABLE {ref.schema}.alarms_alarm IN ACCESS SHARE MODE".encode())
        waited: list[float] = []

        def read() -> None:
            with psycopg.connect(settings.ZENTRA_OWNER_DATABASE_URL) as reader:
                for _ in range(12):
                    started = time.monotonic()
                    reader.execute(f"SELECT count(*) FROM {ref.schema}.alarms_alarm".encode())
                    reader.commit()
                    waited.append(time.monotonic() - started)
                    time.sleep(0.25)

        with psycopg.connect(settings.ZENTRA_OWNER_DATABASE_URL) as other:
            other.execute(f"LOCK TABLE {ref.schema}.django_migrations IN SHARE UPDATE EXCLUSIVE MODE".encode())
            worker = running._start()
            assert running._ask(worker, ref.schema) == {"done": "another run is at it"}
        threading.Timer(3.0, busy.commit).start()
        reading = threading.Thread(target=read)
        reading.start()
        assert running._ask(worker, ref.schema) == {"done": "migrated"}
        reading.join()
        if worker.stdin is not None:
            worker.stdin.close()
        worker.wait()

    assert has_column(owner, ref)
    assert max(waited) < 3.0


def test_a_run_that_is_killed_leaves_what_it_did_and_the_next_one_does_the_rest(
    owner: schema.Owner, fall_behind: Callable[[], TenantRef]
) -> None:
    refs = [fall_behind() for _ in range(2)]
    run = subprocess.Popen(
        [sys.executable, "manage.py", "migrate_tenants", "--jobs", "1", "--skip-checks"],
        cwd=CLONE, env=dict(os.environ), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stdout.readline().startswith("1/2 ")
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    while schemas_behind() and time.monotonic() < deadline:  # its worker goes after what it has at hand
        migrate("--jobs", "1")

    assert [has_column(owner, each) for each in refs] == [True, True]
    assert schemas_behind() == []


def test_a_worker_that_dies_fails_its_schema_and_is_replaced(
    workspace: TenantRef, other_workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = running._start, []

    def start_one_that_dies_first() -> Any:
        worker = start()
        started.append(worker)
        if len(started) == 1:
            worker.kill()
            worker.wait()
            monkeypatch.setattr(worker, "poll", lambda: None)  # as if it died a moment later
        return worker

    monkeypatch.setattr(running, "_start", start_one_that_dies_first)
    report = running.Report()
    answers = [running._ask(start_one_that_dies_first(), workspace.schema)]
    running._run([other_workspace.schema], 1, report, lambda _: None)
    assert answers == [{"failed": "its worker process ended; run it again"}]
    assert (report.done, report.failed) == ({other_workspace.schema: "at the head"}, {})


def test_five_hundred_schemas_at_the_head_are_looked_at_in_moments(owner: schema.Owner, workspace: TenantRef) -> None:
    """Only what the look reads is made: a schema, its table of migrations, its row."""
    names = [f"many_{number:03}" for number in range(500)]
    heads = "INSERT INTO {0}.django_migrations SELECT * FROM tenant_template.django_migrations"
    digest = schema.sql_digest(workspace.schema)
    try:
        for name in names:
            owner.execute(
                f"CREATE SCHEMA {name}; CREATE TABLE {name}.django_migrations (LIKE tenant_template.django_migrations"
                f" INCLUDING ALL); {heads.format(name)}; COMMENT ON SCHEMA {name} IS '{digest}';"
                f" GRANT USAGE ON SCHEMA {name} TO PUBLIC; GRANT SELECT ON {name}.django_migrations TO PUBLIC;"
                " INSERT INTO tenants_workspace (id, slug, name, schema_name, mode, state, ledger_currency, settings,"
                f" created_at) VALUES (gen_random_uuid(), '{name}', 'Many', '{name}', 'sandbox', 'archived', 'USD',"
                " '{}', now())".encode()
            )
        started = time.monotonic()
        said, complained = migrate()
        took = time.monotonic() - started
        assert complained == ""
        assert "0 brought to the head" in said
        assert took < 10.0
        started = time.monotonic()
        assert schemas_behind() == []
        assert time.monotonic() - started < 5.0
        print(f"500 at the head: {took:.2f} s")  # what the changelog says comes from here
    finally:
        for name in names:
            owner.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())
        owner.execute("DELETE FROM tenants_workspace WHERE slug LIKE 'many\\_%'")
