"""What is streamed goes through the server that really serves: ASGI."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from zentra.asgi import LARGEST_BODY, LARGEST_IMPORT, LARGEST_WATCHLIST, _largest, application

CSV = b"code,account_type,currency\n" + b"".join(b"imported_%06d,merchant,USD\n" % n for n in range(50_000))


def test_a_file_larger_than_any_other_body_is_taken_in_and_statements_are_streamed(api_key: str) -> None:
    assert len(CSV) > LARGEST_BODY

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=application)
        headers = {"Authorization": f"Bearer {api_key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost/v1", headers=headers) as http:
            imported = await http.post(
                "/ledger-imports?kind=accounts&dry_run=true", content=CSV, headers={"Content-Type": "text/csv"}
            )
            too_large = await http.post("/accounts", content=CSV, headers={"Content-Type": "application/json"})
            period = {"from": "2020-01-01", "to": "2030-01-01", "format": "csv"}
            return [imported, too_large, await http.get("/accounts/customer_balance/statement", params=period)]

    imported, too_large, statement = asyncio.run(ask())

    assert (imported.status_code, imported.json()["size_bytes"]) == (202, len(CSV)), imported.text
    assert too_large.status_code == 413
    assert (statement.status_code, statement.text.splitlines()[-1].split(",")[0]) == (200, "closing")


@pytest.mark.parametrize(
    ("path", "headers", "most"),
    [
        ("/w/northwind/compliance/watchlists/wls_1/import/", [(b"cookie", b"sessionid=x")], LARGEST_WATCHLIST),
        ("/w/northwind/ledger/imports/start/", [(b"cookie", b"sessionid=x")], LARGEST_IMPORT),
        ("/w/northwind/compliance/watchlists/wls_1/import/", [], LARGEST_BODY),
        ("/w/northwind/compliance/watchlists/wls_1/", [(b"cookie", b"sessionid=x")], LARGEST_BODY),
        ("/v1/ledger-imports", [(b"cookie", b"sessionid=x")], LARGEST_BODY),
        ("/v1/ledger-imports", [(b"authorization", b"Bearer x")], LARGEST_IMPORT),
    ],
)
def test_only_files_to_import_may_be_large_and_only_from_who_shows_something(
    path: str, headers: list[tuple[bytes, bytes]], most: int
) -> None:
    assert _largest({"path": path, "headers": headers}) == most
