"""``manage.py connect_sandbox``: tell the rails where each workspace's callbacks go, and what they did last month."""

import time
from typing import Any, Final
from uuid import UUID

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.demo.month import seed_months
from zentra.routing.providers.sandbox import register
from zentra.routing.providers.sandbox_books import BooksUnavailable
from zentra.routing.queries import list_registrations
from zentra.routing.types import Registration
from zentra.settings import env
from zentra.tenants.queries import list_active_refs

PATIENCE_SECONDS: Final = 15.0


class Command(BaseCommand):
    """Every workspace's rails, sandbox ones only; doing it again is harmless."""

    help = "Register every workspace's connections with the simulated rails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--with-month", action="store_true", help="make the demo's finished month too")

    def handle(self, *args: Any, **options: Any) -> None:
        registrations = [each for ref in list_active_refs() if ref.mode == "sandbox" for each in self._of(ref.id)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                register(registrations)
                break
            except httpx.HTTPError as error:
                if time.monotonic() > deadline:
                    raise CommandError(f"The simulated rails do not answer: {error}") from error
                time.sleep(0.1)
        self.stdout.write(f"{len(registrations)} connections are registered.")
        if options["with_month"]:
            self._seed_months()

    def _seed_months(self) -> None:
        try:
            made = seed_months(sandbox_url=env("ZENTRA_SANDBOX_URL"), now=now())
        except BooksUnavailable as error:
            raise CommandError(f"The simulated rails do not tell of the past: {error}") from error
        if made:
            self.stdout.write(f"{' and '.join(made)} have a finished month to close.")

    def _of(self, workspace_id: UUID) -> list[Registration]:
        with tenant_work(workspace_id):
            return list_registrations(callback_base_url=settings.ZENTRA_BASE_URL)
