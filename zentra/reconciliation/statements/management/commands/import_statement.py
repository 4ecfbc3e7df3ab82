"""``manage.py import_statement``: import a bank's or a rail's file, and stay with it to its end."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements.operations import start_import
from zentra.reconciliation.statements.queries import get_import, list_problems
from zentra.reconciliation.statements.tasks import advance_import
from zentra.reconciliation.statements.types import STATEMENT_FORMATS, ImportRecord, StatementFormat
from zentra.tenants.queries import find_workspace

AT_A_TIME: Final = 1.0
PAGE: Final = 500
_FORMS: Final[dict[str, StatementFormat]] = {
    ".xml": "camt053", ".sta": "mt940", ".940": "mt940", ".mt940": "mt940", ".bai": "bai2", ".bai2": "bai2"
}  # fmt: skip


class Command(BaseCommand):
    """A worker may take the same import at the same time; no line is written twice. Status 1 when one was refused."""

    help = "Import a file of a bank or rail. Statements that are here already are not written twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--file", required=True, type=Path)
        parser.add_argument(
            "--format", choices=STATEMENT_FORMATS, help="without it by the name: .xml, .sta, .bai2 …, else csv"
        )
        parser.add_argument(
            "--account", metavar="RCA", help="the reconciled account; camt053, mt940 and bai2 files name theirs"
        )
        parser.add_argument("--mapping", type=Path, help="JSON of a CSV mapping, in place of the account's own")
        parser.add_argument("--dry-run", action="store_true", help="make every check, count, and write nothing")

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
        form: StatementFormat = options["format"] or _FORMS.get(path.suffix.lower(), "csv")
        try:
            mapping = None if options["mapping"] is None else json.loads(options["mapping"].read_text())
            with path.open("rb") as content, tenant_work(workspace):
                return start_import(
                    account_id=options["account"],
                    format=form,
                    mapping=mapping,
                    is_dry_run=options["dry_run"],
                    file_name=path.name,
                    content=content,
                    actor=actors.RECONCILIATION,
                    now=clock.now(),
                )
        except (OSError, ValueError, DomainError) as error:
            raise CommandError(str(error)) from error

    def _tell(self, workspace: TenantRef, record: ImportRecord) -> None:
        after = 0
        while True:
            with tenant_work(workspace):
                page = list_problems(import_id=record.id, limit=PAGE, after=after)
            for problem in page:
                word = "warning: " if problem.is_warning else ""
                self.stdout.write(f"{word}{problem.place}: {problem.code}: {problem.detail}")
                after = problem.number
            if len(page) < PAGE:
                break
        would = " (dry run: nothing was written)" if record.is_dry_run else ""
        self.stdout.write(f"{record.id}: {record.state}, {_counts(record)}{would}.")
        if record.state != "done":
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
        f"{record.statements} statements, {record.statements_refused} refused; {record.lines_read:,} lines:"
        f" {record.lines_written:,} written, {record.lines_repeated:,} repeated, {record.lines_refused:,} refused"
    )
