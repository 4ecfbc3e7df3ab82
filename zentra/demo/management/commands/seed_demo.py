"""``manage.py seed_demo``: make or refresh the demo workspaces and write them into ``.zentra/demo.json``."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from zentra.core.clock import now
from zentra.demo.alarms import seed_platform
from zentra.demo.files import read_demo, write_demo
from zentra.demo.seed import WORKSPACES, Addresses, seed_platform_people, seed_workspace
from zentra.settings import env


class Command(BaseCommand):
    """Safe to repeat."""

    help = "Make the demo workspaces."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.ZENTRA_STATE_DIR / "demo.json"
        content = read_demo(path)
        known = {part["slug"]: part for part in content.get("workspaces", [])}
        addresses = Addresses(settings.ZENTRA_BASE_URL, env("ZENTRA_SANDBOX_URL"), env("ZENTRA_CONSUMER_URL"))
        content["workspaces"] = [
            seed_workspace(wanted=wanted, known=known.get(wanted.slug, {}), addresses=addresses, now=now())
            for wanted in WORKSPACES
        ]
        content["platform"] = seed_platform_people(known=content.get("platform", {}))
        seed_platform(now=now())
        write_demo(path, content)
        self.stdout.write("The workspaces northwind and meridian are there.")
