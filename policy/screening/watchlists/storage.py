"""Where files of watchlists are: Django's default storage, under their workspace's schema. Nothing there has a URL."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, BinaryIO, Final, cast

from django.core.files import File
from django.core.files.storage import default_storage

from policy.screening.watchlists.errors import FileMoved, FileTooLarge
from policy.screening.watchlists.types import MAX_FILE_BYTES, Files, VersionRecord
from zentra.core.tenancy import TenantRef

_PIECE: Final = 256 * 1024
_IN_MEMORY: Final = 4 * 1024 * 1024


class TakenIn:
    """Content that was taken in: a file of our own that can be read from anywhere, its size and its SHA-256."""

    def __init__(self, content: IO[bytes]) -> None:
        """Copy the content; raises FileTooLarge as soon as it is."""
        self.file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # closed by close()
        digest, self.size = hashlib.sha256(), 0
        while piece := content.read(_PIECE):
            self.size += len(piece)
            if self.size > MAX_FILE_BYTES:
                self.file.close()
                raise FileTooLarge(f"more than {MAX_FILE_BYTES} bytes.", most_bytes=MAX_FILE_BYTES)
            digest.update(piece)
            self.file.write(piece)
        self.sha256 = digest.hexdigest()

    def close(self) -> None:
        """Let go of the copy."""
        self.file.close()


def store(taken: TakenIn, *, workspace: TenantRef, name: str) -> str:
    """Keep a file; the name under which it is kept."""
    taken.file.seek(0)
    return default_storage.save(f"{_folder(workspace)}/{name}", File(taken.file))


@contextmanager
def stored_files(*, record: VersionRecord, workspace: TenantRef) -> Iterator[Files]:
    """The files of an import, held against what was uploaded; raises FileMoved."""
    with ExitStack() as stack:
        opened = {
            which: stack.enter_context(_open(name, workspace, record.digests[which]))
            for which, name in record.storage_names.items()
        }
        yield Files(opened["main"], opened.get("alternates"), opened.get("addresses"))


def _open(name: str, workspace: TenantRef, sha256: str) -> BinaryIO:
    if not name.startswith(f"{_folder(workspace)}/"):
        raise FileMoved("The file is not one of this workspace.")
    try:
        source = cast("BinaryIO", default_storage.open(name, "rb"))
    except FileNotFoundError:
        raise FileMoved("The stored file is not there any more.") from None
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
    if digest.hexdigest() != sha256:
        source.close()
        raise FileMoved("The stored file is not the one that was uploaded.")
    source.seek(0)
    return source


def _folder(workspace: TenantRef) -> str:
    """The folder of a workspace. Its schema is unique and never changes."""
    return f"{workspace.schema}/watchlists"
