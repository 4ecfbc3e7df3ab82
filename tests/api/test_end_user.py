"""End users' tokens: narrow, short, for one customer's own accounts and intents, and refused everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from tests.api.oauth import claims_of, forge
from zentra.api.v1 import build_api
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ApiCredential
from zentra.tenants.operations import issue_key, revoke_key

Connect = Callable[..., httpx.Client]
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
    # Word for word what one that is not there says, but for its id.
    assert refused[0].json()["title"] == nothing["title"]
    kinds = writes.new_types()
    assert kinds["access.denied"] == 5
    denied = next(event for event in writes.new_events() if event["type"] == "access.denied")
    assert denied["actor"]["kind"] == "end_user"
    assert denied["actor"]["id"].startswith("eut_")


def test_an_intent_of_the_server_is_not_there_for_the_app(app: httpx.Client, server: httpx.Client, mine: str) -> None:
    assert server.post("/runtime/intents", json={"intent_id": "rehearsal"}).status_code == 201

    foreign, missing = app.get("/runtime/intents/rehearsal"), app.get("/runtime/intents/nothing")

    assert (foreign.status_code, foreign.json()["code"]) == (missing.status_code, missing.json()["code"])
    # Nor does the server's own idempotency key lead there.
    body = {"intent_id": "rehearsal"} | movement(mine)
    assert app.post("/runtime/intents", json=body).status_code in (409, 422)


def test_more_than_the_token_says_moves_nothing(app: httpx.Client, mine: str, writes: Writes) -> None:
    answer = app.post("/runtime/intents", json=movement(mine, amount_minor=5_001))

    assert (answer.status_code, answer.json()["code"]) == (403, "amount_beyond_token")
    assert writes.new_types() == {"access.denied": 1}
    assert app.post("/runtime/intents", json={"intent_id": "x"}).json()["code"] == "missing_field"
    unnamed = {name: value for name, value in movement(mine).items() if name != "debit_account"}
    assert app.post("/runtime/intents", json=unnamed).json()["code"] == "missing_field"


def test_every_other_door_is_shut(app: httpx.Client) -> None:
    """Each operation of the API but the three, by the table that the doors themselves are made of."""
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
