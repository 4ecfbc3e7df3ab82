"""Bad input is refused with a documented code, and nothing is written but the recorded refusal."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import workspaces
from tests.api.ledger_of_writes import Writes
from zentra.api import error_pages
from zentra.core.tenancy import TenantRef

INTENT = {"intent_id": "bad_1", "kind": "payment", "amount_minor": 100, "currency": "USD"}
ENTRY = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100, "idempotency_key": "bad_1"}
ACCOUNT = {"customer": "c", "currency": "USD", "account_type": "operating", "idempotency_key": "bad_1"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def workspace(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """One for all of these: each test compares with what was there when it began, and nothing is ever added."""
    with django_db_blocker.unblock():
        made = workspaces.create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield made
        workspaces.drop(made)


@pytest.fixture(scope="module")
def documented() -> str:
    return error_pages.PATH.read_text(encoding="utf-8")


def assert_refused(
    answer: httpx.Response, writes: Writes, *, status: int, code: str, documented: str
) -> dict[str, Any]:
    """One problem in the documented shape, one recorded refusal, nothing else."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() >= {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["status"] == status
    assert f"`{code}`" in documented
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}
    recorded = writes.new_events()[0]["data"]
    assert (recorded["code"], recorded["status"], recorded["request_id"]) == (code, status, problem["request_id"])
    return problem


AMOUNTS = [
    (1.5, "amount_not_integer"),
    (100.0, "amount_not_integer"),
    (1e2, "amount_not_integer"),
    ("100", "amount_not_integer"),
    (True, "amount_not_integer"),
    (False, "amount_not_integer"),
    ([100], "amount_not_integer"),
    ({"minor": 100}, "amount_not_integer"),
    (0, "amount_not_positive"),
    (-100, "amount_not_positive"),
    (2**53, "amount_too_large"),
    (10**30, "amount_too_large"),
]


@pytest.mark.parametrize(("amount", "code"), AMOUNTS)
@pytest.mark.parametrize(("path", "body"), [("/ledger-entries", ENTRY), ("/runtime/intents", INTENT)])
def test_an_amount_that_is_no_positive_integer_of_minor_units(
    http: httpx.Client, writes: Writes, documented: str, path: str, body: dict[str, Any], amount: object, code: str
) -> None:
    answer = http.post(path, json=body | {"amount_minor": amount})

    problem = assert_refused(answer, writes, status=422, code="invalid_amount", documented=documented)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/amount_minor", code)]


def test_a_null_amount_is_not_no_amount(http: httpx.Client, writes: Writes, documented: str) -> None:
    answer = http.post("/runtime/intents", json={"intent_id": "bad_1", "amount_minor": None})

    problem = assert_refused(answer, writes, status=422, code="wrong_type", documented=documented)
    assert problem["errors"][0]["pointer"] == "/amount_minor"


def test_the_largest_amount_is_allowed_by_the_contract(http: httpx.Client) -> None:
    answer = http.post("/ledger-entries", json=ENTRY | {"amount_minor": 2**53 - 1, "idempotency_key": "largest"})

    assert answer.json().get("code") != "invalid_amount"


