"""What was signed last, remembered in a file outside the database.

A database that is restored from a backup forgets its newest checkpoints. Signing on from there would make a second
history under the same key: a fork. The file is what notices.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from zentra.core.errors import DomainError


class ForkRefused(DomainError):
    """Signing would contradict a checkpoint that was given out before."""

    code = "log_fork_refused"
    status = 500
    title = "The evidence log would contradict what was signed before"


@dataclass(frozen=True, slots=True)
class Signed:
    """The last tree head that a log's key signed on this machine."""

    origin: str
    size: int
    root: bytes


def recall(workspace_id: UUID) -> Signed | None:
    """What was signed last, None when this machine never signed for the workspace; raises ForkRefused if unreadable."""
    path = _path(workspace_id)
    try:
        value = json.loads(path.read_text())
        return Signed(origin=str(value["origin"]), size=int(value["size"]), root=bytes.fromhex(value["root"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ForkRefused(f"{path.name} does not say what was signed last, so nothing more is signed.") from error


def remember(workspace_id: UUID, signed: Signed) -> None:
    """Put a tree head on disk, whole or not at all, before it is given out."""
    path = _path(workspace_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = json.dumps({"origin": signed.origin, "size": signed.size, "root": signed.root.hex()})
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _path(workspace_id: UUID) -> Path:
    return Path(settings.ZENTRA_STATE_DIR) / "evidence" / f"{workspace_id}.json"
