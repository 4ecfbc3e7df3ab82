"""Statement files in forms: the same words, the same checks and the same answers as with the file as the body."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.reconciliation.banking import IBAN, Ntry, Stmt, camt
from zentra.api import upload_forms, uploads
from zentra.api.v1 import reconciliation_uploads
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.statements.tasks import advance_import

IMPORTS = "/reconciliation/imports"
CONTENT = camt(Stmt(opening=1_000, entries=[Ntry(500)]))
CSV = b"Date;Amount\n04.05.2026;1.250,00\n05.05.2026;-12,50\n"
MAPPING = {
    "columns": {"booked_on": "Date", "amount": "Amount"}, "delimiter": ";", "decimal_mark": ",", "thousands_mark": ".",
    "date_form": "DD.MM.YYYY",
}  # fmt: skip


@pytest.fixture
def account(http: httpx.Client) -> str:
    said = {"ledger_account": "bank", "kind": "bank", "name": "House bank", "external_id": IBAN, "currency": "USD"}
    answer = http.post("/reconciliation/accounts", json=said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def send(
    http: httpx.Client, content: bytes = CONTENT, *, name: str = "april.xml", key: str = "", **words: str
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    data = {"format": "camt053", **words}
    return http.post(IMPORTS, data=data, files={"file": (name, content, "application/octet-stream")}, headers=headers)


def raw(http: httpx.Client, body: bytes, *, boundary: str = "b", **headers: str) -> httpx.Response:
    said = {"Content-Type": f"multipart/form-data; boundary={boundary}", **headers}
    return http.post(IMPORTS, content=body, headers=said)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_form_and_a_body_that_say_the_same_are_one_request(http: httpx.Client, account: str, writes: Writes) -> None:
    form = send(http, key="april", account_id=account)
    body = http.post(
        IMPORTS, params={"format": "camt053", "account_id": account, "file_name": "april.xml"}, content=CONTENT,
        headers={"Content-Type": "application/xml", "Idempotency-Key": "april"},
    )  # fmt: skip

    assert form.status_code == 202, form.text
    assert (form.json()["file_name"], form.json()["size_bytes"]) == ("april.xml", len(CONTENT))
    assert (body.content, body.headers["idempotent-replayed"]) == (form.content, "true")
    assert writes.new_rows()["recon_import"] == 1
    assert code(send(http, CONTENT + b" ", key="april", account_id=account)) == (422, "idempotency_key_reused")


def test_the_same_file_again_names_the_import_that_has_it(http: httpx.Client, account: str) -> None:
    first = send(http).json()

    again = send(http, name="other.xml")

    assert code(again) == (409, "statement_file_known")
    assert again.json()["import_id"] == first["id"]
    assert send(http, dry_run="true").status_code == 202


def test_a_mapping_goes_with_a_csv_file_and_is_not_kept(http: httpx.Client, account: str, workspace: TenantRef) -> None:
    words = {"format": "csv", "account_id": account}
    assert code(send(http, CSV, **words)) == (422, "statement_mapping_missing")

    taken = send(http, CSV, **words, mapping=json.dumps(MAPPING))
    assert taken.status_code == 202, taken.text
    advance_import(ws=workspace, import_id=taken.json()["id"], seconds=60)

    found = http.get(f"{IMPORTS}/{taken.json()['id']}").json()
    assert (found["status"], found["lines_written"]) == ("done", 2)
    assert http.get(f"/reconciliation/accounts/{account}").json()["mapping"] is None
    for mapping, refused in (("{x", "upload_invalid"), ("[]", "upload_invalid"), ("{}", "statement_mapping_invalid")):
        assert code(send(http, CSV + b"\n", **words, mapping=mapping)) == (422, refused)


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\books\\passwd", "pass\u202ewd", "/passwd"])
def test_the_name_of_a_file_is_a_name_alone(http: httpx.Client, account: str, name: str) -> None:
    assert send(http, name=name, dry_run="true").json()["file_name"] == "passwd"


def test_a_form_that_is_none_is_refused_and_keeps_nothing(http: httpx.Client, account: str, writes: Writes) -> None:
    file = ("a.xml", CONTENT, "text/xml")
    camt053 = {"format": "camt053"}
    answers: list[tuple[httpx.Response, tuple[int, str]]] = [
        (http.post(IMPORTS, files={"file": file}), (422, "missing_field")),
        (send(http, format="qif"), (422, "not_one_of")),
        (send(http, acount_id="x"), (422, "unknown_field")),
        (send(http, dry_run="perhaps"), (422, "invalid_field")),
        (send(http, account_id="nonsense"), (400, "bad_id")),
        (send(http, b""), (422, "statement_file_empty")),
        (http.post(IMPORTS, data=camt053, files={"upload": file}), (422, "upload_invalid")),
        (http.post(IMPORTS, data=camt053, files=[("file", file), ("file", file)]), (422, "upload_invalid")),
        (http.post(IMPORTS, data={"format": ["csv", "camt053"]}, files={"file": file}), (422, "upload_invalid")),
        (http.post(f"{IMPORTS}?format=csv", data={"format": "csv"}, files={"file": file}), (422, "upload_invalid")),
        (raw(http, b"no form at all"), (422, "upload_invalid")),
        (raw(http, b"", **{"Content-Type": "multipart/form-data"}), (422, "upload_invalid")),
        (raw(http, b"x", **{"Content-Encoding": "gzip"}), (415, "unsupported_content_type")),
    ]  # fmt: skip

    assert [code(answer) for answer, _ in answers] == [expected for _, expected in answers]
    assert "recon_import" not in writes.new_rows()


def test_half_a_form_is_never_taken_for_the_whole(http: httpx.Client, account: str, writes: Writes) -> None:
    """Django's own parser takes the end of the body for the end of the file."""
    part = b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\ncamt053\r\n'
    part += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xml"\r\n\r\n' + CONTENT

    assert code(raw(http, part)) == (422, "upload_invalid")
    assert code(raw(http, part + b"\r\n--b\r\n")) == (422, "upload_invalid")
    assert "recon_import" not in writes.new_rows()
    assert raw(http, part + b"\r\n--b--\r\n").status_code == 202


def test_a_file_that_is_too_large_is_refused_with_the_limit(
    http: httpx.Client, account: str, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (uploads, upload_forms, reconciliation_uploads):
        monkeypatch.setattr(module, "LARGEST_IMPORT", 1000)
    body = http.post(
        f"{IMPORTS}?format=camt053", content=b"x" * 1001, headers={"Content-Type": "text/xml"}
    )  # fmt: skip

    for answer in (body, send(http, b"x" * 1001)):
        assert code(answer) == (413, "statement_file_too_large")
        assert answer.json()["most_bytes"] == 1000
    assert "recon_import" not in writes.new_rows()


def test_words_that_are_too_long_are_refused(http: httpx.Client, account: str) -> None:
    found: list[Any] = [
        code(send(http, file_name="x" * 201)),
        code(send(http, account_id="x" * 61)),
        code(send(http, mapping="x" * 20_001)),
        code(send(http, note="x" * 2_000_000)),
    ]
    assert found == [(422, "bad_length")] * 3 + [(422, "upload_invalid")]
