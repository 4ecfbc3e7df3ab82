"""A service repeats a money write after losing the answer: resolved before balances change (PRODUCT 4: 5)."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import movement
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.desks import Desk

pytestmark = pytest.mark.e2e
ENTRY = {
    "debit": "customer_balance",
    "credit": "reserved_balance",
    "amount_minor": 125000,
    "idempotency_key": "led_8172",
}


def send_and_lose_the_answer(
    desk: Desk, path: str, body: dict[str, object], *, has_taken_effect: Callable[[], object]
) -> None:
    """Send a request, stay until it has taken effect, and go away without reading a byte of the answer."""
    content, host = json.dumps(body).encode(), urlsplit(desk.base_url)
    head = (
        f"POST /v1{path} HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {desk.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", host.port or 80), timeout=10) as connection:
        connection.sendall(head.encode() + content)
        wait_until(has_taken_effect, why="the request took effect")


def test_thirty_repeats_of_a_posting_move_money_once_and_each_is_kept(desk: Desk) -> None:
    send_and_lose_the_answer(desk, "/ledger-entries", ENTRY, has_taken_effect=lambda: desk.books.value(
        "SELECT count(*) FROM ledger_posting WHERE purpose = 'manual'"))  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.http.post("/ledger-entries", json=ENTRY), range(30)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    posting_id = answers[0].json()["evidence"]["posting_id"]
    assert desk.books.value("SELECT count(*) FROM ledger_posting WHERE purpose = 'manual'") == 1
    assert desk.http.get("/accounts/reserved_balance").json()["balances"]["posted_minor"] == 125_000
    replays = desk.books.events("idempotency.replayed")
    assert len(replays) == 30
    for kept in replays:
        data = kept["data"]
        assert (data["key"], data["posting_id"], data["mutations"]) == ("led_8172", posting_id, 0)
        assert (data["debit_account"], data["credit_account"]) == ("customer_balance", "reserved_balance")
        assert data["result"] == "first answer returned"
    desk.books.assert_no_drift()


def test_an_intent_whose_answer_was_lost_is_the_same_intent_when_it_is_sent_again(desk: Desk) -> None:
    body = movement("intent_lost")
    send_and_lose_the_answer(
        desk, "/runtime/intents", body, has_taken_effect=lambda: "intent_lost" in desk.books.intents()
    )

    again = desk.http.post("/runtime/intents", json=body)

    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert desk.wait_for_end("intent_lost")["intent_lost"]["status"] == "evidenced"
    [kept] = desk.books.events("idempotency.replayed", "intent_lost")
    assert kept["data"]["posting_id"]
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_the_same_key_with_another_body_is_refused_and_moves_nothing(desk: Desk) -> None:
    desk.http.post("/ledger-entries", json=ENTRY).raise_for_status()

    refused = desk.http.post("/ledger-entries", json=ENTRY | {"amount_minor": 1})

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert desk.books.count_events()["idempotency.refused"] == 1
    assert desk.http.get("/accounts/reserved_balance").json()["balances"]["posted_minor"] == 125_000
