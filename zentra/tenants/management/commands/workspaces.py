"""``manage.py workspaces list|create|suspend|resume|archive|unarchive|twin|export``: for whoever runs the installation.

What makes schemas is done here at once where the owner's URL is at hand, and by the provisioner otherwise.
"""

import shutil
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zentra.core import actors
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.tenants.exports.operations import open_export, request_export
from zentra.tenants.exports.queries import find_export
from zentra.tenants.exports.writing import write_now
from zentra.tenants.health import workspaces_health
from zentra.tenants.provisioning.jobs import run_job
from zentra.tenants.provisioning.lifecycle import (
    archive_workspace,
    resume_workspace,
    suspend_workspace,
    unarchive_workspace,
)
from zentra.tenants.provisioning.operations import request_twin, request_workspace
from zentra.tenants.provisioning.queries import find_job, find_workspace_record, list_workspace_records
from zentra.tenants.provisioning.types import JobRecord, WorkspaceRecord

_PAGE: Final = 100
Turn = Callable[..., WorkspaceRecord]
_TURNS: Final[dict[str, Turn]] = {
    "suspend": suspend_workspace,
    "resume": resume_workspace,
    "archive": archive_workspace,
}


class Command(BaseCommand):
    """Says what it did, one line each; a refusal is a sentence and exit status 1."""

    help = "List, make, suspend, resume, archive and export workspaces."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command each."""
        acts: _SubParsersAction[Any] = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list").add_argument("--state", default="")
        create = acts.add_parser("create")
        create.add_argument("--slug", required=True)
        create.add_argument("--name", required=True)
        create.add_argument("--mode", choices=["sandbox", "live"], default="sandbox")
        create.add_argument("--currency", default="USD")
        create.add_argument("--admin-email", default="")
        for name in (*_TURNS, "unarchive"):
            turn = acts.add_parser(name)
            turn.add_argument("slug")
            turn.add_argument("--reason", default="")
        twin = acts.add_parser("twin")
        twin.add_argument("slug")
        twin.add_argument("--as", dest="twin_slug", default="")
        export = acts.add_parser("export")
        export.add_argument("slug")
        export.add_argument("--to", required=True, help="where the zip goes")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do the act; raises CommandError with the refusal's sentence."""
        try:
            getattr(self, f"_{options['act']}", self._turn)(options)
        except DomainError as refusal:
            raise CommandError(f"{refusal.title}: {refusal.detail}") from refusal

    def _list(self, options: dict[str, Any]) -> None:
        after = ""
        while page := list_workspace_records(after=after, limit=_PAGE, state=options["state"]):
            health = workspaces_health(workspaces=[each.ref for each in page if each.state != "deleted"], now=now())
            for each in page:
                how = health[each.id].state if each.id in health else "-"
                self.stdout.write(f"{each.slug:<42}{each.mode:<9}{each.state:<11}{each.ledger_currency:<5}{how}")
            after = page[-1].slug

    def _create(self, options: dict[str, Any]) -> None:
        job = request_workspace(
            slug=options["slug"], name=options["name"], mode=options["mode"], ledger_currency=options["currency"],
            admin_email=options["admin_email"], actor=actors.RUNTIME, now=now(),
        )  # fmt: skip
        self._make(job)

    def _twin(self, options: dict[str, Any]) -> None:
        found = _find(options["slug"])
        self._make(request_twin(workspace_id=found.id, slug=options["twin_slug"], actor=actors.RUNTIME, now=now()))

    def _make(self, job: JobRecord) -> None:
        if not settings.ZENTRA_OWNER_DATABASE_URL:
            self.stdout.write(f"{job.slug} waits for the provisioner as {job.id}.")
            return
        done = run_job(job_id=job.id, now=now()) or find_job(job_id=job.id)
        if done is None or done.state == "failed":
            raise CommandError(f"{job.slug} was not made. {done.error if done else ''}")
        self.stdout.write(f"{job.slug} is there." if done.state == "done" else f"{job.slug} is being made: {job.id}.")

    def _turn(self, options: dict[str, Any]) -> None:
        found = _find(options["slug"])
        turned = _TURNS[options["act"]](
            workspace_id=found.id, version=found.version, actor=actors.RUNTIME, reason=options["reason"], now=now()
        )
        until = f"; its data goes after {turned.delete_after:%Y-%m-%d %H:%M} UTC" if turned.delete_after else ""
        self.stdout.write(f"{turned.slug} is {turned.state}{until}.")

    def _unarchive(self, options: dict[str, Any]) -> None:
        found = _find(options["slug"])
        turned = unarchive_workspace(workspace_id=found.id, version=found.version, actor=actors.RUNTIME, now=now())
        self.stdout.write(f"{turned.slug} is {turned.state}; `workspaces resume` lets people in again.")

    def _export(self, options: dict[str, Any]) -> None:
        """Written by this process; a worker that takes the work at the same moment leaves it to us, or we to it."""
        ref = _find(options["slug"]).ref
        asked = request_export(workspace=ref, actor=actors.RUNTIME, now=now())
        write_now(workspace=ref, export_id=asked.id)
        found = find_export(workspace_id=ref.id, export_id=asked.id)
        if found is None or found.state != "ready":
            raise CommandError(found.error if found and found.error else "A worker writes it; see the page.")
        opened = open_export(workspace=ref, export_id=asked.id, actor=actors.RUNTIME, now=now())
        with opened.file as source, Path(options["to"]).open("xb") as target:
            shutil.copyfileobj(source, target)
        self.stdout.write(f"{options['to']}: {opened.size:,} bytes, SHA-256 {opened.sha256}")


def _find(slug: str) -> WorkspaceRecord:
    found = find_workspace_record(slug=slug)
    if found is None or found.mode == "platform":
        raise CommandError(f"There is no workspace {slug!r}.")
    return found