@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("/runtime/intents", INTENT | {"currency": "XYZ"}, "unknown_currency", "/currency"),
        ("/runtime/intents", INTENT | {"currency": "usd"}, "unknown_currency", "/currency"),
        ("/runtime/intents", INTENT | {"currency": 840}, "wrong_type", "/currency"),
        ("/runtime/intents", INTENT | {"kind": "gift"}, "unknown_kind", "/kind"),
        ("/runtime/intents", INTENT | {"intent_id": "a b"}, "bad_format", "/intent_id"),
        ("/runtime/intents", INTENT | {"intent_id": ""}, "bad_format", "/intent_id"),
        ("/runtime/intents", INTENT | {"intent_id": "x" * 65}, "bad_format", "/intent_id"),
        ("/runtime/intents", INTENT | {"intent_id": "line\n"}, "bad_format", "/intent_id"),
        ("/runtime/intents", INTENT | {"intent_id": 42}, "wrong_type", "/intent_id"),
        ("/runtime/intents", INTENT | {"money_model": "floats"}, "unknown_money_model", "/money_model"),
        ("/runtime/intents", INTENT | {"primitives": ["policy", "magic"]}, "unknown_primitive", "/primitives/1"),
        ("/runtime/intents", INTENT | {"primitives": "policy"}, "wrong_type", "/primitives"),
        ("/runtime/intents", INTENT | {"surprise": 1}, "unknown_field", "/surprise"),
        ("/runtime/intents", INTENT | {"a/b~c": 1}, "unknown_field", "/a~1b~0c"),
        (
            "/runtime/intents",
            INTENT | {"corridor": {"source": "US", "destination": "GB", "method": "card", "x": 1}},
            "unknown_field",
            "/corridor/x",
        ),
        ("/runtime/intents", INTENT | {"metadata": {"deep": {"er": 1}}}, "wrong_type", "/metadata"),
        ("/runtime/intents", INTENT | {"metadata": {"rate": 1.5}}, "wrong_type", "/metadata"),
        ("/runtime/intents", INTENT | {"metadata": {"n": 2**53}}, "out_of_range", "/metadata"),
        ("/runtime/intents", INTENT | {"metadata": {"schlüssel": 1}}, "bad_format", "/metadata"),
        ("/runtime/intents", INTENT | {"metadata": {"v": "x" * 501}}, "bad_length", "/metadata"),
        ("/runtime/intents", {"intent_id": "bad_1", "amount_minor": 5}, "missing_field", "/currency"),
        ("/runtime/intents", {"intent_id": "bad_1", "currency": "USD"}, "missing_field", "/amount_minor"),
        (
            "/runtime/intents",
            INTENT | {"payee": "p", "credit_account": "merchant_balance"},
            "conflicting_fields",
            "/payee",
        ),
        ("/accounts", ACCOUNT | {"currency": "XXX"}, "unknown_currency", "/currency"),
        ("/accounts", ACCOUNT | {"account_type": "piggy"}, "unknown_account_type", "/account_type"),
        ("/accounts", ACCOUNT | {"account_type": "equity"}, "unknown_account_type", "/account_type"),
        ("/accounts", ACCOUNT | {"idempotency_key": "a b"}, "bad_format", "/idempotency_key"),
        ("/accounts", {"customer": "c"}, "missing_field", "/currency"),
        ("/ledger-entries", ENTRY | {"debit": ""}, "bad_length", "/debit"),
        ("/ledger-entries", ENTRY | {"debit": 5}, "wrong_type", "/debit"),
        ("/ledger-entries", {"debit": "a", "amount_minor": 1}, "missing_field", "/credit"),
        ("/ledger-entries", ENTRY | {"amount": 1}, "unknown_field", "/amount"),
    ],
)
def test_a_wrong_field_is_named_by_a_json_pointer(
    http: httpx.Client, writes: Writes, documented: str, path: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = http.post(path, json=body)

    problem = assert_refused(answer, writes, status=422, code=code, documented=documented)
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["code"] == code


def test_several_wrong_fields_are_all_named(http: httpx.Client, writes: Writes, documented: str) -> None:
    answer = http.post("/ledger-entries", json=ENTRY | {"amount_minor": 1.5, "surprise": 1})

    problem = assert_refused(answer, writes, status=422, code="invalid_request", documented=documented)
    assert {error["pointer"] for error in problem["errors"]} == {"/amount_minor", "/surprise"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ledger-entries", ENTRY | {"debit": "no_such_account"}),
        ("/ledger-entries", ENTRY | {"credit": "acct_01jxyz01jxyz01jxyz01jxyz01"}),
        ("/runtime/intents", INTENT | {"debit_account": "no_such_account"}),
    ],
)
def test_an_unknown_account(
    http: httpx.Client, writes: Writes, documented: str, path: str, body: dict[str, Any]
) -> None:
    answer = http.post(path, json=body)

    assert_refused(answer, writes, status=422, code="unknown_account", documented=documented)


