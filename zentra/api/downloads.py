"""Answering a file piece by piece, however large it is and whoever serves: WSGI takes iterators, ASGI awaited ones."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, Final
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

_PIECE_BYTES: Final = 64 * 1024
_IN_MEMORY_BYTES: Final = 1024 * 1024


def spool(pieces: Iterator[bytes]) -> IO[bytes]:
    """The pieces as a file, in memory while it is small. Read within a transaction, it outlives it: a slow reader of
    the answer then holds no snapshot of the database."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  # the answer closes it
    for piece in pieces:
        file.write(piece)
    file.seek(0)
    return file


def answer_file(
    request: HttpRequest, file: IO[bytes], *, name: str, content_type: str, size: int | None = None
) -> HttpResponseBase:
    """The file as a download; it is closed with the answer."""
    pieces = _awaited(file) if isinstance(request, ASGIRequest) else _read(file)
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    if size is not None:
        response["Content-Length"] = str(size)
    return response


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


async def _awaited(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await sync_to_async(file.read)(_PIECE_BYTES):
            yield piece
    finally:
        await sync_to_async(file.close)()
