"""Imports and exports over HTTP: files as bodies, progress, refusals, downloads; and runs of the integrity check."""

from __future__ import annotations

import hashlib
import time
from io import BytesIO

import httpx
import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from ledger.files.exports import advance_export
from ledger.operations import run_check
from tests.api.ledger_of_writes import Writes
from tests.api.test_ledger_entries import PAIR, get, post
from zentra.api.parser import BodyIncomplete
from zentra.api.v1.ledger_files import _take_in
from zentra.core import clock
from zentra.core.tenancy import TenantRef

CSV = b"code,account_type,currency\nimported_1,merchant,USD\n"


def send(
    http: httpx.Client, content: bytes, *, media: str = "text/csv", key: str | None = None, **params: str | bool
) -> httpx.Response:
    headers = {"Content-Type": media} | ({} if key is None else {"Idempotency-Key": key})
    return http.post("/ledger-imports", params={"kind": "accounts", **params}, content=content, headers=headers)


def test_a_file_is_taken_in_once_under_its_key(http: httpx.Client, writes: Writes) -> None:
    first = send(http, CSV, key="imp_1", file_name="accounts.csv", dry_run=True)
    second = send(http, CSV, key="imp_1", file_name="accounts.csv", dry_run=True)
    other = send(http, CSV + b"more,merchant,USD\n", key="imp_1", file_name="accounts.csv", dry_run=True)

    assert first.status_code == 202, first.text
    taken = first.json()
    assert (taken["status"], taken["dry_run"], taken["file_name"], taken["size_bytes"]) == (
        "queued", True, "accounts.csv", len(CSV))  # fmt: skip
    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert writes.new_rows()["ledger_import"] == 1
    assert get(http, f"/ledger-imports/{taken['id']}") == taken
    assert [each["id"] for each in get(http, "/ledger-imports")["data"]] == [taken["id"]]
    assert get(http, f"/ledger-imports/{taken['id']}/refusals") == {
        "data": [], "next_after_row": None, "has_more": False}  # fmt: skip


def test_an_import_can_be_canceled_once(http: httpx.Client) -> None:
    taken = send(http, b'{"code": "a", "account_type": "merchant", "currency": "USD"}\n', media="application/x-ndjson")
    path = f"/ledger-imports/{taken.json()['id']}/cancel"

    assert http.post(path).json()["status"] == "canceled"
    assert (http.post(path).status_code, http.post(path).json()["code"]) == (409, "import_finished")


def test_what_is_no_file_to_import_is_refused_and_keeps_nothing(http: httpx.Client, writes: Writes) -> None:
    answers = [
        send(http, CSV, media="application/json"),
        send(http, b""),
        send(http, b"what,is,this\n1,2,3\n"),
        send(http, b"\xff\xfe"),
        send(http, CSV, kind="everything"),
    ]

    assert [answer.json()["code"] for answer in answers] == [
        "unsupported_content_type", "import_empty", "import_header_invalid", "import_not_utf8", "not_one_of",
    ]  # fmt: skip
    assert writes.new_rows() == {}


def test_a_file_that_was_cut_off_is_not_imported_as_if_whole() -> None:
    class Lost(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("gone")

    def request_of(declared: str, stream: BytesIO) -> WSGIRequest:
        request = RequestFactory().post("/v1/ledger-imports")
        said = {"CONTENT_LENGTH": declared, "wsgi.input": stream, "CONTENT_TYPE": "text/csv"}
        return WSGIRequest(request.environ | said)

    for declared, stream in ((str(len(CSV) + 1), BytesIO(CSV)), (str(len(CSV)), Lost())):
        with pytest.raises(BodyIncomplete):
            _take_in(request_of(declared, stream), BytesIO())
    file = BytesIO()
    assert _take_in(request_of(str(len(CSV)), BytesIO(CSV)), file) == hashlib.sha256(CSV).hexdigest()
    assert file.getvalue() == CSV


def test_an_export_is_asked_for_written_and_read(http: httpx.Client, workspace: TenantRef) -> None:
    made = post(http, "/ledger-entries", PAIR | {"external_reference": "for-export"})
    body = {"kind": "postings", "format": "jsonl", "account": "reserved_balance", "idempotency_key": "exp_1"}

    asked = post(http, "/ledger-exports", body, status=202)
    early = http.get(f"/ledger-exports/{asked['id']}/file")
    advance_export(ws=workspace, export_id=asked["id"], until=time.monotonic() + 60)
    done = get(http, f"/ledger-exports/{asked['id']}")
    file = http.get(done["links"]["file"].removeprefix("/v1"))

    assert (asked["status"], early.status_code, early.json()["code"]) == ("queued", 409, "export_not_ready")
    assert (done["status"], done["rows_total"]) == ("done", 1)
    assert file.headers["content-type"] == "application/x-ndjson"
    assert (int(file.headers["content-length"]), len(file.content)) == (done["size_bytes"],) * 2
    assert made["id"] in file.text
    assert post(http, "/ledger-exports", body, status=202) == asked
    assert [each["id"] for each in get(http, "/ledger-exports")["data"]] == [asked["id"]]


def test_an_export_that_cannot_be_is_refused(http: httpx.Client) -> None:
    answer = http.post("/ledger-exports", json={"kind": "accounts", "format": "beancount"})

    assert (answer.status_code, answer.json()["code"]) == (422, "export_invalid")


def test_runs_of_the_check_are_listed_latest_first(http: httpx.Client, workspace: TenantRef) -> None:
    assert get(http, "/ledger-checks")["data"] == []
    run_check(workspace=workspace, started_by="command", now=clock.now())

    (run,) = get(http, "/ledger-checks")["data"]

    assert (run["status"], run["findings"], run["started_by"]) == ("sound", [], "command")
    assert run["postings"] > 0
