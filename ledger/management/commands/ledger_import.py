"""``manage.py ledger_import``: import a file of accounts or postings, and stay with it to its end."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from ledger.files.tasks import advance_import
from ledger.files.types import IMPORT_FORMATS, KINDS, ImportRecord
from ledger.operations import start_import
from ledger.queries import get_import, list_refusals
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.queries import find_workspace

AT_A_TIME: Final = 1.0
PAGE: Final = 500


class Command(BaseCommand):
    """A worker may take the same import at the same time; no row is written twice. Status 1 when rows were refused."""

    help = "Import accounts or postings from a CSV or JSONL file. Repeating the same file writes nothing twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=KINDS)
        parser.add_argument("--file", required=True, type=Path)
        parser.add_argument("--format", choices=IMPORT_FORMATS, help="without it, what the file's name ends with")
        parser.add_argument("--dry-run", action="store_true", help="check everything, count, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = _workspace(options["workspace"])
        record = self._start(workspace, options)
        shown = -1
        while not record.is_finished:
            record = _advance(workspace, record)
            if record.percent != shown:
                shown = record.percent
                self.stderr.write(f"{record.id}: {shown} %, {_counts(record)}")
        self._tell(workspace, record)

    def _start(self, workspace: TenantRef, options: dict[str, Any]) -> ImportRecord:
        path: Path = options["file"]
        form = options["format"] or path.suffix.removeprefix(".").lower()
        if form not in IMPORT_FORMATS:
            raise CommandError(f"{path.name} is not named .csv or .jsonl; say --format.")
        try:
            with path.open("rb") as content, tenant_work(workspace):
                return start_import(
                    kind=options["kind"],
                    format=form,
                    is_dry_run=options["dry_run"],
                    file_name=path.name,
                    content=content,
                    actor=actors.LEDGER,
                    now=clock.now(),
                )
        except (OSError, DomainError) as error:
            raise CommandError(str(error)) from error

    def _tell(self, workspace: TenantRef, record: ImportRecord) -> None:
        after = 0
        while True:
            with tenant_work(workspace):
                page = list_refusals(import_id=record.id, limit=PAGE, after_row=after)
            for refusal in page:
                self.stdout.write(f"row {refusal.row_number}: {refusal.code}: {refusal.detail}")
                after = refusal.row_number
            if len(page) < PAGE:
                break
        would = " (dry run: nothing was written)" if record.is_dry_run else ""
        self.stdout.write(f"{record.id}: {record.state}, {_counts(record)}{would}.")
        if record.state == "failed":
            raise CommandError(record.problem)
        if record.rows_refused or record.state != "done":
            raise SystemExit(1)


def _workspace(slug: str) -> TenantRef:
    found = find_workspace(slug=slug)
    if found is None:
        raise CommandError(f"There is no workspace {slug}.")
    return found


def _advance(workspace: TenantRef, record: ImportRecord) -> ImportRecord:
    """Work for a moment, or watch while a worker does."""
    try:
        return advance_import(ws=workspace, import_id=record.id, seconds=AT_A_TIME)
    except DomainError as error:
        if not error.retryable:
            raise
    time.sleep(0.2)
    with tenant_work(workspace):
        return get_import(import_id=record.id)


def _counts(record: ImportRecord) -> str:
    return (
        f"{record.rows_read:,} rows: {record.rows_written:,} written, {record.rows_repeated:,} repeated,"
        f" {record.rows_refused:,} refused"
    )