def test_a_code_in_another_currency_is_an_unknown_account(http: httpx.Client, writes: Writes, documented: str) -> None:
    answer = http.post("/ledger-entries", json=ENTRY | {"currency": "CHF"})

    assert_refused(answer, writes, status=422, code="unknown_account", documented=documented)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", JSON, 400, "malformed_json"),
        (b"{", JSON, 400, "malformed_json"),
        (b"[]", JSON, 400, "malformed_json"),
        (b"null", JSON, 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", JSON, 400, "malformed_json"),
        (b'{"debit": "\xff"}', JSON, 400, "malformed_json"),
        (b'{"amount_minor": NaN}', JSON, 400, "malformed_json"),
        (b'{"amount_minor": Infinity}', JSON, 400, "malformed_json"),
        (b'{"debit": "a\\u0000b"}', JSON, 400, "malformed_json"),
        (b'{"debit": "\\ud800"}', JSON, 400, "malformed_json"),
        (b'{"amount_minor": 1, "amount_minor": 1}', JSON, 400, "duplicate_key"),
        (b'{"a":' * 21 + b"1" + b"}" * 21, JSON, 400, "json_too_deep"),
        (b"[" * 50_000, JSON, 400, "json_too_deep"),
        (json.dumps(ENTRY).encode(), {"Content-Type": "text/plain"}, 415, "unsupported_content_type"),
        (json.dumps(ENTRY).encode(), {}, 415, "unsupported_content_type"),
        (
            json.dumps(ENTRY).encode(),
            {"Content-Type": "application/json; charset=utf-16"},
            415,
            "unsupported_content_type",
        ),
        (
            json.dumps(ENTRY).encode(),
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            415,
            "unsupported_content_type",
        ),
        (json.dumps(ENTRY | {"description": "x" * 300_000}).encode(), JSON, 413, "body_too_large"),
        (b"x" * 3_000_000, JSON, 413, "body_too_large"),
        (b"x" * 300_000, {"Content-Type": "text/plain"}, 413, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_read(
    http: httpx.Client, writes: Writes, documented: str, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = http.post("/ledger-entries", content=content, headers=headers)

    assert_refused(answer, writes, status=status, code=code, documented=documented)


@pytest.mark.parametrize("key", ["a b", "k" * 256])
def test_a_malformed_idempotency_key(http: httpx.Client, writes: Writes, documented: str, key: str) -> None:
    body = {name: value for name, value in ENTRY.items() if name != "idempotency_key"}

    answer = http.post("/ledger-entries", json=body, headers={"Idempotency-Key": key})

    assert_refused(answer, writes, status=400, code="bad_idempotency_key", documented=documented)


def test_two_keys_that_differ(http: httpx.Client, writes: Writes, documented: str) -> None:
    answer = http.post("/ledger-entries", json=ENTRY, headers={"Idempotency-Key": "other"})

    assert_refused(answer, writes, status=422, code="idempotency_key_conflict", documented=documented)


@pytest.mark.parametrize("url", ["", "ftp://x.test/", "javascript:alert(1)", "http://169.254.169.254/", "not a url"])
def test_an_endpoint_that_cannot_be_called(http: httpx.Client, writes: Writes, url: str) -> None:
    answer = http.post("/webhook-endpoints", json={"url": url})

    assert answer.status_code == 422, answer.text
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/runtime/intents?cursor=nonsense", 400, "bad_cursor"),
        ("/accounts?cursor=", 400, "bad_cursor"),
        ("/ledger-entries?cursor=a:b:c", 400, "bad_cursor"),
        ("/events?after=-1", 400, "bad_cursor"),
        ("/events?after=x", 400, "bad_cursor"),
        ("/accounts?limit=0", 422, "out_of_range"),
        ("/accounts?limit=201", 422, "out_of_range"),
        ("/accounts?limit=ten", 422, "wrong_type"),
        ("/runtime/intents?status=dreaming", 422, "not_one_of"),
        ("/runtime/intents/none", 404, "intent_not_found"),
        ("/runtime/intents/none/timeline", 404, "intent_not_found"),
        ("/accounts/none", 404, "account_not_found"),
        ("/ledger-entries/posting_none", 400, "bad_id"),
        ("/webhook-endpoints/whe_none", 400, "bad_id"),
        ("/nowhere", 404, "not_found"),
        ("/accounts/", 404, "not_found"),
        ("/runtime/intents/a%00b", 400, "bad_request"),
        ("/accounts/a%00b", 400, "bad_request"),
        ("/accounts?customer=a%00b", 400, "bad_request"),
        ("/audit-packets/none", 404, "nothing_to_seal"),
    ],
)
def test_reads_that_make_no_sense(http: httpx.Client, writes: Writes, path: str, status: int, code: str) -> None:
    answer = http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert writes.new_rows() == {}
    assert writes.new_events() == []


def test_another_method_is_a_problem_that_names_the_allowed_ones(http: httpx.Client) -> None:
    answer = http.delete("/accounts")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "POST"}
