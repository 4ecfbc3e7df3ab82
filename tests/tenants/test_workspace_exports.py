"""Everything of a workspace as one file: every row, no secret, nobody else's, in one snapshot."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from tests.ledger.book import at_once
from tests.ledger.filing import events_of
from tests.people import Person, join
from tests.runtime.story import Story
from tests.workspaces import issue_token
from webhooks.operations import create_endpoint
from zentra.core import actors, ids
from zentra.core.clock import now
from zentra.core.queue import operations as queue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.exports import writing
from zentra.tenants.exports.errors import (
    WorkspaceExportNotFound,
    WorkspaceExportNotReady,
    WorkspaceExportRunning,
)
from zentra.tenants.exports.operations import EXPIRE, WRITE, expire_export, open_export, request_export
from zentra.tenants.exports.queries import find_export, list_exports
from zentra.tenants.exports.types import ExportRecord
from zentra.tenants.exports.writing import HeldByAnother, write_export
from zentra.tenants.models import Membership, WorkspaceExport


def item_of(workspace: TenantRef, kind: str = WRITE) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM work_item WHERE workspace_id = %s AND kind = %s", [workspace.id, kind])
        return cursor.fetchone()[0]


def ask(workspace: TenantRef, person: Person | None = None) -> ExportRecord:
    return request_export(workspace=workspace, actor=person.actor() if person else actors.RUNTIME, now=now())


def made(workspace: TenantRef, person: Person | None = None) -> ExportRecord:
    asked = ask(workspace, person)
    return write_export(workspace=workspace, export_id=asked.id, item_id=item_of(workspace))


def content(workspace: TenantRef, export: ExportRecord) -> zipfile.ZipFile:
    opened = open_export(workspace=workspace, export_id=export.id, actor=actors.RUNTIME, now=now())
    with opened.file as file:
        whole = file.read()
    assert (len(whole), hashlib.sha256(whole).hexdigest()) == (opened.size, opened.sha256)
    return zipfile.ZipFile(io.BytesIO(whole))


@pytest.fixture(autouse=True)
def a_storage_of_its_own(tmp_path: Any) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield


def test_every_row_is_there_with_counts_and_hashes_and_no_secret(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person
) -> None:
    Story(workspace).create()
    Story(other_workspace).create("intent_of_another")
    token = issue_token(workspace)
    issue_token(other_workspace)
    with tenant_work(workspace):
        created = create_endpoint(url="https://hooks.example.com/z", actor=admin.actor(), now=now())
    secret = getattr(created, "secret", "")
    asked = ask(workspace, admin)
    counted = {}
    with tenant_work(workspace), connection.cursor() as cursor:
        for table in ("evidence_event", "ledger_entry", "ledger_account", "runtime_intent"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            counted[table] = cursor.fetchone()[0]
    export = write_export(workspace=workspace, export_id=asked.id, item_id=item_of(workspace))

    assert (export.state, export.tables_done, export.error) == ("ready", export.tables, "")
    archive = content(workspace, export)
    manifest = json.loads(archive.read("manifest.json"))
    by_name = {each["table"]: each for each in manifest["tables"]}
    assert sum(each["rows"] for each in manifest["tables"]) == manifest["rows"] == export.rows
    for each in manifest["tables"]:
        assert "left_out" not in each, each
        lines = archive.read(each["file"])
        assert hashlib.sha256(lines).hexdigest() == each["sha256"]
        assert len(lines.splitlines()) == each["rows"]
        for line in lines.splitlines():
            assert not set(json.loads(line)) & set(each["columns_left_out"])
    assert {table: by_name[table]["rows"] for table in counted} == counted
    assert min(counted.values()) > 0
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"intent_of_another" not in everything
    assert str(other_workspace.id).encode() not in everything
    assert token.split("_", 3)[3].encode() not in everything
    assert not secret or secret.encode() not in everything
    assert by_name["evidence_log"]["columns_left_out"] == ["signing_key"]
    assert by_name["tenants_api_credential"]["columns_left_out"] == ["secret_hash"]
    assert by_name["idempotency_key"]["columns_left_out"] == ["body"]
    assert "work_item" not in by_name
    assert [e["rows"] for e in events_of(workspace, "workspace.exported")] == [export.rows]


def test_every_column_that_is_encrypted_says_so_and_is_left_out(workspace: TenantRef) -> None:
    """Of each model: what is called a secret, or is documented as encrypted, carries the mark that exports look for."""
    with psycopg.connect(settings.ZENTRA_OWNER_DATABASE_URL) as source:
        left_out = {table.name: set(table.left_out) for table in writing.list_tables(source, workspace.schema)}
    suspects = 0
    for model in apps.get_models():
        for field in model._meta.local_fields:
            comment = (getattr(field, "db_comment", None) or "").lower()
            is_bytes = field.get_internal_type() == "BinaryField"
            words = ("secret", "private_key", "signing_key", "token_hash", "encrypted")
            if is_bytes and (any(word in (field.column or "") for word in words) or "encrypt" in comment):
                table = model._meta.db_table
                if table in left_out:
                    suspects += 1
                    assert field.column in left_out[table], f"{table}.{field.column}"
    assert suspects >= 7


def test_it_is_one_snapshot_whatever_is_written_meanwhile(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    Story(workspace).create("before")
    write = writing._write_table

    def write_and_go_on(archive: Any, source: Any, table: Any, workspace_id: Any) -> Any:
        if table.name == "evidence_event":
            Story(workspace).create("meanwhile")
        return write(archive, source, table, workspace_id)

    monkeypatch.setattr(writing, "_write_table", write_and_go_on)
    archive = content(workspace, made(workspace))
    assert b"meanwhile" not in archive.read("tables/evidence_event.jsonl")
    assert b"meanwhile" not in archive.read("tables/runtime_intent.jsonl")
    assert b"before" in archive.read("tables/runtime_intent.jsonl")


def test_one_is_written_at_a_time_and_a_writer_that_dies_is_replaced(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    raced = at_once([lambda: ask(workspace)] * 4, threads=4)
    (asked,) = [each for each in raced if isinstance(each, ExportRecord)]
    assert sum(isinstance(each, WorkspaceExportRunning) for each in raced) == 3
    item = item_of(workspace)

    def die(*_: object) -> None:
        # While it is written nobody else claims its item, however long ago the lease ended.
        late = now() + timedelta(hours=3)
        assert item not in {each.id for each in queue.claim(limit=50, now=late)}
        with pytest.raises(HeldByAnother):
            write_export(workspace=workspace, export_id=asked.id, item_id=item)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_write_table", die)
        with pytest.raises(KeyboardInterrupt):
            write_export(workspace=workspace, export_id=asked.id, item_id=item)
    found = find_export(workspace_id=workspace.id, export_id=asked.id)
    assert found is not None
    assert found.state == "writing"
    done = write_export(workspace=workspace, export_id=asked.id, item_id=item)
    assert done.state == "ready"
    assert write_export(workspace=workspace, export_id=asked.id, item_id=item) == done


def test_who_lost_the_permission_gets_no_file(workspace: TenantRef, admin: Person) -> None:
    second = join(workspace, role="admin")
    asked = ask(workspace, second)
    Membership.objects.filter(user_id=second.id, workspace_id=workspace.id).delete()
    done = write_export(workspace=workspace, export_id=asked.id, item_id=item_of(workspace))

    assert (done.state, done.error) == ("failed", writing.NOT_ANY_MORE)
    with pytest.raises(WorkspaceExportNotReady):
        open_export(workspace=workspace, export_id=asked.id, actor=admin.actor(), now=now())


def test_a_file_is_kept_for_seven_days_and_is_its_own_workspace_s(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    export = made(workspace)
    for wrong in (export.id, "exp_nobody", ids.new_id("exp"), ids.new_id("evt"), "../x"):
        with pytest.raises(WorkspaceExportNotFound):
            open_export(workspace=other_workspace, export_id=wrong, actor=actors.RUNTIME, now=now())
    content(workspace, export)
    assert events_of(workspace, "workspace.export_downloaded") == [{"export_id": export.id}]
    with pytest.raises(WorkspaceExportNotReady):
        open_export(
            workspace=workspace, export_id=export.id, actor=actors.RUNTIME, now=now() + timedelta(days=7, seconds=1)
        )
    assert item_of(workspace, EXPIRE)
    expire_export(workspace=workspace, export_id=export.id)
    expire_export(workspace=workspace, export_id=export.id)
    assert [each.state for each in list_exports(workspace_id=workspace.id)] == ["expired"]
    assert list_exports(workspace_id=other_workspace.id) == []
    with pytest.raises(WorkspaceExportNotReady):
        content(workspace, export)
    assert WorkspaceExport.objects.filter(workspace_id=workspace.id).count() == 1
