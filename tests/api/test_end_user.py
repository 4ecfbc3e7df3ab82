"""End users' tokens: narrow, short, for one customer's own accounts and intents, and refused everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ledger.errors import InsufficientFunds
from tests.api.ledger_of_writes import Writes
from tests.api.oauth import claims_of, forge
from zentra.api import limits
from zentra.api.auth.caller import Caller, EndUser
from zentra.api.end_users import AmountBeyondToken, hide_facts
from zentra.api.problems import MissingField
from zentra.api.v1 import build_api
from zentra.core import clock
from zentra.core.actors import ANONYMOUS
from zentra.core.rates import Rate
from zentra.core.tenancy import TenantRef
from zentra.tenants.denials.operations import OTHER_FORM
from zentra.tenants.models import ApiCredential
from zentra.tenants.operations import issue_key, revoke_key
from zentra.tenants.services.usage import LAST_USES

Connect = Callable[..., httpx.Client]
STANDARD = {"type", "title", "status", "detail", "code", "retryable", "request_id", "trace_id"}
ALL = ["accounts.read", "intents.read", "intents.create"]


@pytest.fixture
def server(workspace: TenantRef, connect: Connect) -> httpx.Client:
    """The customer-facing company's own server."""
    key = issue_key(
        workspace=workspace, name="server", now=clock.now(),
        scopes={"end_users.issue", "accounts.create", "ledger.post", *ALL},
    )  # fmt: skip
    return connect(key.token)


