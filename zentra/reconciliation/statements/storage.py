"""Where the files are: Django's default storage, under the schema of their workspace. Nothing there has a URL."""

import hashlib
import tempfile
from typing import IO, BinaryIO, Final, cast

from django.core.files import File
from django.core.files.storage import default_storage

from zentra.core.tenancy import TenantRef
from zentra.reconciliation.statements.errors import StatementFileGone, StatementFileTooLarge
from zentra.reconciliation.statements.types import MAX_FILE_BYTES

_PIECE: Final = 256 * 1024
_IN_MEMORY: Final = 4 * 1024 * 1024


class TakenIn:
    """Content that was taken in: a file of our own that can be read from anywhere, its size and its SHA-256."""

    def __init__(self, content: IO[bytes]) -> None:
        """Copy the content; raises StatementFileTooLarge as soon as it is."""
        self.file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # closed by close()
        digest, self.size = hashlib.sha256(), 0
        while piece := content.read(_PIECE):
            self.size += len(piece)
            if self.size > MAX_FILE_BYTES:
                self.file.close()
                raise StatementFileTooLarge(
                    f"The file has more than {MAX_FILE_BYTES} bytes; split it.", most_bytes=MAX_FILE_BYTES
                )
            digest.update(piece)
            self.file.write(piece)
        self.sha256 = digest.digest()

    def close(self) -> None:
        """Let go of the copy."""
        self.file.close()


def store(content: IO[bytes], *, workspace: TenantRef, name: str) -> str:
    """Keep a file; the name under which it is kept."""
    content.seek(0)
    return default_storage.save(f"{_folder(workspace)}/{name}", File(content))


def open_stored(name: str, *, workspace: TenantRef, sha256: str) -> BinaryIO:
    """A file of the workspace as it was uploaded; raises StatementFileGone when it is another's, gone or changed."""
    if not name.startswith(f"{_folder(workspace)}/"):
        raise StatementFileGone("The file is not one of this workspace.")
    try:
        source = cast("BinaryIO", default_storage.open(name, "rb"))
    except FileNotFoundError:
        raise StatementFileGone("The stored file is not there any more.") from None
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
    if digest.hexdigest() != sha256:
        source.close()
        raise StatementFileGone("The stored file is not the one that was uploaded.", sha256=sha256)
    source.seek(0)
    return source


def _folder(workspace: TenantRef) -> str:
    """The folder of a workspace. Its schema is unique and never changes."""
    return f"{workspace.schema}/statements"
