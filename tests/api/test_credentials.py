"""Who may call: every key that does not count is refused with its own code, and the attempt is kept as evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key, revoke_key
from zentra.tenants.permissions import API_SCOPES, Permission

Connect = Callable[..., httpx.Client]
ENTRY = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100, "idempotency_key": "k"}


def assert_denied(answer: httpx.Response, writes: Writes, *, status: int, code: str) -> dict[str, Any]:
    """One problem, one ``access.denied``, nothing else; the recorded event."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert writes.new_rows() == {}
    assert writes.new_types() == {"access.denied": 1}
    event: dict[str, Any] = writes.new_events()[0]
    assert event["data"]["code"] == code
    assert event["data"]["action"] == "POST /v1/ledger-entries"
    return event


def test_without_a_key_nothing_is_answered_and_nothing_recorded(
    connect: Connect, writes: Writes, platform_writes: Writes
) -> None:
    answer = connect(None).post("/ledger-entries", json=ENTRY)

    assert (answer.status_code, answer.json()["code"]) == (401, "credential_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert writes.new_events() == []
    assert platform_writes.new_events() == []


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer nonsense",
        "Basic dXNlcjpwYXNz",
        "zk_test_x",
        "Bearer zk_test_short_secret",
        "Bearer zk_prod_" + "0" * 26 + "_" + "x" * 43,
        "Bearer zk_test_" + "0" * 26 + "_" + "x" * 44,
        "Bearer zk_test_" + "0" * 26 + "_" + "x" * 43 + " again",
    ],
)
def test_a_malformed_key_is_recorded_in_platform(connect: Connect, platform_writes: Writes, header: str) -> None:
    answer = connect(None).post("/ledger-entries", json=ENTRY, headers={"Authorization": header})

    event = assert_denied(answer, platform_writes, status=401, code="credential_malformed")
    assert event["actor"]["kind"] == "anonymous"


def test_an_unknown_key_is_recorded_in_platform(connect: Connect, platform_writes: Writes) -> None:
    secret = "s" * 43
    answer = connect(f"zk_test_{'0' * 26}_{secret}").post("/ledger-entries", json=ENTRY)

    event = assert_denied(answer, platform_writes, status=401, code="credential_unknown")
    assert secret not in str(event)


def test_a_wrong_secret_is_told_the_same_as_an_unknown_key(
    connect: Connect, api_key: str, writes: Writes, platform_writes: Writes
) -> None:
    answer = connect(api_key[:-43] + "x" * 43).post("/ledger-entries", json=ENTRY)

    assert_denied(answer, platform_writes, status=401, code="credential_unknown")
    assert writes.new_events() == []


def test_a_live_key_of_a_sandbox_does_not_exist(connect: Connect, api_key: str, platform_writes: Writes) -> None:
    answer = connect(api_key.replace("zk_test_", "zk_live_")).post("/ledger-entries", json=ENTRY)

    assert_denied(answer, platform_writes, status=401, code="credential_unknown")


def test_a_revoked_key_is_recorded_in_its_workspace(connect: Connect, workspace: TenantRef, writes: Writes) -> None:
    key = issue_key(workspace=workspace, name="ended", now=clock.now())
    revoke_key(key_id=key.id, now=clock.now())

    answer = connect(key.token).post("/ledger-entries", json=ENTRY)

    event = assert_denied(answer, writes, status=401, code="credential_revoked")
    assert event["actor"] == {"kind": "key", "id": key.id, "role": "developer", "credential": key.id}
    assert event["data"]["workspace"] == workspace.slug


def test_a_key_that_is_revoked_stops_at_once(connect: Connect, workspace: TenantRef) -> None:
    key = issue_key(workspace=workspace, name="ending", now=clock.now())
    client = connect(key.token)
    assert client.get("/accounts").status_code == 200

    revoke_key(key_id=key.id, now=clock.now())

    assert client.get("/accounts").json()["code"] == "credential_revoked"


def test_an_expired_key_is_recorded_in_its_workspace(connect: Connect, workspace: TenantRef, writes: Writes) -> None:
    expired = clock.now() - timedelta(seconds=1)
    key = issue_key(workspace=workspace, name="old", now=clock.now(), expires_at=expired)

    answer = connect(key.token).post("/ledger-entries", json=ENTRY)

    assert_denied(answer, writes, status=401, code="credential_expired")


def test_a_key_without_the_scope_is_refused_and_recorded(
    connect: Connect, workspace: TenantRef, writes: Writes
) -> None:
    readers = frozenset({str(Permission.ACCOUNTS_READ)})
    key = issue_key(workspace=workspace, name="reader", now=clock.now(), scopes=readers)
    client = connect(key.token)

    answer = client.post("/ledger-entries", json=ENTRY)

    event = assert_denied(answer, writes, status=403, code="permission_denied")
    assert event["data"]["named"] == {"scope": "ledger.post"}
    assert client.get("/accounts").status_code == 200