def open_account(server: httpx.Client, customer: str) -> str:
    body = {"customer": customer, "currency": "USD", "account_type": "customer"}
    answer = server.post("/accounts", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def mine(server: httpx.Client) -> str:
    return open_account(server, "cust_1")


@pytest.fixture
def theirs(server: httpx.Client) -> str:
    return open_account(server, "cust_2")


def issue(server: httpx.Client, **said: Any) -> httpx.Response:
    return server.post("/end-user-tokens", json={"customer": "cust_1", "channel": "mobile", "scopes": ALL} | said)


@pytest.fixture
def app(server: httpx.Client, mine: str, connect: Connect) -> httpx.Client:
    """The end user's app."""
    answer = issue(server, max_amount_minor=5_000)
    assert answer.status_code == 201, answer.text
    return connect(answer.json()["token"])


def movement(source: str, **said: Any) -> dict[str, Any]:
    body = {"kind": "payment", "amount_minor": 1_000, "currency": "USD", "debit_account": source}
    return body | {"credit_account": "merchant_balance"} | said


def said_by(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name not in ("request_id", "trace_id")}


def test_a_token_is_issued_once_under_its_key_and_recorded_without_the_customer(
    server: httpx.Client, mine: str, writes: Writes
) -> None:
    first = issue(server, idempotency_key="t1", expires_in=600)
    again = issue(server, idempotency_key="t1", expires_in=600)

    said = first.json()
    assert (said["expires_in"], said["accounts"], said["channel"]) == (600, [mine], "mobile")
    assert again.json()["token"] == said["token"]
    claims = claims_of(said["token"])
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("cust_1", 600)
    events = [event for event in writes.new_events() if event["type"] == "end_user_token.issued"]
    assert [event["data"]["token_id"] for event in events] == [said["id"]]
    assert "cust_1" not in str(events)
    assert said["token"] not in str(writes.new_events())


def test_the_app_sees_its_own_account_and_less_of_it(app: httpx.Client, server: httpx.Client, mine: str) -> None:
    shown = app.get(f"/accounts/{mine}")

    assert shown.status_code == 200
    assert shown.json()["balances"] == server.get(f"/accounts/{mine}").json()["balances"]
    assert (shown.json()["metadata"], shown.json()["floor_minor"]) == ({}, None)


def test_the_app_pays_from_its_own_account_and_sees_no_policy(
    app: httpx.Client, server: httpx.Client, mine: str, writes: Writes
) -> None:
    code = server.get(f"/accounts/{mine}").json()["code"]
    made = app.post("/runtime/intents", json=movement(code, metadata={"note": "x"}), headers={"Idempotency-Key": "k"})
    assert made.status_code == 201, made.text
    again = app.post("/runtime/intents", json=movement(code, metadata={"note": "x"}), headers={"Idempotency-Key": "k"})

    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == made.content
    intent_id = made.json()["intent_id"]
    for shown in (made.json(), app.get(f"/runtime/intents/{intent_id}").json()):
        assert (shown["primitives"], shown["metadata"], shown["corridor"]) == ({}, {}, {})
        assert (shown["ledger_state"], shown["checks"], list(shown["links"])) == (None, [], ["self"])
    assert server.get(f"/runtime/intents/{intent_id}").json()["primitives"] != {}
    accepted = next(event for event in writes.new_events() if event["type"] == "ingress.accepted")
    assert accepted["actor"]["kind"] in {"end_user", "service"}


def test_what_is_not_theirs_is_not_there_and_recorded(
    app: httpx.Client, server: httpx.Client, mine: str, theirs: str, writes: Writes
) -> None:
    other = server.post("/runtime/intents", json=movement(theirs, intent_id="other", debit_account=theirs))
    assert other.status_code in (201, 422), other.text
    nothing = app.get(f"/accounts/{'acct_' + '0' * 26}").json()
    writes.new_events()
    refused = [
        app.get(f"/accounts/{theirs}"),
        app.get("/accounts/merchant_balance"),
        app.post("/runtime/intents", json=movement(theirs)),
        app.post("/runtime/intents", json=movement("customer_balance")),
        app.post("/runtime/intents", json=movement("nowhere")),
    ]

    assert [answer.json()["code"] for answer in refused] == [nothing["code"]] * 2 + ["unknown_account"] * 3
    assert refused[0].status_code == 404
    # Word for word what one that is not there says.
    for answer, ref in ((refused[0], theirs), (refused[1], "merchant_balance")):
        assert said_by(answer.json()) == said_by(nothing), ref
        assert ref not in answer.text
    kinds = writes.new_types()
    assert kinds["access.denied"] == 5
    denied = next(event for event in writes.new_events() if event["type"] == "access.denied")
    assert denied["actor"]["kind"] == "end_user"
    assert denied["actor"]["id"].startswith("eut_")


def test_an_intent_of_the_server_is_not_there_for_the_app(app: httpx.Client, server: httpx.Client, mine: str) -> None:
    assert server.post("/runtime/intents", json={"intent_id": "rehearsal"}).status_code == 201

    foreign, missing = app.get("/runtime/intents/rehearsal"), app.get("/runtime/intents/nothing")

    assert (foreign.status_code, foreign.json()["code"]) == (missing.status_code, missing.json()["code"])
    assert said_by(foreign.json()) == said_by(missing.json())
    # Nor can it be told from an id that is free: no end user chooses one.
    answers = [
        app.post("/runtime/intents", json={"intent_id": name} | movement(mine)) for name in ("rehearsal", "free")
    ]
    assert [said_by(answer.json()) for answer in answers] == [said_by(answers[0].json())] * 2
    assert (answers[0].status_code, answers[0].json()["code"]) == (422, "invalid_field")
    assert answers[0].json()["errors"][0]["pointer"] == "/intent_id"


def test_more_than_the_token_says_moves_nothing(app: httpx.Client, mine: str, writes: Writes) -> None:
    answer = app.post("/runtime/intents", json=movement(mine, amount_minor=5_001))

    assert (answer.status_code, answer.json()["code"]) == (403, "amount_beyond_token")
    assert writes.new_types() == {"access.denied": 1}
    assert app.post("/runtime/intents", json={"kind": "payment"}).json()["code"] == "missing_field"
    unnamed = {name: value for name, value in movement(mine).items() if name != "debit_account"}
    assert app.post("/runtime/intents", json=unnamed).json()["code"] == "missing_field"


def test_an_end_user_is_told_less_of_a_refusal_than_the_server(app: httpx.Client, server: httpx.Client) -> None:
    told, full = (each.get(f"/accounts/{'nobody' * 3}").json() for each in (app, server))
    assert full["account"] == "nobody" * 3
    assert set(told) == STANDARD
    assert told["detail"] == told["title"] == full["title"]
    beyond = app.get("/runtime/intents/" + "x" * 20).json()
    assert set(beyond) == STANDARD


def test_facts_are_hidden_from_end_users_alone() -> None:
    caller = Caller(
        tenant=TenantRef(id=uuid4(), slug="w", schema="t_w", mode="sandbox", ledger_currency="USD"),
        actor=ANONYMOUS, scopes=frozenset(), kind="end_user", end_user=EndUser("c", frozenset()),
    )  # fmt: skip
    error = InsufficientFunds("It holds 5.", available_minor=5, floor_minor=-3, net_minor=9)
    error.retry_after = 7

    told = hide_facts(caller, error)

    assert isinstance(told, InsufficientFunds)
    assert (told.detail, told.extra, told.retry_after) == (error.title, {}, 7)
    assert hide_facts(replace(caller, end_user=None), error) is error
    assert hide_facts(None, error) is error
    for plain in (MissingField("/kind", "is needed"), AmountBeyondToken("At most 5.", most=5), ValueError("x")):
        assert hide_facts(caller, plain) is plain


def test_one_customers_apps_share_a_small_limit_that_is_not_the_servers(
    app: httpx.Client, server: httpx.Client, mine: str, theirs: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "END_USER", Rate(per_second=0.1, burst=3))
    again = connect(issue(server).json()["token"])
    other = connect(issue(server, customer="cust_2").json()["token"])

    answers = [each.get(f"/accounts/{mine}") for each in (app, again, app, again, app)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert set(answers[-1].json()) == STANDARD
    assert int(answers[-1].headers["Retry-After"]) >= 1
    for name in ("RateLimit", "RateLimit-Policy"):
        assert "workspace" not in answers[0].headers[name]
        assert answers[0].headers[name].startswith('"credential-read";')
    assert other.get(f"/accounts/{theirs}").status_code == 200
    assert server.get(f"/accounts/{mine}").headers["RateLimit"].startswith('"credential-read";r=39')


def test_a_token_is_not_given_to_another_credential_that_repeats_the_request(
    server: httpx.Client, mine: str, connect: Connect, workspace: TenantRef
) -> None:
    scopes = {"end_users.issue", *ALL}
    other = connect(issue_key(workspace=workspace, name="other", now=clock.now(), scopes=scopes).token)

    first, second = issue(server, idempotency_key="same"), issue(other, idempotency_key="same")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["token"] != second.json()["token"]
    assert "idempotent-replayed" not in second.headers


def test_the_record_of_a_refusal_holds_no_free_text_and_the_key_was_not_used(
    app: httpx.Client, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    monkeypatch.setattr(LAST_USES, "note", lambda credential_id, **_: noted.append(credential_id))
    writes.new_events()

    assert app.post("/runtime/intents", json=movement("Jane Doe, 5 High St")).json()["code"] == "unknown_account"

    [event] = [each for each in writes.new_events() if each["type"] == "access.denied"]
    assert event["data"]["named"] == {"account": OTHER_FORM}
    assert "Jane" not in str(event)
    assert noted == []


def test_every_other_door_is_shut(app: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operation of the API but the three, by the table that the doors themselves are made of."""
    monkeypatch.setattr(limits, "END_USER", Rate(per_second=1_000, burst=1_000))
    opened, shut = set(), 0
    for _, router in build_api()._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                if not operation.auth_callbacks:
                    continue
                if getattr(operation.auth_callbacks[0], "end_user", False):
                    opened.add(operation.operation_id)
                    continue
                shut += 1
                address = path.replace("{", "").replace("}", "")
                answer = app.request(operation.methods[0], address, json={})
                assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), operation.operation_id
    assert opened == {"accounts.get", "intents.create", "intents.get"}
    assert shut > 60


def test_scopes_are_those_of_the_token_and_of_its_maker(
    server: httpx.Client, mine: str, connect: Connect, workspace: TenantRef
) -> None:
    reader = connect(issue(server, scopes=["accounts.read"]).json()["token"])
    assert reader.get(f"/accounts/{mine}").status_code == 200
    assert reader.post("/runtime/intents", json=movement(mine)).json()["code"] == "permission_denied"

    narrow = connect(issue_key(workspace=workspace, name="n", now=clock.now(), scopes={"end_users.issue"}).token)
    assert issue(narrow).json()["code"] == "permission_denied"
    forged = claims_of(issue(server).json()["token"]) | {"scope": "ledger.post accounts.read"}
    widened = connect(forge(issue(server).json()["token"], **forged))
    assert widened.post("/ledger-entries", json={}).json()["code"] == "permission_denied"


def test_what_cannot_be_issued_is_refused(server: httpx.Client, mine: str, theirs: str) -> None:
    for code, said in (
        ("invalid_end_user_token", {"customer": "nobody"}),
        ("invalid_end_user_token", {"accounts": [theirs]}),
        ("invalid_end_user_token", {"accounts": [mine, theirs]}),
        ("invalid_end_user_token", {"accounts": ["merchant_balance"]}),
        ("invalid_end_user_token", {"accounts": ["acct_nonsense"]}),
        ("out_of_range", {"expires_in": 901}),
        ("out_of_range", {"expires_in": 59}),
        ("not_one_of", {"scopes": ["ledger.post"]}),
        ("not_one_of", {"channel": "server"}),
        ("bad_length", {"scopes": []}),
        ("invalid_amount", {"max_amount_minor": 0}),
    ):
        answer = issue(server, **said)
        assert (answer.status_code, answer.json()["code"]) == (422, code), said


def test_a_token_ends_by_itself_and_with_its_key(
    server: httpx.Client, mine: str, connect: Connect, workspace: TenantRef
) -> None:
    token = issue(server, expires_in=60).json()["token"]
    app = connect(token)
    at = int(clock.now().timestamp())
    assert connect(forge(token, exp=at - 31)).get(f"/accounts/{mine}").json()["code"] == "credential_expired"
    assert app.get(f"/accounts/{mine}").status_code == 200

    key_id = claims_of(token)["cred"]
    ApiCredential.objects.filter(id=key_id).update(scopes=["accounts.read"])
    assert app.get(f"/accounts/{mine}").json()["code"] == "permission_denied"
    ApiCredential.objects.filter(id=key_id).update(scopes=["accounts.read", "end_users.issue"])
    assert app.get(f"/accounts/{mine}").status_code == 200
    revoke_key(key_id=key_id, now=clock.now() - timedelta(seconds=1))
    assert app.get(f"/accounts/{mine}").json()["code"] == "credential_revoked"


def test_a_token_of_another_workspace_sees_nothing_here(
    app: httpx.Client, other_workspace: TenantRef, connect: Connect, other_api_key: str
) -> None:
    account = open_account(connect(other_api_key), "cust_1")

    assert app.get(f"/accounts/{account}").status_code == 404
    answer = app.get(f"/accounts/{account}", headers={"Zentra-Workspace": other_workspace.slug})
    assert answer.json()["code"] == "scope_mismatch"
