"""A month that was closed, read over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from evidence.queries import find_verifier_key
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from ledger.operations import open_account
from tests.evidence.sealing import seal
from tests.reconciliation.closing import Closing
from tests.workspaces import issue_token
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.closeout import operations, queries

ROOT = "/v1/reconciliation"


@pytest.fixture
def closed(workspace: TenantRef) -> Closing:
    closing = Closing(workspace)
    closing.close()
    return closing


class Reader:
    """A key of the workspace."""

    def __init__(self, ws: TenantRef) -> None:
        self.client, self.token = Client(), issue_token(ws)

    def get(self, path: str) -> Any:
        return self.client.get(f"{ROOT}{path}", headers={"authorization": f"Bearer {self.token}"})

    def data(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


def test_a_closed_month_is_read_by_its_month_and_its_id(closed: Closing) -> None:
    reader, period = Reader(closed.ws), closed.period

    assert [each["month"] for each in reader.data("/periods")["data"]][1] == period.month
    found = reader.data(f"/periods/{period.month}")
    assert (found["id"], found["status"], found["step"], found["approved"]) == (period.id, "closed", 6, 1)
    assert reader.data(f"/periods/{period.id}") == found
    (tie_out,) = reader.data(f"/periods/{period.month}/tie-outs")["data"]
    assert (tie_out["status"], tie_out["ledger_minor"], tie_out["tied_out"]) == ("approved", 1_000, True)
    assert [each["step"] for each in tie_out["signatures"]] == ["prepared", "approved"]
    (book,) = reader.data(f"/periods/{period.month}/trial-balance")["data"]
    assert book["balanced"]
    (money,) = reader.data(f"/periods/{period.month}/customer-money")["data"]
    assert (money["held_minor"], money["covered"]) == (1_000, True)
    tasks = {each["key"]: each["status"] for each in reader.data(f"/periods/{period.month}/tasks")["data"]}
    assert (tasks["lock"], tasks["packet"]) == ("done", "todo")
    journal = reader.get(f"/periods/{period.month}/journal")
    assert len(b"".join(journal.streaming_content).splitlines()) == 3


def test_balances_page_by_currency_and_code_and_leave_out_accounts_without_amounts(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    closing.close()
    closing.do(open_account, code="zero", account_type="suspense", currency="USD", actor=closing.preparer,
               now=clock.now())  # fmt: skip
    reader, month = Reader(workspace), closing.period.month
    (whole,) = closing.do(queries.roll_forward, period_id=closing.period.id)
    codes = sorted(row.account_code for row in whole.rows if row.has_amounts)
    assert len(codes) == 2
    assert len(whole.rows) > 2
    for path, rows in (
        ("trial-balance", lambda book: book["rows"]),
        ("customer-money", lambda book: [*book["owed"], *book["held"], *book["own"]]),
    ):
        (all_at_once,) = reader.data(f"/periods/{month}/{path}")["data"]
        seen, cursor = [], ""
        for _ in codes:
            page = reader.data(f"/periods/{month}/{path}?limit=1{cursor}")
            (book,) = page["data"]
            assert {name: book[name] for name in book if not isinstance(book[name], list)} == {
                name: all_at_once[name] for name in book if not isinstance(book[name], list)
            }
            seen += [row["account_code"] for row in rows(book)]
            cursor = f"&cursor={page['next_cursor']}"
        assert (seen, page["has_more"], page["next_cursor"]) == (codes, False, None)
        assert sorted(row["account_code"] for row in rows(all_at_once)) == codes
    stolen = reader.data(f"/periods/{month}/trial-balance?limit=1")["next_cursor"]
    answer = reader.get(f"/periods/{month}/customer-money?cursor={stolen}")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "bad_cursor")


def test_a_packet_is_downloaded_and_verified(closed: Closing) -> None:
    reader, period = Reader(closed.ws), closed.period
    asked = closed.do(operations.request_packet, period_id=period.id, sample_size=1, actor=closed.preparer,
                      now=clock.now())  # fmt: skip
    waiting = reader.get(f"/closeout-packets/{asked.id}/content")
    assert (waiting.status_code, json.loads(waiting.content)["code"]) == (409, "closeout_packet_pending")
    assert waiting.headers["Retry-After"] == "1"
    assert reader.data(f"/closeout-packets/{asked.id}")["status"] == "pending"
    seal(closed.ws)
    closed.do(operations.seal_requested, packet_id=asked.id, now=clock.now())

    (listed,) = reader.data(f"/periods/{period.month}/packets")["data"]
    assert (listed["id"], listed["status"]) == (asked.id, "ready")
    assert reader.data(f"/closeout-packets/{asked.id}") == listed
    assert listed["problem"] == ""
    answer = reader.get(f"/closeout-packets/{asked.id}/content")
    verify_packet(answer.content, Verifier.parse(str(closed.do(find_verifier_key))))
    assert answer.headers["Zentra-Packet-Sha256"] == listed["sha256"]


def test_a_month_that_is_not_there_is_not_found(workspace: TenantRef) -> None:
    reader = Reader(workspace)
    for words, code in (
        ("1999-01", "period_not_found"),
        ("April", "bad_id"),
        ("prd_00000000000000000000000000", "period_not_found"),
    ):
        answer = reader.get(f"/periods/{words}")
        assert json.loads(answer.content)["code"] == code
