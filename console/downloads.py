"""Files that are too large for memory, sent piece by piece by whichever server asks.

Whoever downloads is looked at again about every second: what was taken away ends the download in its middle.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Final

import structlog
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from console.doors import Visit
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_membership

log = structlog.get_logger(__name__)
PIECE: Final = 256 * 1024
_IN_MEMORY: Final = 1024 * 1024
LOOK_EVERY_SECONDS: Final = 1.0
Still = Callable[[], bool]


class DownloadEnded(Exception):
    """Whoever downloads may not any more; the connection is cut, so that nobody takes the half for the whole."""


def send_file(
    request: HttpRequest, file: IO[bytes], *, name: str, kind: str, still: Still | None = None
) -> StreamingHttpResponse:
    """The file as a download; it is closed at its end. ``still`` says whether it may go on."""
    pieces = _apieces(file, _Watch(still)) if isinstance(request, ASGIRequest) else _pieces(file, _Watch(still))
    return StreamingHttpResponse(
        pieces,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def attached(content: bytes, name: str, kind: str) -> HttpResponse:
    """A file as a download."""
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def spooled(pieces: Iterator[bytes]) -> IO[bytes]:
    """The pieces as a file, in memory while it is small. Read within a transaction, it outlives it, so that a slow
    reader of the answer holds no snapshot of the database."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the answer closes it
    for piece in pieces:
        file.write(piece)
    file.seek(0)
    return file


def still_may(visit: Visit, permission: Permission) -> Still:
    """Asks whether the person of a visit may do it now; after the visit, hence with a connection of its own."""

    def ask() -> bool:
        try:
            member = find_membership(user_id=visit.member.user_id, slug=visit.workspace.slug)
            return member is not None and member.may(permission)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return ask


class _Watch:
    """Looks again when it is time to."""

    def __init__(self, still: Still | None) -> None:
        self._still = still
        self._looked_at = time.monotonic()

    def look(self) -> None:
        if self._still is None or time.monotonic() - self._looked_at < LOOK_EVERY_SECONDS:
            return
        if not self._still():
            log.warning("download.ended")
            raise DownloadEnded
        self._looked_at = time.monotonic()


def _pieces(file: IO[bytes], watch: _Watch) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            watch.look()
            yield piece


async def _apieces(file: IO[bytes], watch: _Watch) -> AsyncIterator[bytes]:
    try:
        while piece := await sync_to_async(file.read)(PIECE):
            await sync_to_async(watch.look, thread_sensitive=False)()
            yield piece
    finally:
        await sync_to_async(file.close)()
