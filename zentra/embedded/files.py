"""Directories and files that only their owner may read."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from zentra.embedded.accounts import Account


def make_directory(path: Path, *, mode: int, account: Account | None = None) -> Path:
    """Create `path` with exactly `mode`, owned by `account` when one is given.

    A directory that is there already keeps its mode and owner: it may not be ours.
    """
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return path
    path.chmod(mode)  # mkdir's own mode passes through the umask
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def write_private(path: Path, text: str, *, account: Account | None = None) -> None:
    """Replace `path` in one step by a file of mode 0600, so that a reader sees the old or the new, never half."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if account is not None:
            os.chown(temporary, account.uid, account.gid)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_private_json(path: Path, value: object) -> None:
    """Replace `path` by `value` as indented JSON, mode 0600."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty when the file is missing or was cut short by a crash."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
