"""``manage.py connect_sandbox``: tell the running simulated rails where each workspace's callbacks go."""

import time
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zentra.core.tenancy import tenant_work
from zentra.routing.providers.sandbox import Registration, register
from zentra.routing.queries import callback_secrets, list_rails
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

    def _of(self, workspace_id: Any) -> list[Registration]:
        with tenant_work(workspace_id):
            return [
                Registration(
                    rail.base_url,
                    rail.id,
                    f"{settings.ZENTRA_BASE_URL}/v1/providers/{rail.id}/callbacks",
                    callback_secrets(rail_id=rail.id)[0],
                )
                for rail in list_rails()
                if rail.provider == "sandbox"
            ]
