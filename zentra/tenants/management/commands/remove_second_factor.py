"""``manage.py remove_second_factor ADDRESS``: for somebody who lost authenticator and recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from zentra.core.clock import now
from zentra.tenants.second_factor.operations import remove_second_factor


class Command(BaseCommand):
    """Ends a person's authenticator, passkeys and recovery codes; they sign in by password and set up another."""

    help = "End a person's authenticator, passkeys and recovery codes. Make sure who is asking first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The person's address."""
        parser.add_argument("email")

    def handle(self, *_: Any, **options: Any) -> None:
        """Remove it, recorded in ``platform``."""
        if not remove_second_factor(email=options["email"], now=now()):
            raise CommandError(f"{options['email']} has no second factor here.")
        self.stdout.write(f"{options['email']} signs in with the password alone now.")
