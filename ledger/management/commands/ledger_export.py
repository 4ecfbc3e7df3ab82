"""``manage.py ledger_export``: write postings or accounts to a file."""

import shutil
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from ledger.files.columns import check_moment
from ledger.files.exports import ExportMoved
from ledger.files.tasks import continue_export
from ledger.files.types import EXPORT_FORMATS, KINDS, ExportFilters, ExportRecord
from ledger.operations import start_export
from ledger.queries import get_export, open_export
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.queries import find_workspace

AT_A_TIME: Final = 1.0
MOMENTS: Final = ("effective_from", "effective_to", "recorded_from", "recorded_to")


class Command(BaseCommand):
    """The file appears under its name only when it is complete."""

    help = "Export postings with their entries, or accounts, as CSV, JSONL or Beancount text."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--kind", default="postings", choices=KINDS)
        parser.add_argument("--format", default="jsonl", choices=EXPORT_FORMATS)
        parser.add_argument("--file", required=True, type=Path, help="where to write it; it must not exist yet")
        for name in MOMENTS:
            parser.add_argument(f"--{name.replace('_', '-')}", metavar="MOMENT", help="such as 2026-11-30T00:00:00Z")
        parser.add_argument("--account", metavar="ID_OR_CODE")
        parser.add_argument("--currency")
        parser.add_argument("--state", choices=["posted", "pending", "released"])

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = find_workspace(slug=options["workspace"])
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        target: Path = options["file"]
        if target.exists():
            raise CommandError(f"{target.name} exists already.")
        try:
            record = self._start(workspace, options)
            while not record.is_finished:
                record = _advance(workspace, record)
                self.stderr.write(f"{record.id}: {record.rows_written:,} rows written")
            if record.state != "done":
                raise CommandError(record.problem)
            _save(workspace, record, target)
        except (OSError, DomainError) as error:
            raise CommandError(str(error)) from error
        counts = f"rows {record.rows_total:,}, bytes {record.size_bytes:,}"
        self.stdout.write(f"{record.id}: done, {counts}, SHA-256 {record.sha256}")

    def _start(self, workspace: TenantRef, options: dict[str, Any]) -> ExportRecord:
        moments = {name: check_moment(options[name], name, is_day_allowed=True) for name in MOMENTS if options[name]}
        filters = ExportFilters(
            **moments, account_id=options["account"], currency=options["currency"], state=options["state"]
        )
        with tenant_work(workspace):
            return start_export(
                kind=options["kind"],
                format=options["format"],
                filters=filters,
                actor=actors.LEDGER,
                now=clock.now(),
            )


def _advance(workspace: TenantRef, record: ExportRecord) -> ExportRecord:
    """Work for a moment, or watch while a worker does."""
    try:
        return continue_export(ws=workspace, export_id=record.id, seconds=AT_A_TIME)
    except ExportMoved:
        time.sleep(0.2)
    with tenant_work(workspace):
        return get_export(export_id=record.id)


def _save(workspace: TenantRef, record: ExportRecord, target: Path) -> None:
    with tenant_work(workspace):
        source, _name = open_export(export_id=record.id)
    unfinished = target.with_name(f"{target.name}.part")
    with source, unfinished.open("xb") as file:
        shutil.copyfileobj(source, file)
    unfinished.rename(target)
