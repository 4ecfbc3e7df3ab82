"""``manage.py setup --email ADDRESS --name NAME``: the first admin of a real installation, without demo data."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from zentra.core.clock import now
from zentra.tenants.provisioning.first_run import AlreadySetUp, begin_setup, setup_url


class Command(BaseCommand):
    """Migrates what is not at the head, makes the platform's first admin, and prints the link to their password."""

    help = "Bring a new installation to life: schemas, the platform's first admin, a link that works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The person."""
        parser.add_argument("--email", required=True, help="the address they sign in with")
        parser.add_argument("--name", required=True, help="what others call them")

    def handle(self, *_: Any, **options: Any) -> None:
        """Refuses when an admin of the platform has a password already."""
        address, name = options["email"].strip(), " ".join(options["name"].split())
        try:
            validate_email(address)
        except ValidationError as error:
            raise CommandError(f"{address} is no mail address.") from error
        if not name or len(name) > 80:
            raise CommandError("Give a name of 1 to 80 characters.")
        if not settings.ZENTRA_OWNER_DATABASE_URL:
            raise CommandError("ZENTRA_OWNER_DATABASE_URL is missing: setting up makes the schemas.")
        call_command("migrate_all", stdout=self.stdout, skip_checks=True)
        try:
            token = begin_setup(email=address, name=name, now=now())
        except AlreadySetUp as refusal:
            raise CommandError(f"{refusal.detail} A forgotten password is renewed from the sign-in page.") from refusal
        self.stdout.write(f"\n{name} sets a password here, once, within a day:\n\n  {setup_url(token=token)}\n")
        self.stdout.write("Keep the link to yourself: whoever opens it first runs this installation.")
