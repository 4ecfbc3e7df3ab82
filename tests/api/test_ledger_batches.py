"""A batch: one call, one transaction, one key, and a key for each posting that meets single requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes

PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}


def batch(http: httpx.Client, entries: list[dict[str, Any]], mode: str = "each", **more: Any) -> httpx.Response:
    return http.post("/ledger-entries/batch", json={"mode": mode, "entries": entries, **more})


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 201, answer.text
    return [each["status"] for each in answer.json()["data"]]


def test_each_posting_stands_or_is_refused_by_itself(http: httpx.Client, writes: Writes) -> None:
    answer = batch(http, [PAIR, PAIR | {"credit": "nobody"}, PAIR | {"amount_minor": 7}], idempotency_key="b_1")

    assert statuses(answer) == ["posted", "refused", "posted"]
    document = answer.json()
    assert (document["posted"], document["replayed"], document["refused"]) == (2, 0, 1)
    assert document["data"][1]["problem"]["code"] == "unknown_account"
    assert document["data"][1]["problem"]["account"] == "nobody"
    assert document["data"][2]["posting"]["amount_minor"] == 7
    assert writes.new_rows()["ledger_posting"] == 2
    assert writes.new_types() == {"ledger.entry.posted": 2, "ingress.refused": 1}


def test_all_or_nothing_is_nothing_when_one_is_refused(http: httpx.Client, writes: Writes) -> None:
    answer = batch(http, [PAIR, PAIR, PAIR | {"credit": "nobody"}], "all_or_nothing")

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["index"]) == (409, "batch_refused", 2)
    assert (problem["refused_code"], problem["numbers"]["account"]) == ("unknown_account", "nobody")
    assert writes.new_rows() == {}


def test_a_thousand_go_in_at_once_and_a_repeat_moves_nothing(http: httpx.Client, writes: Writes) -> None:
    entries = [PAIR | {"amount_minor": number, "description": f"No. {number}"} for number in range(1, 1001)]

    first = batch(http, entries, "all_or_nothing", idempotency_key="thousand")
    second = batch(http, entries, "all_or_nothing", idempotency_key="thousand")

    assert statuses(first) == ["posted"] * 1000
    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    assert writes.new_rows()["ledger_posting"] == 1000
    assert writes.new_types() == {"ledger.entry.posted": 1000, "idempotency.replayed": 1}


def test_one_more_than_a_thousand_is_too_many(http: httpx.Client, writes: Writes) -> None:
    answer = batch(http, [PAIR] * 1001)

    assert (answer.status_code, answer.json()["code"]) == (422, "bad_length")
    assert writes.new_rows() == {}


def test_a_malformed_posting_is_named_by_its_place(http: httpx.Client) -> None:
    answer = batch(http, [PAIR, PAIR | {"amount_minor": 1.5}])
    half = batch(http, [PAIR, {"debit": "bank", "amount_minor": 1}])

    assert answer.json()["errors"][0]["pointer"] == "/entries/1/amount_minor"
    assert half.json()["errors"][0]["pointer"] == "/entries/1/credit"


@pytest.mark.parametrize("mode", ["each", "all_or_nothing"])
def test_a_posting_with_a_key_that_was_used_before_is_not_posted_again(
    http: httpx.Client, writes: Writes, mode: str
) -> None:
    single = http.post("/ledger-entries", json=PAIR | {"idempotency_key": "one"}).json()
    writes.note()

    answer = batch(http, [PAIR | {"idempotency_key": "one"}, PAIR | {"idempotency_key": "two"}], mode)

    assert statuses(answer) == ["replayed", "posted"]
    assert answer.json()["data"][0]["posting"] == single
    assert writes.new_rows()["ledger_posting"] == 1
    assert writes.new_types() == {"idempotency.replayed": 1, "ledger.entry.posted": 1}
    replayed = next(event for event in writes.new_events() if event["type"] == "idempotency.replayed")
    assert (replayed["data"]["key"], replayed["data"]["posting_id"]) == ("one", single["id"])
    writes.note()
    repeat = http.post("/ledger-entries", json=PAIR | {"idempotency_key": "two"})
    assert (repeat.json(), repeat.headers["idempotent-replayed"]) == (answer.json()["data"][1]["posting"], "true")
    assert writes.new_rows() == {}


def test_a_key_of_other_words_is_refused_by_itself_or_refuses_the_batch(http: httpx.Client, writes: Writes) -> None:
    http.post("/ledger-entries", json=PAIR | {"idempotency_key": "one"})
    writes.note()
    others = [PAIR, PAIR | {"idempotency_key": "one", "amount_minor": 101}]

    each, whole = batch(http, others), batch(http, others, "all_or_nothing")

    assert statuses(each) == ["posted", "refused"]
    assert each.json()["data"][1]["problem"]["code"] == "idempotency_key_reused"
    assert (whole.status_code, whole.json()["refused_code"], whole.json()["index"]) == (
        409, "idempotency_key_reused", 1)  # fmt: skip
    assert writes.new_rows()["ledger_posting"] == 1
    refused = next(event for event in writes.new_events() if event["type"] == "idempotency.refused")
    assert refused["data"].keys() >= {"key", "index", "first_fingerprint", "this_fingerprint"}


def test_the_same_key_twice_in_a_batch_posts_once(http: httpx.Client, writes: Writes) -> None:
    keyed = PAIR | {"idempotency_key": "k"}

    answer = batch(http, [keyed, keyed, keyed | {"amount_minor": 5}])

    assert statuses(answer) == ["posted", "replayed", "refused"]
    assert writes.new_rows()["ledger_posting"] == 1


def test_a_refused_posting_keeps_no_key(http: httpx.Client) -> None:
    body = {"debit": "customer_balance", "credit": "late", "amount_minor": 1, "idempotency_key": "early"}
    assert statuses(batch(http, [body])) == ["refused"]
    account = {"customer": "c", "currency": "USD", "account_type": "merchant", "code": "late"}
    assert http.post("/accounts", json=account).status_code == 201

    assert http.post("/ledger-entries", json=body).status_code == 201


def test_batches_and_singles_with_the_same_keys_at_once_post_each_key_once(http: httpx.Client, writes: Writes) -> None:
    def entry(number: int) -> dict[str, Any]:
        return PAIR | {"amount_minor": number + 1, "idempotency_key": f"race_{number}"}

    def forth() -> httpx.Response:
        return batch(http, [entry(number) for number in range(20)])

    def back() -> httpx.Response:
        return batch(http, [entry(number) for number in reversed(range(20))])

    def single() -> httpx.Response:
        return http.post("/ledger-entries", json=entry(7))

    asks: list[Callable[[], httpx.Response]] = [forth, back, single] * 4
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda ask: ask(), asks))

    assert {answer.status_code for answer in answers} == {201}
    assert writes.new_rows()["ledger_posting"] == 20


@pytest.mark.parametrize("keys", [({}, {}), ({"idempotency_key": "k_1"}, {})])
def test_all_or_nothing_names_the_place_of_what_was_refused_before_the_call(
    http: httpx.Client, writes: Writes, keys: tuple[dict[str, str], dict[str, str]]
) -> None:
    """The debit says the currency of a posting, so that a wrong one is found before anything is written."""
    first, third = keys
    answer = batch(http, [PAIR | first, PAIR | {"debit": "nobody"}, PAIR | third], "all_or_nothing")

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["index"]) == (409, "batch_refused", 1), answer.text
    assert problem["refused_code"] == "unknown_account"
    assert writes.new_rows() == {}


def test_a_refusal_with_numbers_beyond_any_integer_of_json_is_told_too(http: httpx.Client, writes: Writes) -> None:
    most = 2**53 - 1
    entries = [
        {"account": account, "direction": direction, "amount_minor": amount, "currency": currency}
        for currency, amount in (("USD", most), ("EUR", 1))
        for account, direction in (("bank", "debit"), ("fees", "credit"))
    ]
    fx = {"base": "USD", "quote": "EUR", "rate": "9" * 20, "source": "desk"}

    answer = batch(http, [{"entries": entries, "fx": fx}])

    assert statuses(answer) == ["refused"]
    assert answer.json()["data"][0]["problem"]["code"] == "invalid_rate"
    assert writes.new_rows() == {}
