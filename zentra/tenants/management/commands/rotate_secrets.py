"""``manage.py rotate_secrets``: move everything that is encrypted to the newest of ``ZENTRA_SECRET_KEYS``.

Resumable and safe while everything runs: start it again whenever it was ended. ``--check`` moves nothing and says
whether the older keys may be dropped; it fails while they may not.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zentra.core import crypto
from zentra.core.schema import connect_as_owner
from zentra.core.sealed.resealing import BATCH_ROWS, Found, walk


class Command(BaseCommand):
    """Runs as the database's owner, with the keys of the running processes."""

    help = "Encrypt stored secrets anew under the newest key, or check which keys are still needed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="move nothing; fail while an older key is needed")
        parser.add_argument("--batch", type=int, default=BATCH_ROWS, help="rows in a transaction (default %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        by_column = self._walk(is_check=options["check"], batch_rows=max(1, options["batch"]))
        total = Found()
        for name, found in sorted(by_column.items()):
            total.add(found)
            if found.values:
                self.stdout.write(f"{name}: {_words(found, is_check=options['check'])}")
        self._conclude(total, is_check=options["check"])

    def _walk(self, *, is_check: bool, batch_rows: int) -> dict[str, Found]:
        by_column: dict[str, Found] = {}
        with connect_as_owner() as owner:
            for _schema, name, found in walk(owner=owner, is_check=is_check, batch_rows=batch_rows):
                by_column.setdefault(name, Found()).add(found)
        return by_column

    def _conclude(self, total: Found, *, is_check: bool) -> None:
        keys = len(settings.ZENTRA_SECRET_KEYS)
        for number in range(keys):
            self.stdout.write(f"key {number + 1} of {keys} ({crypto.key_mark(number)}): {total.by_key[number]} found")
        if total.unreadable:
            raise CommandError(
                f"{total.unreadable} cannot be opened with any of the {keys} keys. Which key is missing?"
            )
        if total.changed_meanwhile or (is_check and total.left):
            raise CommandError(f"{max(total.left, 1)} are not under the newest key. Run rotate_secrets.")
        if keys > 1:
            self.stdout.write(
                "Everything is under the newest key: the older ones may be dropped. Sessions and cursors that they"
                " signed end, and an idempotency key of before whose answer shows a secret is no longer recognised."
            )


def _words(found: Found, *, is_check: bool) -> str:
    said = [f"{found.values} sealed"]
    if not is_check:
        said.append(f"{found.moved} moved")
    elif found.left:
        said.append(f"{found.left} under older keys")
    if found.unreadable:
        said.append(f"{found.unreadable} unreadable")
    if found.changed_meanwhile:
        said.append(f"{found.changed_meanwhile} changed meanwhile")
    return ", ".join(said)
