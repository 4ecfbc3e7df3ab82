"""Where the files are: Django's default storage, under the schema of their workspace. Nothing there has a URL."""

import hashlib
import tempfile
from typing import IO, BinaryIO, Final, cast

from django.core.files import File
from django.core.files.storage import default_storage

from ledger.files.errors import ImportTooLarge, ImportUnreadable
from ledger.files.types import MAX_FILE_BYTES
from zentra.core.tenancy import TenantRef

_PIECE: Final = 256 * 1024
_IN_MEMORY: Final = 4 * 1024 * 1024


class TakenIn:
    """Content that was taken in: a file of our own that can be read from anywhere, its size and its SHA-256."""

    def __init__(self, content: IO[bytes]) -> None:
        """Copy the content; raises ImportTooLarge as soon as it is."""
        self.file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # closed by close()
        digest, self.size = hashlib.sha256(), 0
        while piece := content.read(_PIECE):
            self.size += len(piece)
            if self.size > MAX_FILE_BYTES:
                self.file.close()
                raise ImportTooLarge(
                    f"The file has more than {MAX_FILE_BYTES} bytes; split it.", most_bytes=MAX_FILE_BYTES
                )
            digest.update(piece)
            self.file.write(piece)
        self.sha256 = digest.digest()

    def close(self) -> None:
        """Let go of the copy."""
        self.file.close()


def folder_of(workspace: TenantRef) -> str:
    """The folder of a workspace. Its schema is unique and never changes."""
    return f"{workspace.schema}/ledger"


def store(content: IO[bytes], *, name: str) -> str:
    """Keep a file; the name under which it is kept."""
    content.seek(0)
    return default_storage.save(name, File(content))


def open_stored(name: str, *, workspace: TenantRef) -> BinaryIO:
    """A file of the workspace; raises ImportUnreadable when it is another's or is gone."""
    if not name.startswith(f"{folder_of(workspace)}/"):
        raise ImportUnreadable("The file is not one of this workspace.")
    try:
        return cast("BinaryIO", default_storage.open(name, "rb"))
    except FileNotFoundError:
        raise ImportUnreadable("The stored file is not there any more.") from None


def sha256_of(source: BinaryIO) -> str:
    """The SHA-256 of a whole file, lower-case hex."""
    source.seek(0)
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def discard(name: str) -> None:
    """Remove a file that nobody needs; one that is gone is fine."""
    default_storage.delete(name)
