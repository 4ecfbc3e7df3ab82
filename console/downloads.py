"""Files that are too large for memory, sent piece by piece by whichever server asks."""

from collections.abc import AsyncIterator, Iterator
from typing import IO, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

PIECE: Final = 256 * 1024


def send_file(request: HttpRequest, file: IO[bytes], *, name: str, kind: str) -> StreamingHttpResponse:
    """The file as a download; it is closed at its end."""
    pieces = _apieces(file) if isinstance(request, ASGIRequest) else _pieces(file)
    return StreamingHttpResponse(
        pieces,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


async def _apieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await sync_to_async(file.read)(PIECE):
            yield piece
    finally:
        await sync_to_async(file.close)()
