"""Postings over HTTP: entry by entry, over currencies, as a dry run, in two phases, reversed and corrected."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes

PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}


def entry(account: str, direction: str, amount_minor: int, **more: Any) -> dict[str, Any]:
    return {"account": account, "direction": direction, "amount_minor": amount_minor, **more}


def post(http: httpx.Client, path: str, body: dict[str, Any], *, status: int = 201) -> dict[str, Any]:
    answer = http.post(path, json=body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def get(http: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def wallet(http: httpx.Client, **more: Any) -> str:
    body = {"customer": "c", "currency": "USD", "account_type": "operating", **more}
    return str(post(http, "/accounts", body)["id"])


def test_entries_of_any_number_with_all_that_is_known_of_them(http: httpx.Client, writes: Writes) -> None:
    body = {
        "entries": [
            entry("customer_balance", "debit", 100),
            entry("merchant_balance", "credit", 97),
            entry("fees", "credit", 3),
        ],
        "effective_at": "2026-04-01T12:00:00+02:00",
        "description": "Order 7",
        "external_reference": "order-7",
        "source_event_id": "shop-1",
        "decision_id": "dec-1",
        "correlation_id": "basket-9",
        "metadata": {"channel": "web"},
        "idempotency_key": "full_1",
    }

    made = post(http, "/ledger-entries", body)

    assert [(e["account_code"], e["direction"], e["amount_minor"]) for e in made["entries"]] == [
        ("customer_balance", "debit", 100), ("merchant_balance", "credit", 97), ("fees", "credit", 3)]  # fmt: skip
    assert made["effective_at"] == "2026-04-01T10:00:00.000Z"
    assert made["evidence"]["correlation_id"] == "basket-9"
    assert {name: made[name] for name in ("description", "external_reference", "source_event_id", "decision_id")} == {
        name: body[name] for name in ("description", "external_reference", "source_event_id", "decision_id")
    }
    assert get(http, f"/ledger-entries/{made['id']}") == made
    assert get(http, f"/postings/{made['id']}")["verified"] is True
    assert writes.new_types() == {"ledger.entry.posted": 1}


def test_two_currencies_balance_each_on_their_own_and_keep_the_rate(http: httpx.Client) -> None:
    euro, dollar = wallet(http, currency="EUR", floor_minor=None), wallet(http, floor_minor=None)
    post(http, "/chart-templates/treasury/apply", {"currency": "EUR"})
    post(http, "/chart-templates/treasury/apply", {"currency": "USD"})
    rate = {"base": "EUR", "quote": "USD", "rate": "1.10", "source": "ecb", "quoted_at": "2026-04-01T12:00:00Z"}
    body = {
        "currency": "EUR",
        "entries": [
            entry(euro, "debit", 1000),
            entry("treasury.position", "credit", 1000, currency="EUR"),
            entry("treasury.position", "debit", 1100, currency="USD"),
            entry(dollar, "credit", 1100, currency="USD"),
        ],
        "fx": rate,
    }

    made = post(http, "/ledger-entries", body)

    assert made["fx"] == rate | {"quoted_at": "2026-04-01T12:00:00.000Z"}
    assert (made["currency"], made["amount_minor"]) == ("EUR", 1000)
    assert get(http, f"/accounts/{dollar}/balances")["posted_minor"] == 1100
    assert get(http, f"/accounts/{euro}/balances")["posted_minor"] == -1000


def test_a_dry_run_says_what_would_be_and_writes_nothing(http: httpx.Client, writes: Writes) -> None:
    account = wallet(http)
    writes.note()

    answer = http.post(
        "/ledger-entries?dry_run=true", json=PAIR | {"credit": account}, headers={"Idempotency-Key": "dry_1"}
    )

    assert answer.status_code == 200, answer.text
    preview = answer.json()
    assert (preview["object"], preview["status"], preview["amount_minor"]) == ("posting_preview", "posted", 100)
    held = {each["account_id"]: each for each in preview["balances"]}
    assert (held[account]["posted_minor"], held[account]["lock_version"]) == (100, 1)
    assert get(http, f"/accounts/{account}")["balances"]["posted_minor"] == 0
    assert (writes.new_rows(), writes.new_events()) == ({}, [])
    assert http.post("/ledger-entries", json=PAIR, headers={"Idempotency-Key": "dry_1"}).status_code == 201


def test_a_dry_run_of_a_pending_posting_takes_the_hold_back_too(http: httpx.Client, writes: Writes) -> None:
    body = PAIR | {"pending": True, "reference": "r", "source": "s"}

    preview = post(http, "/ledger-entries?dry_run=true", body, status=200)

    assert preview["status"] == "pending"
    assert {each["account_code"]: each["pending_out_minor"] for each in preview["balances"]} == {
        "customer_balance": 100, "reserved_balance": 0}  # fmt: skip
    assert (writes.new_rows(), writes.new_events()) == ({}, [])


@pytest.mark.parametrize(
    ("word", "status", "posted", "pending"), [("post", "posted", 100, 0), ("void", "released", 0, 0)]
)
def test_two_phases(http: httpx.Client, word: str, status: str, posted: int, pending: int) -> None:
    account = wallet(http)
    body = PAIR | {"credit": account, "pending": True, "reference": "auth 1", "source": "card"}

    first = post(http, "/ledger-entries", body)

    assert (first["status"], first["hold_id"][:5]) == ("pending", "hold_")
    held = get(http, f"/accounts/{account}")["balances"]
    assert (held["posted_minor"], held["pending_in_minor"], held["available_minor"]) == (0, 100, 0)
    said = {} if word == "post" else {"reason": "not wanted"}
    second = post(http, f"/postings/{first['id']}/{word}", said)
    assert (second["status"], second["hold_id"]) == (status, first["hold_id"])
    held = get(http, f"/accounts/{account}")["balances"]
    assert (held["posted_minor"], held["pending_in_minor"]) == (posted, pending)
    assert get(http, f"/postings/{first['id']}")["hold"]["status"] == ("captured" if word == "post" else "released")
    again = http.post(f"/postings/{first['id']}/{word}", json={"reason": "r"} if word == "void" else {})
    assert (again.status_code, again.json()["code"]) == (409, "hold_closed")


def test_a_posting_is_reversed_in_parts_and_knows_them(http: httpx.Client, writes: Writes) -> None:
    made = post(http, "/ledger-entries", PAIR)
    part = post(http, f"/postings/{made['id']}/reverse", {"reason": "half", "amount_minor": 40})
    rest = post(
        http,
        f"/postings/{made['id']}/reverse",
        {
            "reason": "rest",
            "entries": [entry("customer_balance", "credit", 60), entry("reserved_balance", "debit", 60)],
        },
    )

    assert (part["reverses_id"], part["amount_minor"], rest["amount_minor"]) == (made["id"], 40, 60)
    detail = get(http, f"/postings/{made['id']}")
    assert (detail["reversed_minor"], [each["id"] for each in detail["reversals"]]) == (100, [part["id"], rest["id"]])
    announced = [event["data"]["announced_as"] for event in writes.new_events()]
    assert ["ledger.reversed" in names for names in announced] == [False, True, True]


def test_a_correction_is_a_reversal_and_a_posting_at_once(http: httpx.Client) -> None:
    made = post(http, "/ledger-entries", PAIR | {"effective_at": "2026-03-01T00:00:00Z"})

    corrected = post(http, f"/postings/{made['id']}/correct", PAIR | {"amount_minor": 90, "reason": "a typo"})

    assert corrected["reversal"]["reverses_id"] == corrected["correction"]["corrects_id"] == made["id"]
    assert corrected["correction"]["effective_at"] == made["effective_at"]
    detail = get(http, f"/postings/{made['id']}")
    assert [each["id"] for each in detail["corrections"]] == [corrected["evidence"]["posting_id"]]


def test_a_repeat_of_any_of_these_is_evidence_of_what_stands(http: httpx.Client, writes: Writes) -> None:
    made = post(http, "/ledger-entries", PAIR)
    path, body = f"/postings/{made['id']}/reverse", {"reason": "all", "idempotency_key": "rev_1"}
    first = http.post(path, json=body)
    writes.note()

    second = http.post(path, json=body)

    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    assert writes.new_rows() == {}
    (event,) = writes.new_events()
    assert event["type"] == "idempotency.replayed"
    assert event["data"] == {
        "operation": "postings.reverse",
        "key": "rev_1",
        "posting_id": first.json()["id"],
        "debit_account": "reserved_balance",
        "credit_account": "customer_balance",
        "result": "first answer returned",
        "mutations": 0,
    }


def test_another_payload_under_the_key_keeps_both_fingerprints(http: httpx.Client, writes: Writes) -> None:
    post(http, "/ledger-entries", PAIR | {"idempotency_key": "twice"})
    writes.note()

    answer = http.post("/ledger-entries", json=PAIR | {"idempotency_key": "twice", "amount_minor": 101})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "idempotency_key_reused")
    (event,) = writes.new_events()
    assert (event["type"], event["data"]["key"]) == ("idempotency.refused", "twice")
    assert event["data"]["first_fingerprint"] == problem["first_fingerprint"]
    assert event["data"]["this_fingerprint"] == problem["this_fingerprint"]
    assert problem["first_fingerprint"] != problem["this_fingerprint"]


def test_the_fingerprint_is_of_words_and_not_of_how_a_moment_is_written(http: httpx.Client) -> None:
    body = PAIR | {"effective_at": "2026-04-01T12:00:00+02:00", "idempotency_key": "moment"}
    first = post(http, "/ledger-entries", body)

    assert post(http, "/ledger-entries", body | {"effective_at": "2026-04-01T10:00:00Z"}) == first


def test_lists_are_narrowed_and_go_on_where_they_stopped(http: httpx.Client) -> None:
    account = wallet(http)
    for number in range(5):
        body = PAIR | {"credit": account, "amount_minor": 100 + number, "external_reference": f"ref-{number % 2}"}
        post(http, "/ledger-entries", body)

    def amounts(**params: Any) -> list[int]:
        return [each["amount_minor"] for each in get(http, "/ledger-entries", **params)["data"]]

    assert amounts(account=account) == [104, 103, 102, 101, 100]
    assert amounts(account=account, external_reference="ref-1") == [103, 101]
    assert amounts(account=account, min_amount=101, max_amount=103) == [103, 102, 101]
    assert amounts(account=account, state="pending") == []
    assert amounts(account=account, effective_to="2020-01-01") == []
    assert amounts(account=account, recorded_from="2020-01-01", currency="USD", purpose="manual")[0] == 104
    first = get(http, "/ledger-entries", account=account, limit=2)
    second = get(http, "/ledger-entries", account=account, limit=2, cursor=first["next_cursor"])
    assert [each["amount_minor"] for each in (*first["data"], *second["data"])] == [104, 103, 102, 101]


def test_a_word_that_no_filter_knows_how_to_read_is_named(http: httpx.Client) -> None:
    answer = http.get("/ledger-entries", params={"effective_from": "yesterday"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "bad_format")
    assert answer.json()["errors"][0]["parameter"] == "effective_from"
