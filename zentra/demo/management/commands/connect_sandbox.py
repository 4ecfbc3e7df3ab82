"""``manage.py connect_sandbox``: tell the running simulated rails where each workspace's callbacks go."""

import time
from typing import Any, Final
from uuid import UUID

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zentra.core.tenancy import tenant_work
from zentra.routing.providers.sandbox import register
from zentra.routing.queries import list_registrations
from zentra.routing.types import Registration
from zentra.tenants.queries import list_active_refs

PATIENCE_SECONDS: Final = 15.0


class Command(BaseCommand):
    """Every workspace's rails, sandbox ones only; doing it again is harmless."""

    help = "Register every workspace's connections with the simulated rails."

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

    def _of(self, workspace_id: UUID) -> list[Registration]:
        with tenant_work(workspace_id):
            return list_registrations(callback_base_url=settings.ZENTRA_BASE_URL)
