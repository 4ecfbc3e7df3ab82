"""Write an export: all tables in one snapshot, streamed from the database into a zip, secrets left out.

The writer holds the row of its work item on a connection of its own. However long it takes, no other worker claims
the item; and when the writer is killed, PostgreSQL lets go of it at once, and the next one begins anew.
"""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any, Final
from uuid import UUID

import psycopg
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from psycopg import sql

from zentra.core import actors, clock
from zentra.core.clock import iso
from zentra.core.tenancy import TenantRef
from zentra.tenants.exports.operations import WRITE, fail_export, finish_export, get_export, storage_name
from zentra.tenants.exports.queries import may_export_as_staff
from zentra.tenants.exports.types import ExportRecord, Table
from zentra.tenants.models import WorkspaceExport
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import permissions_in_workspace

FORMAT: Final = "zentra.workspace-export/1"
NOT_ANY_MORE: Final = "Whoever asked for it may not export any more."
_ROWS_AT_ONCE: Final = 2_000
_SEALED_MARK: Final = "%ZENTRA_SECRET_KEYS%"
_ANSWERS: Final = ("idempotency_key", "body")
"""Answers under idempotency keys may show a secret once, encrypted or not."""
_NOT_SHARED: Final = ("work_item", "work_lane", "tenants_outgoing_mail", "tenants_revoked_token")
"""Of public: how work is done, not what was done."""

_TENANT_TABLES: Final = """
    SELECT c.relname, array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                               AND NOT a.attisdropped AND (col_description(c.oid, a.attnum) LIKE %(mark)s
                                OR (c.relname = %(table)s AND a.attname = %(column)s)) ORDER BY a.attname),
           has_table_privilege(c.oid, 'SELECT')
      FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT c.relispartition ORDER BY c.relname
"""
# In public every bytea is a hash of a secret or is sealed.
_SHARED_TABLES: Final = """
    SELECT c.relname, array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                               AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype ORDER BY a.attname),
           has_table_privilege(c.oid, 'SELECT')
      FROM pg_class c JOIN pg_attribute w ON w.attrelid = c.oid AND w.attname = 'workspace_id'
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL(%(not_shared)s)
     ORDER BY c.relname
"""


class HeldByAnother(Exception):
    """Another worker writes this export."""


class NotAllowedAnyMore(Exception):
    """Whoever asked for it lost the permission meanwhile."""


def write_export(*, workspace: TenantRef, export_id: str, item_id: UUID) -> ExportRecord:
    """Write the file of an export from its first row; harmless on one that ended.

    Raises:
        WorkspaceExportNotFound: no such export in this workspace.
        HeldByAnother: another worker is at it.
    """
    record = get_export(workspace=workspace, export_id=export_id)
    if not record.is_open:
        return record
    with _holding(item_id), tempfile.TemporaryFile() as file:
        try:
            _write(workspace, record, file)
        except NotAllowedAnyMore:
            fail_export(export_id=export_id, error=NOT_ANY_MORE, now=clock.now())
    return get_export(workspace=workspace, export_id=export_id)


