"""Files are answered piece by piece by both kinds of server, and only a file to import may be large."""

from __future__ import annotations

import asyncio
import io
import warnings

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from zentra import asgi
from zentra.api.downloads import answer_file, spool

CONTENT = b"0123456789abcdef" * 10_000


def test_a_server_of_wsgi_reads_it_in_pieces() -> None:
    file = io.BytesIO(CONTENT)
    answer = answer_file(RequestFactory().get("/"), file, name="ä b.csv", content_type="text/csv", size=len(CONTENT))

    assert isinstance(answer, StreamingHttpResponse)
    pieces = list(answer)

    assert (b"".join(pieces), len(pieces)) == (CONTENT, 3)
    assert file.closed
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A4%20b.csv"
    assert answer["Content-Length"] == str(len(CONTENT))


def test_a_server_of_asgi_awaits_them_and_never_holds_all() -> None:
    file = io.BytesIO(CONTENT)
    request = AsyncRequestFactory().get("/")
    assert isinstance(request, ASGIRequest)
    answer = answer_file(request, file, name="x.csv", content_type="text/csv")

    async def read() -> list[bytes]:
        return [piece async for piece in answer]  # type: ignore[attr-defined]  # a streaming answer

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pieces = asyncio.run(read())

    assert (b"".join(pieces), len(pieces)) == (CONTENT, 3)
    assert file.closed


def test_what_is_spooled_can_be_read_when_its_source_is_gone() -> None:
    assert spool(iter([b"a", b"b"])).read() == b"ab"


@pytest.mark.parametrize(
    ("path", "headers", "largest"),
    [
        ("/v1/ledger-imports", [(b"authorization", b"Bearer x")], asgi.LARGEST_IMPORT),
        ("/v1/ledger-imports", [], asgi.LARGEST_BODY),
        ("/v1/ledger-imports/x/cancel", [(b"authorization", b"Bearer x")], asgi.LARGEST_BODY),
        ("/v1/accounts", [(b"authorization", b"Bearer x")], asgi.LARGEST_BODY),
    ],
)
def test_only_a_file_to_import_of_somebody_with_a_key_may_be_large(
    path: str, headers: list[tuple[bytes, bytes]], largest: int
) -> None:
    assert asgi._largest({"path": path, "headers": headers}) == largest
