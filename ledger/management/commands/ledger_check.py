"""``manage.py ledger_check``: hold every balance, history, hash and hold against the entries that it follows from."""

import json
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import CheckRunning
from ledger.integrity.types import CheckRunRecord, Finding, Progress
from ledger.operations import run_check
from zentra.core import clock
from zentra.core.tenancy import TenantRef, list_active
from zentra.tenants.queries import find_workspace

EVERY_SECONDS: Final = 1.0


class Command(BaseCommand):
    """Ends with status 1 when a ledger diverges from its entries."""

    help = "Check ledgers against their entries; names the first divergent rows. Traffic may go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--workspace",
            nargs="+",
            default=["all"],
            metavar="SLUG",
            help="the workspaces to check; without it, or with 'all', every active one",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line and workspace, no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = options["json"]
        runs = [self._check(workspace) for workspace in _chosen(options["workspace"])]
        if any(run.findings for run in runs):
            raise SystemExit(1)

    def _check(self, workspace: TenantRef) -> CheckRunRecord:
        try:
            run = run_check(
                workspace=workspace, started_by="command", now=clock.now(), report=self._reporter(workspace)
            )
        except CheckRunning as refused:
            raise CommandError(f"{refused.detail} Try again when it has ended.") from None
        self.stdout.write(json.dumps(as_facts(workspace, run)) if self.as_json else as_text(workspace, run))
        return run

    def _reporter(self, workspace: TenantRef) -> Any:
        """Says about once a second how far the check is, on stderr."""
        spoken = time.monotonic()

        def report(progress: Progress) -> None:
            nonlocal spoken
            if not self.as_json and time.monotonic() - spoken >= EVERY_SECONDS:
                spoken = time.monotonic()
                total = f" of {progress.total:,}" if progress.total is not None else ""
                self.stderr.write(f"{workspace.slug}: {progress.step}, {progress.done:,}{total}")

        return report


def as_text(workspace: TenantRef, run: CheckRunRecord) -> str:
    """A run as plain sentences."""
    size = f"{run.postings:,} postings, {run.entries:,} entries and {run.accounts:,} accounts"
    took = f"in {run.seconds or 0:.1f} s"
    if not run.findings:
        return f"{workspace.slug}: sound. {size} were checked {took}."
    lines = [f"{workspace.slug}: DIVERGED. {size} were checked {took}; run {run.id}."]
    for finding in run.findings:
        lines += _sentences(finding)
    return "\n".join(lines)


def _sentences(finding: Finding) -> list[str]:
    first = finding.first
    lines = [f"  {finding.title}: {finding.count:,} {'does' if finding.count == 1 else 'do'} not."]
    lines.append(f"    First: {first.sentence}")
    lines += [
        f"      {part}: expected {expected}, found {first.found.get(part)}"
        for part, expected in first.expected.items()
        if expected != first.found.get(part)
    ]
    lines += [f"    Then: {row.sentence}" for row in finding.rows[1:]]
    if finding.count > len(finding.rows):
        lines.append(f"    And {finding.count - len(finding.rows):,} more.")
    return lines


def as_facts(workspace: TenantRef, run: CheckRunRecord) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "workspace": workspace.slug,
        "check_run_id": run.id,
        "state": run.state,
        "postings": run.postings,
        "entries": run.entries,
        "accounts": run.accounts,
        "seconds": round(run.seconds or 0, 3),
        "findings": [finding.as_dict() for finding in run.findings],
    }


def _chosen(slugs: list[str]) -> list[TenantRef]:
    if "all" in slugs:
        return list_active()
    found = {slug: find_workspace(slug=slug) for slug in slugs}
    unknown = [slug for slug, workspace in found.items() if workspace is None]
    if unknown:
        raise CommandError(f"There is no workspace {', '.join(unknown)}.")
    return [workspace for workspace in found.values() if workspace is not None]