def write_now(*, workspace: TenantRef, export_id: str) -> ExportRecord:
    """Write an export in this process, by its own work item; one that a worker has taken is left to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM public.work_item WHERE workspace_id = %s AND kind = %s AND ref = %s AND done_at IS NULL",
            [workspace.id, WRITE, export_id],
        )
        row = cursor.fetchone()
    if row is None:
        return get_export(workspace=workspace, export_id=export_id)
    try:
        return write_export(workspace=workspace, export_id=export_id, item_id=row[0])
    except HeldByAnother:
        return get_export(workspace=workspace, export_id=export_id)


def _write(workspace: TenantRef, record: ExportRecord, file: IO[bytes]) -> None:
    with _snapshot() as source:
        tables = list(list_tables(source, workspace.schema))
        _progress(record.id, done=0, tables=len(tables), rows=0)
        rows = _fill(workspace, record, source, tables, file)
    size = file.tell()
    digest = _sha256(file)
    name = storage_name(workspace=workspace, export_id=record.id)
    default_storage.delete(name)
    default_storage.save(name, File(file))
    if not finish_export(
        workspace=workspace, export_id=record.id, tables=len(tables), rows=rows, size=size, sha256=digest,
        actor=actors.RUNTIME, now=clock.now(),
    ):  # fmt: skip
        default_storage.delete(name)


def _fill(
    workspace: TenantRef, record: ExportRecord, source: "psycopg.Connection[Any]", tables: list[Table], file: IO[bytes]
) -> int:
    written: list[dict[str, object]] = []
    total = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for number, table in enumerate(tables, start=1):
            _check_still_allowed(workspace, record)
            said = _write_table(archive, source, table, workspace.id)
            written.append(said)
            total += int(str(said["rows"]))
            _progress(record.id, done=number, tables=len(tables), rows=total)
        manifest = {
            "format": FORMAT,
            "workspace": {"id": str(workspace.id), "slug": workspace.slug, "mode": workspace.mode,
                          "ledger_currency": workspace.ledger_currency},
            "export": record.id,
            "written_at": iso(clock.now()),
            "rows": total,
            "tables": written,
        }  # fmt: skip
        archive.writestr("manifest.json", json.dumps(manifest, indent=1, sort_keys=True))
    return total


def _write_table(
    archive: zipfile.ZipFile, source: "psycopg.Connection[Any]", table: Table, workspace_id: UUID
) -> dict[str, object]:
    """One table as JSON lines; what the manifest says of it."""
    digest, rows, size = hashlib.sha256(), 0, 0
    said: dict[str, object] = {"table": table.name, "file": table.path, "columns_left_out": list(table.left_out)}
    if not table.is_readable:
        return {**said, "rows": 0, "left_out": "the application may not read it"}
    with archive.open(table.path, "w", force_zip64=True) as out:
        for line in _lines(source, table, workspace_id):
            out.write(line)
            digest.update(line)
            rows, size = rows + 1, size + len(line)
    return {**said, "rows": rows, "bytes": size, "sha256": digest.hexdigest()}


def _lines(source: "psycopg.Connection[Any]", table: Table, workspace_id: UUID) -> Iterator[bytes]:
    """Rows as PostgreSQL writes them as JSON: exact numbers, bytes as hexadecimal."""
    where: sql.Composable = sql.SQL("")
    if table.schema == "public":
        where = sql.SQL(" WHERE t.workspace_id = {}").format(sql.Literal(workspace_id))
    reading = sql.SQL("SELECT (to_jsonb(t) - {}::text[])::text FROM {}.{} t").format(
        sql.Literal(list(table.left_out)), sql.Identifier(table.schema), sql.Identifier(table.name)
    )
    with source.cursor(name="export") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        for (text,) in cursor.execute(reading + where):
            yield f"{text}\n".encode()


def list_tables(source: "psycopg.Connection[Any]", schema: str) -> Iterator[Table]:
    """The tables of a workspace's schema, then the rows of public that are its own; secrets are named, not read."""
    table, column = _ANSWERS
    quoted = '"' + schema.replace('"', '""') + '"'
    values = {"schema": quoted, "mark": _SEALED_MARK, "table": table, "column": column}
    for name, left_out, is_readable in source.execute(_TENANT_TABLES, values).fetchall():
        yield Table(schema, name, tuple(left_out), is_readable)
    for name, left_out, is_readable in source.execute(_SHARED_TABLES, {"not_shared": list(_NOT_SHARED)}).fetchall():
        yield Table("public", name, tuple(left_out), is_readable)


def _check_still_allowed(workspace: TenantRef, record: ExportRecord) -> None:
    """A person who lost the permission since gets no file; keys and services are looked at where they ask."""
    if not record.requested_by.startswith("usr_"):
        return
    here = permissions_in_workspace(user_id=record.requested_by, workspace_id=workspace.id)
    if Permission.WORKSPACE_EXPORT in here:
        return
    if not may_export_as_staff(user_id=record.requested_by, workspace_id=workspace.id, now=clock.now()):
        raise NotAllowedAnyMore


def _progress(export_id: str, *, done: int, tables: int, rows: int) -> None:
    WorkspaceExport.objects.filter(id=export_id, state__in=["waiting", "writing"]).update(
        state="writing", tables_done=done, tables=tables, rows=rows
    )


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # a temporary file reads as one
    file.seek(0)
    return digest.hexdigest()


class _Own:
    """A connection of the application's own, ended with the block: what it holds is let go of however we end."""

    def __init__(self, begin: Callable[["psycopg.Connection[Any]"], None]) -> None:
        self._begin = begin

    def __enter__(self) -> "psycopg.Connection[Any]":
        self._connection: psycopg.Connection[Any] = psycopg.connect(**_parameters())
        try:
            self._begin(self._connection)
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _snapshot() -> _Own:
    def begin(source: "psycopg.Connection[Any]") -> None:
        source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        source.read_only = True

    return _Own(begin)


def _holding(item_id: UUID) -> _Own:
    def begin(held: "psycopg.Connection[Any]") -> None:
        row = held.execute("SELECT 1 FROM public.work_item WHERE id = %s FOR UPDATE SKIP LOCKED", [item_id]).fetchone()
        if row is None:
            raise HeldByAnother(str(item_id))

    return _Own(begin)


def _parameters() -> dict[str, Any]:
    wanted = connection.get_connection_params()
    return {name: wanted[name] for name in ("host", "port", "user", "password", "dbname") if wanted.get(name)} | {
        "connect_timeout": 5,
        "application_name": "zentra-export",
    }
