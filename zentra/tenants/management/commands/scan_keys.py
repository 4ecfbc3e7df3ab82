"""``manage.py scan_keys PATH…``: find our keys and client secrets where they should not be, and end them.

Ends with 1 when one that works was found and not ended, so that a job may fail on it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zentra.core.clock import now
from zentra.tenants.services.leaks import Leak, end_leak, find_leaks

_MOST_BYTES = 32 * 1024 * 1024
_LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__"})


class Command(BaseCommand):
    """Runs as the application."""

    help = "Find API keys and client secrets in files, folders or standard input (-), and say which work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--revoke", action="store_true", help="end those that work, at once")

    def handle(self, *args: Any, **options: Any) -> None:
        found = alive = 0
        for name, text in _texts(options["paths"]):
            for leak in find_leaks(text, now=now()):
                ended = options["revoke"] and end_leak(leak, now=now())
                found += 1
                alive += leak.state == "alive" and not ended
                self.stdout.write(f"{name}:{leak.line}: {_says(leak, ended=ended)}")
        self.stdout.write(f"{found} found, {alive} of them work.")
        if alive:
            raise CommandError("Secrets that work stand in the open. Run it again with --revoke to end them.")


def _says(leak: Leak, *, ended: bool) -> str:
    """The id and never the secret."""
    where = f" of {leak.workspace.slug}" if leak.workspace else ""
    return f"{leak.holder}{where}: {'ended now' if ended else leak.state}"


def _texts(paths: list[str]) -> Iterator[tuple[str, str]]:
    for said in paths:
        if said == "-":
            yield "(standard input)", sys.stdin.read()
            continue
        path = Path(said)
        if not path.exists():
            raise CommandError(f"There is no {said}.")
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if each.is_file() and not _LEFT_OUT & set(each.parts) and each.stat().st_size <= _MOST_BYTES:
                yield str(each), each.read_text(errors="replace")
