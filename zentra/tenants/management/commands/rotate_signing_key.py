"""``manage.py rotate_signing_key``: another key signs access tokens, with an overlap in which both verify."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from zentra.core.clock import now
from zentra.tenants.services.operations.signing import forget_signing_keys, rotate_signing_key
from zentra.tenants.services.operations.tokens import forget_revoked_tokens


class Command(BaseCommand):
    """Runs as the application."""

    help = "Make a new signing key for access tokens; the one before signs for ten minutes more, verifies for thirty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--now", action="store_true", help="a private key leaked: the old ones end, and every token with them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        moment = now()
        kid = rotate_signing_key(now=moment, at_once=options["now"])
        forget_signing_keys(now=moment)
        forget_revoked_tokens(now=moment)
        self.stdout.write(f"{kid} {'signs now' if options['now'] else 'is published now and signs in ten minutes'}.")
