"""Reconciled accounts, statement files, statements and lines over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.reconciliation import bai2_files, mt940_files
from tests.reconciliation.banking import IBAN, Bank, Ntry, Stmt, Tx, camt
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.statements.tasks import advance_import

CONTENT = camt(Stmt(opening=1_000, entries=[Ntry(500, [Tx("E-1", 500)]), Ntry(-200)]))
XML = {"Content-Type": "application/xml"}
OPEN = {"ledger_account": "bank", "kind": "bank", "name": "House bank", "external_id": IBAN, "currency": "USD"}


def send(http: httpx.Client, content: bytes = CONTENT, *, key: str = "", **params: Any) -> httpx.Response:
    headers = XML | ({"Idempotency-Key": key} if key else {})
    return http.post(
        "/reconciliation/imports", params={"format": "camt053", **params}, content=content, headers=headers
    )


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def account(http: httpx.Client) -> dict[str, Any]:
    answer = http.post("/reconciliation/accounts", json=OPEN)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_account_is_opened_once_and_listed(http: httpx.Client, account: dict[str, Any]) -> None:
    assert (account["external_id"], account["settle_days"], account["calendar"]) == (IBAN, 1, "weekdays")
    assert get(http, "/reconciliation/accounts")["data"] == [account]
    assert get(http, f"/reconciliation/accounts/{account['id']}") == account
    again = http.post("/reconciliation/accounts", json=OPEN)
    assert (again.status_code, again.json()["code"]) == (409, "recon_account_exists")


def test_a_mapping_is_kept_and_a_wrong_one_names_the_field(http: httpx.Client, account: dict[str, Any]) -> None:
    path = f"/reconciliation/accounts/{account['id']}/mapping"
    kept = http.put(path, json={"mapping": {"columns": {"booked_on": "Date", "amount": "Amount"}}})
    assert kept.status_code == 200, kept.text
    assert kept.json()["mapping"]["columns"] == {"booked_on": "Date", "amount": "Amount"}
    wrong = http.put(path, json={"mapping": {"columns": {"amount": "Amount"}}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "statement_mapping_invalid")


def test_a_file_is_taken_in_once_under_its_key(http: httpx.Client, account: dict[str, Any], writes: Writes) -> None:
    first, second = send(http, key="sti_1", file_name="april.xml"), send(http, key="sti_1", file_name="april.xml")
    assert first.status_code == 202, first.text
    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    taken = first.json()
    assert (taken["status"], taken["format"], taken["size_bytes"]) == ("queued", "camt053", len(CONTENT))
    assert writes.new_rows()["recon_import"] == 1
    known = send(http)
    assert (known.status_code, known.json()["code"]) == (409, "statement_file_known")
    assert [one["id"] for one in get(http, "/reconciliation/imports")["data"]] == [taken["id"]]


def test_statements_and_lines_are_read(http: httpx.Client, account: dict[str, Any], workspace: TenantRef) -> None:
    bank = Bank(workspace)
    imported = bank.take(CONTENT)
    assert imported.state == "done"

    (statement,) = get(http, "/reconciliation/statements", account_id=account["id"], month="2026-04-10")["data"]
    assert (statement["opening_minor"], statement["closing_minor"], statement["lines"]) == (1_000, 1_300, 2)
    assert (statement["starts_on"], statement["continuity"]) == ("2026-04-30", "first")
    assert get(http, "/reconciliation/statements", month="2026-05-01")["data"] == []
    path = f"/reconciliation/statements/{statement['id']}"
    assert get(http, path) == statement | {"settlement": None}
    for month in ("2026-04", "2026-04-30"):
        assert get(http, "/reconciliation/statements", month=month, continuity="first")["data"] == [statement]
    assert get(http, "/reconciliation/statements", continuity="gap")["data"] == []
    assert [one["status"] for one in get(http, "/reconciliation/imports", status="done", format="camt053")["data"]] == [
        "done"
    ]
    assert get(http, "/reconciliation/imports", status="failed")["data"] == []
    first = get(http, f"{path}/lines", limit=1)
    assert first["has_more"]
    rest = get(http, f"{path}/lines", cursor=first["next_cursor"])
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    assert [line["amount_minor"] for line in (*first["data"], *rest["data"])] == [500, -200]
    assert get(http, f"/reconciliation/lines/{first['data'][0]['id']}") == first["data"][0]
    assert get(http, f"{path}/lines", only="matched")["data"] == []
    assert get(http, f"/reconciliation/imports/{imported.id}")["status"] == "done"


def test_problems_are_told_with_their_numbers(
    http: httpx.Client, account: dict[str, Any], workspace: TenantRef
) -> None:
    failed = Bank(workspace).take(camt(Stmt(opening=1, closing=5, entries=[Ntry(2)])))
    path = f"/reconciliation/imports/{failed.id}/problems"
    found = get(http, path)
    assert [(one["code"], one["numbers"]["difference_minor"]) for one in found["data"]] == [("balance_mismatch", 2)]


def test_pages_of_statements_follow_each_other(
    http: httpx.Client, account: dict[str, Any], workspace: TenantRef
) -> None:
    days = [Stmt(id=f"S-{day}", sequence=day, day=f"2026-04-{day:02}", entries=[Ntry(5)]) for day in range(1, 6)]
    Bank(workspace).take(camt(*days))
    seen, cursor = [], None
    while True:
        page = get(http, "/reconciliation/statements", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["external_id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == ["S-5", "S-4", "S-3", "S-2", "S-1"]


def test_an_import_can_be_canceled_once(http: httpx.Client, account: dict[str, Any]) -> None:
    path = f"/reconciliation/imports/{send(http).json()['id']}/cancel"
    assert http.post(path).json()["status"] == "canceled"
    assert (http.post(path).status_code, http.post(path).json()["code"]) == (409, "statement_import_finished")


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("mt940", mt940_files.mt940(mt940_files.Message([mt940_files.Entry(500)]))),
        ("bai2", bai2_files.bai2(bai2_files.Group([bai2_files.Account([bai2_files.Detail()])]))),
    ],
)
def test_text_files_of_banks_name_their_accounts(
    http: httpx.Client, account: dict[str, Any], workspace: TenantRef, form: str, content: bytes
) -> None:
    path, text = f"/reconciliation/imports?format={form}", {"Content-Type": "text/plain"}
    assert http.post(path, content=content, headers=XML).status_code == 415
    taken = http.post(path, content=content, headers=text)
    assert taken.status_code == 202, taken.text
    record = advance_import(ws=workspace, import_id=taken.json()["id"])
    assert (record.state, record.lines_written) == ("done", 1)
    (statement,) = get(http, "/reconciliation/statements")["data"]
    assert (statement["format"], statement["reconciled_account"]) == (form, account["id"])


def test_what_is_no_file_is_refused_and_keeps_nothing(
    http: httpx.Client, account: dict[str, Any], writes: Writes
) -> None:
    answers = [
        http.post("/reconciliation/imports?format=camt053", content=CONTENT, headers={"Content-Type": "text/csv"}),
        http.post("/reconciliation/imports?format=qif", content=CONTENT, headers=XML),
        send(http, b""),
        http.post("/reconciliation/imports?format=csv", content=b"a", headers={"Content-Type": "text/csv"}),
        send(http, account_id="rca_nobody"),
    ]
    assert [answer.status_code for answer in answers] == [415, 422, 422, 422, 400], [one.text for one in answers]
    assert "recon_import" not in writes.new_rows()
