"""One key, one effect, one answer, also when many ask at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.ledger_of_writes import Writes

ENTRY = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}


def test_fifty_threads_make_one_intent_one_posting_and_fifty_identical_bodies(
    http: httpx.Client, writes: Writes
) -> None:
    body = {"intent_id": "storm", "kind": "payment", "amount_minor": 4200, "currency": "USD"}

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: http.post("/runtime/intents", json=body), range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert writes.one("SELECT count(*) FROM runtime_intent WHERE intent_id = 'storm'") == 1
    assert writes.one("SELECT count(*) FROM ledger_posting WHERE intent_id = 'storm'") == 1
    assert writes.new_types()["ingress.accepted"] == 1
    assert http.get("/runtime/intents/storm").json()["replays"] == 49


def test_the_key_of_the_header_counts(http: httpx.Client, writes: Writes) -> None:
    first = http.post("/ledger-entries", json=ENTRY, headers={"Idempotency-Key": "led_1"})
    second = http.post("/ledger-entries", json=ENTRY, headers={"Idempotency-Key": "led_1"})

    assert (first.status_code, second.content) == (201, first.content)
    assert writes.new_rows()["ledger_posting"] == 1


def test_the_same_key_in_header_and_body_is_one_key(http: httpx.Client, writes: Writes) -> None:
    first = http.post("/ledger-entries", json=ENTRY | {"idempotency_key": "led_1"})
    second = http.post(
        "/ledger-entries", json=ENTRY | {"idempotency_key": "led_1"}, headers={"Idempotency-Key": "led_1"}
    )
    third = http.post("/ledger-entries", json=ENTRY, headers={"Idempotency-Key": "led_1"})

    assert first.content == second.content == third.content
    assert writes.new_rows()["ledger_posting"] == 1


def test_without_a_key_each_request_counts(http: httpx.Client, writes: Writes) -> None:
    http.post("/ledger-entries", json=ENTRY)
    http.post("/ledger-entries", json=ENTRY)

    assert writes.new_rows()["ledger_posting"] == 2


def test_keys_of_different_operations_do_not_meet(http: httpx.Client) -> None:
    account = {"customer": "c", "currency": "USD", "account_type": "operating", "idempotency_key": "same"}

    assert http.post("/accounts", json=account).status_code == 201
    assert http.post("/ledger-entries", json=ENTRY | {"idempotency_key": "same"}).status_code == 201


def test_keys_of_different_workspaces_do_not_meet(
    http: httpx.Client, connect: Callable[..., httpx.Client], other_api_key: str
) -> None:
    body = ENTRY | {"idempotency_key": "same"}

    ours, theirs = http.post("/ledger-entries", json=body), connect(other_api_key).post("/ledger-entries", json=body)

    assert ours.json()["id"] != theirs.json()["id"]


def test_the_order_of_fields_is_not_part_of_the_words(http: httpx.Client) -> None:
    body = ENTRY | {"idempotency_key": "led_1"}
    first = http.post("/ledger-entries", json=body)
    second = http.post("/ledger-entries", json=dict(reversed(body.items())))

    assert second.content == first.content


def test_a_refusal_is_not_stored_so_the_key_can_be_used_once_it_is_right(http: httpx.Client) -> None:
    body = ENTRY | {"idempotency_key": "led_1"}

    wrong = http.post("/ledger-entries", json=body | {"debit": "no_such_account"})
    right = http.post("/ledger-entries", json=body)

    assert (wrong.status_code, right.status_code) == (422, 201)
    assert "idempotent-replayed" not in right.headers


def test_an_intent_that_waits_for_review_is_an_answer_that_is_kept(http: httpx.Client, writes: Writes) -> None:
    body = {"intent_id": "huge", "kind": "payment", "amount_minor": 900_000_000, "currency": "USD"}

    first = http.post("/runtime/intents", json=body)
    second = http.post("/runtime/intents", json=body)

    assert first.status_code == 201, first.text
    assert first.json()["status"] in {"review", "declined"}
    assert first.json()["ledger_state"] is None
    assert second.content == first.content
    assert "ledger_posting" not in writes.new_rows()


def test_an_intent_id_that_another_key_made_is_a_conflict(http: httpx.Client, writes: Writes) -> None:
    body = {"intent_id": "taken", "kind": "payment", "amount_minor": 100, "currency": "USD"}
    assert http.post("/runtime/intents", json=body, headers={"Idempotency-Key": "first"}).status_code == 201
    writes.note()

    answer = http.post("/runtime/intents", json=body, headers={"Idempotency-Key": "second"})

    assert (answer.status_code, answer.json()["code"]) == (409, "intent_exists")
    assert writes.new_rows() == {}


def test_an_intent_without_an_id_gets_ours(http: httpx.Client) -> None:
    body = {"kind": "payment", "amount_minor": 100, "currency": "USD"}
    first = http.post("/runtime/intents", json=body, headers={"Idempotency-Key": "k"})
    again = http.post("/runtime/intents", json=body, headers={"Idempotency-Key": "k", "Prefer": "wait=1"})

    assert first.json()["intent_id"] == first.json()["id"]
    assert again.json()["intent_id"] == first.json()["intent_id"]
    assert again.headers["idempotent-replayed"] == "true"


def test_an_account_without_a_key_can_be_opened_twice(http: httpx.Client) -> None:
    account = {"customer": "c", "currency": "USD", "account_type": "operating"}

    assert http.post("/accounts", json=account).json()["id"] != http.post("/accounts", json=account).json()["id"]


def test_a_code_that_is_taken_is_a_conflict(http: httpx.Client, writes: Writes) -> None:
    account = {"customer": "c", "currency": "USD", "account_type": "operating", "code": "till_1"}
    assert http.post("/accounts", json=account).status_code == 201
    writes.note()

    answer = http.post("/accounts", json=account)

    assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")
    assert writes.new_rows() == {}


@pytest.mark.parametrize("amount", [1, 2**53 - 1])
def test_too_little_money_is_a_refusal_with_its_numbers(http: httpx.Client, writes: Writes, amount: int) -> None:
    made = http.post("/accounts", json={"customer": "c", "currency": "USD", "account_type": "operating"}).json()
    writes.note()

    answer = http.post("/ledger-entries", json=ENTRY | {"debit": made["id"], "amount_minor": amount})

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_funds")
    assert writes.new_rows() == {}
