"""The edge's own decisions, without a database: keys, cursors, preferences, problems."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from ninja.errors import HttpError, ValidationError

from zentra.api import doors, idempotency, pagination, problems
from zentra.api.idempotency import BadIdempotencyKey, IdempotencyKeyConflict
from zentra.api.pagination import BadCursor
from zentra.core.money import InvalidAmount
from zentra.core.tenancy import WrongSchema
from zentra.tenants.denials.budgets import Budget

HERE, THERE = UUID(int=1), UUID(int=2)
POSITION = (datetime(2026, 4, 1, 12, tzinfo=UTC), "acct_01jxyz")


# -- Which key a write has ---------------------------------------------------------------------------------------------


def test_the_header_comes_first_then_the_body_then_the_intent_id() -> None:
    assert idempotency.choose_key(header="h", body_key=None, intent_id="i") == "h"
    assert idempotency.choose_key(header=None, body_key="b", intent_id="i") == "b"
    assert idempotency.choose_key(header=None, body_key=None, intent_id="i") == "i"
    assert idempotency.choose_key(header=None, body_key=None) is None


def test_the_same_key_twice_is_one_key_and_two_keys_are_a_conflict() -> None:
    assert idempotency.choose_key(header="k", body_key="k") == "k"
    with pytest.raises(IdempotencyKeyConflict):
        idempotency.choose_key(header="k", body_key="other")


@pytest.mark.parametrize("header", ["", " ", "a b", "é", "k" * 256, "tab\tkey"])
def test_a_malformed_key_is_refused(header: str) -> None:
    with pytest.raises(BadIdempotencyKey):
        idempotency.choose_key(header=header, body_key=None)


# -- Cursors -----------------------------------------------------------------------------------------------------------


def test_a_cursor_leads_back_to_its_position() -> None:
    cursor = pagination.write_cursor(POSITION, listing="accounts", workspace_id=HERE)

    assert pagination.read_cursor(cursor, listing="accounts", workspace_id=HERE) == POSITION
    assert pagination.read_cursor(None, listing="accounts", workspace_id=HERE) is None


@pytest.mark.parametrize("cursor", ["", "x", "a:b:c", "é", "x" * 5000, "WyIyMDI2Il0:1abc:sig"])
def test_a_made_up_cursor_is_bad(cursor: str) -> None:
    with pytest.raises(BadCursor):
        pagination.read_cursor(cursor, listing="accounts", workspace_id=HERE)


def test_a_cursor_of_another_list_or_workspace_or_with_a_changed_byte_is_bad() -> None:
    cursor = pagination.write_cursor(POSITION, listing="accounts", workspace_id=HERE)
    for changed, listing, workspace in [
        (cursor, "intents", HERE),
        (cursor, "accounts", THERE),
        (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "accounts", HERE),
    ]:
        with pytest.raises(BadCursor):
            pagination.read_cursor(changed, listing=listing, workspace_id=workspace)


@pytest.mark.parametrize("after", ["", "-1", "1.5", "1e3", "x", "٣", "9" * 19])
def test_a_sequence_that_is_no_whole_number_is_bad(after: str) -> None:
    with pytest.raises(BadCursor):
        pagination.read_sequence(after)


def test_a_page_says_whether_there_is_more() -> None:
    rows = [1, 2, 3]

    def page(limit: int) -> dict[str, object]:
        return pagination.build_page(
            rows[: limit + 1],
            limit=limit,
            listing="numbers",
            workspace_id=HERE,
            position=lambda row: (POSITION[0], str(row)),
            show=lambda row: {"n": row},
        )

    assert page(2)["data"] == [{"n": 1}, {"n": 2}]
    assert page(2)["has_more"] is True
    cursor = page(2)["next_cursor"]
    assert isinstance(cursor, str)
    assert pagination.read_cursor(cursor, listing="numbers", workspace_id=HERE) == (POSITION[0], "2")
    assert page(3)["has_more"] is False
    assert page(3)["next_cursor"] is None


# -- Prefer: wait ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", 0),
        ("wait=10", 10),
        ("respond-async, wait=5", 5),
        ("wait = 7 ; foo", 7),
        ('WAIT="3"', 3),
        ("wait=999", 30),
        ("wait=-1", 0),
        ("wait=ten", 0),
        ("wait=1.5", 0),
        ("await=9", 0),
        ("wait", 0),
    ],
)
def test_a_preference_is_read_by_rfc_7240_and_nonsense_is_ignored(prefer: str, seconds: int) -> None:
    request = RequestFactory().post("/v1/runtime/intents", headers={"prefer": prefer} if prefer else {})

    assert doors.preferred_wait(request) == seconds


# -- Nameless attempts -------------------------------------------------------------------------------------------------


def test_nameless_attempts_are_recorded_as_far_as_the_budget_goes_and_the_rest_is_counted() -> None:
    budget = Budget(burst=2, per_second=1)

    assert [budget.spend(at) for at in (10.0, 10.0, 10.0, 10.5, 11.0, 12.0)] == [0, 0, None, None, 2, 0]


# -- Problems ----------------------------------------------------------------------------------------------------------


def test_a_domain_error_becomes_a_problem_with_its_numbers() -> None:
    answer = problems.problem_response(InvalidAmount("Too much.", most=5, code="not this", status=1))

    document = json.loads(answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.status_code == document["status"] == 422
    assert document["code"] == "invalid_amount"
    assert document["type"] == "urn:zentra:problem:invalid_amount"
    assert document["detail"] == "Too much."
    assert document["most"] == 5
    assert document["retryable"] is False


def field(kind: str, *path: str) -> dict[str, object]:
    return {"loc": ("body", "body", *path), "type": kind, "msg": "is wrong"}


def test_one_kind_of_field_error_is_the_requests_code() -> None:
    document = json.loads(problems.validation_response([field("extra_forbidden", "a/b~c", "0")]).content)

    assert document["code"] == "unknown_field"
    assert document["errors"] == [{"pointer": "/a~1b~0c/0", "code": "unknown_field", "detail": "/a~1b~0c/0: is wrong."}]


def test_several_kinds_are_an_invalid_request() -> None:
    document = json.loads(problems.validation_response([field("missing", "a"), field("int_type", "b")]).content)

    assert document["code"] == "invalid_request"
    assert [error["code"] for error in document["errors"]] == ["missing_field", "wrong_type"]


def test_an_unknown_library_error_has_a_documented_code() -> None:
    document = json.loads(problems.validation_response([field("something_new", "a")]).content)

    assert document["code"] == "invalid_field"


@pytest.mark.parametrize(
    ("error", "status", "code", "retryable"),
    [
        (RuntimeError("secret detail"), 500, "internal_error", True),
        (OperationalError("server closed"), 503, "unavailable", True),
        (WrongSchema("ws_secret does not exist"), 500, "internal_error", True),
        (HttpError(404, "x"), 404, "not_found", False),
        (HttpError(400, "x"), 400, "bad_request", False),
        (ValidationError([field("missing", "a")]), 422, "missing_field", False),
    ],
)
def test_whatever_is_raised_becomes_a_problem_that_tells_nothing_of_our_insides(
    error: Exception, status: int, code: str, retryable: bool
) -> None:
    answer = problems.exception_response(RequestFactory().get("/v1/accounts"), error)

    document = json.loads(answer.content)
    assert (answer.status_code, document["code"], document["retryable"]) == (status, code, retryable)
    assert "secret" not in answer.content.decode()
