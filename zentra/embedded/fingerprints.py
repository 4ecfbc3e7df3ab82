"""What a step was last done with, so that it can be skipped while nothing that it reads has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_APPS = ("zentra", "ledger", "policy", "webhooks", "evidence", "console")

# What `setup_roles` and `migrate_all` read: while none of it changes, the schemas are as they left them.
SCHEMA_SOURCES = (
    *(f"{app}/**/{what}" for app in _APPS for what in ("migrations/*.py", "sql/*.sql", "apps.py")),
    "zentra/core/**/*.py",
    "zentra/tenants/**/*.py",
    "zentra/settings.py",
    "requirements.txt",
)
DEMO_SOURCES = (*SCHEMA_SOURCES, "zentra/demo/**/*.py")
STATIC_SOURCES = ("static/**/*", "console/static/**/*", "zentra/settings.py", "requirements.txt")


def fingerprint(root: Path, patterns: Iterable[str], *extra: str) -> str:
    """SHA-256 over the names and contents of all files under `root` that match, and over `extra`."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()}):
        for part in (str(path.relative_to(root)).encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    for text in extra:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


class Stamp:
    """A file that remembers one fingerprint."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_current(self, value: str) -> bool:
        """Whether the step was finished with exactly this fingerprint."""
        return self._path.is_file() and self._path.read_text(encoding="ascii") == value

    def set(self, value: str) -> None:
        """Remember that the step was finished."""
        self._path.write_text(value, encoding="ascii")