@pytest.mark.parametrize("lacking", sorted(API_SCOPES))
def test_every_door_asks_for_its_scope(connect: Connect, workspace: TenantRef, lacking: str) -> None:
    doors = {
        "intents.read": ("GET", "/runtime/intents"),
        "intents.create": ("POST", "/runtime/intents"),
        "accounts.read": ("GET", "/accounts"),
        "accounts.create": ("POST", "/accounts"),
        "accounts.manage": ("POST", "/accounts/x/close"),
        "accounts.freeze": ("POST", "/accounts/x/freeze"),
        "holds.manage": ("POST", "/holds"),
        "ledger.import": ("POST", "/ledger-imports"),
        "ledger.export": ("POST", "/ledger-exports"),
        "ledger.read": ("GET", "/ledger-entries"),
        "ledger.post": ("POST", "/ledger-entries"),
        "events.read": ("GET", "/events"),
        "packets.read": ("GET", "/audit-packets/x"),
        "webhooks.read": ("GET", "/webhook-endpoints"),
        "webhooks.manage": ("POST", "/webhook-endpoints"),
    }
    if lacking not in doors:
        return  # no door of this version asks for it
    key = issue_key(
        workspace=workspace, name="almost", now=clock.now(), scopes=frozenset(map(str, API_SCOPES)) - {str(lacking)}
    )

    answer = connect(key.token).request(*doors[lacking], json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_header_that_names_another_workspace_is_a_recorded_denial(
    http: httpx.Client, writes: Writes, other_workspace: TenantRef
) -> None:
    theirs = Writes(other_workspace)

    answer = http.post("/ledger-entries", json=ENTRY, headers={"Zentra-Workspace": other_workspace.slug})

    event = assert_denied(answer, writes, status=403, code="scope_mismatch")
    assert (event["data"]["named"], event["data"]["side"]) == ({"scope": other_workspace.slug}, "actor")
    [told] = theirs.new_events()
    assert (told["type"], told["actor"], told["data"]["side"]) == ("access.denied", event["actor"], "target")
    assert theirs.new_rows() == {}


def test_a_header_that_names_the_own_workspace_is_fine(http: httpx.Client, workspace: TenantRef) -> None:
    assert http.get("/accounts", headers={"Zentra-Workspace": workspace.slug}).status_code == 200


def test_a_body_that_names_another_workspace_is_a_recorded_denial(
    http: httpx.Client, writes: Writes, other_workspace: TenantRef
) -> None:
    answer = http.post("/runtime/intents", json={"intent_id": "i", "scope": other_workspace.slug})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_mismatch")
    assert writes.new_rows() == {}
    assert writes.new_types() == {"access.denied": 1}


def test_a_key_never_sees_another_workspaces_rows(http: httpx.Client, connect: Connect, other_api_key: str) -> None:
    theirs = connect(other_api_key)
    made = http.post("/runtime/intents", json={"intent_id": "mine"}).json()
    account = http.post("/accounts", json={"customer": "c", "currency": "USD", "account_type": "operating"}).json()
    posting = http.post("/ledger-entries", json=ENTRY).json()

    assert theirs.get("/runtime/intents/mine").status_code == 404
    assert theirs.get(f"/accounts/{account['id']}").status_code == 404
    assert theirs.get(f"/ledger-entries/{posting['id']}").status_code == 404
    assert theirs.get("/audit-packets/mine").status_code == 404
    assert theirs.get("/runtime/intents").json()["data"] == []
    assert theirs.post("/ledger-entries", json=ENTRY | {"credit": account["id"]}).json()["code"] == "unknown_account"
    # The same words are another intent there.
    assert theirs.post("/runtime/intents", json={"intent_id": "mine"}).json()["id"] != made["id"]


def test_a_cursor_of_another_workspace_is_bad(http: httpx.Client, connect: Connect, other_api_key: str) -> None:
    cursor = http.get("/accounts?limit=1").json()["next_cursor"]

    assert http.get(f"/accounts?limit=1&cursor={cursor}").status_code == 200
    assert connect(other_api_key).get(f"/accounts?cursor={cursor}").json()["code"] == "bad_cursor"


def test_the_refusal_itself_is_refused_before_the_body_is_looked_at(
    connect: Connect, workspace: TenantRef, writes: Writes
) -> None:
    key = issue_key(workspace=workspace, name="reader", now=clock.now(), scopes=frozenset())

    answer = connect(key.token).post("/ledger-entries", content=b"not json at all")

    assert answer.json()["code"] == "permission_denied"
