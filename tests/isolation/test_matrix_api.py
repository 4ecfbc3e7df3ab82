"""Every operation of the API × every kind of credential × own and foreign workspace, over HTTP.

Whoever is let in may well be told that an id is nobody's or a body is wrong: only a denial is being refused, and each
one is recorded. Refusals come first and are compared row by row; then the doors that open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from evidence.queries import list_events
from tests.isolation.credentials import Mint, client, home_of, key
from tests.isolation.doors import API_OPERATIONS, Operation
from tests.isolation.rows import changed, fingerprints
from tests.people import join
from zentra.api.auth import DENIALS
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import ApiClient
from zentra.tenants.permissions import API_SCOPES, END_USER_SCOPES, PLATFORM_SCOPES
from zentra.tenants.queries import platform_ref

Grounds = tuple[TenantRef, TenantRef]
DENIED = {code for error in DENIALS if (code := getattr(error, "code", ""))} | {"credential_missing"}
SCOPES = sorted({str(operation.permission) for operation in API_OPERATIONS})


@dataclass(frozen=True)
class Answer:
    status: int
    code: str

    @property
    def is_denied(self) -> bool:
        return self.code in DENIED


def ask(http: Client, operation: Operation, token: str = "", **headers: str) -> Answer:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = b"" if operation.method in ("GET", "DELETE") else b"{}"
    answer = http.generic(operation.method, operation.url(), body, content_type="application/json", headers=headers)
    if answer.streaming or answer.status_code < 400:
        return Answer(answer.status_code, "")
    return Answer(answer.status_code, json.loads(answer.content)["code"])


def recorded(ws: TenantRef, actor: str) -> list[tuple[str, str, str]]:
    """Action, reason and side of what was recorded of a credential, oldest first."""
    with tenant_work(ws):
        found, _ = list_events(types=["access.denied"], text=actor, limit=5000)
    said: list[dict[str, Any]] = [json.loads(event.body) for event in reversed(found)]
    return [(e["data"]["action"], e["data"]["reason"], e["data"]["side"]) for e in said if e["actor"]["id"] == actor]


def action_of(operation: Operation) -> str:
    return f"{operation.method} /v1{operation.route}".replace("{", "<").replace("}", ">")


@pytest.fixture(scope="module")
def mint(grounds: Grounds) -> Iterator[Mint]:
    made = Mint()
    yield made
    made.end()


@dataclass(frozen=True)
class Narrow:
    """For one scope: a key and a client with it alone, and with every other one."""

    only: tuple[str, str]
    others: tuple[str, str]


@pytest.fixture(scope="module")
def narrow(grounds: Grounds) -> dict[str, Narrow]:
    ours, found = grounds[0], dict[str, Narrow]()
    for scope in SCOPES:
        home = home_of(ours, scope)
        every = PLATFORM_SCOPES if scope in PLATFORM_SCOPES else API_SCOPES
        found[scope] = Narrow(only=key(home, {scope}), others=key(home, set(map(str, every)) - {scope}))
    return found


def test_there_are_operations_and_scopes() -> None:
    assert len(API_OPERATIONS) > 120
    assert len(SCOPES) > 25
    assert {operation.end_user for operation in API_OPERATIONS} <= {True, False}


def test_whoever_shows_nothing_or_a_session_is_not_let_in(unbounded: None, grounds: Grounds) -> None:
    before, wrong = fingerprints(grounds), []
    session = join(grounds[0], role="admin").sign_in(Client())
    before = fingerprints(grounds)
    for operation in API_OPERATIONS:
        for name, http in (("nothing", Client()), ("session", session)):
            answer = ask(http, operation)
            if (answer.status, answer.code) != (401, "credential_missing"):
                wrong.append((name, operation.name, answer))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []


def test_a_key_with_every_scope_but_the_one_needed_is_refused_and_recorded(
    unbounded: None, grounds: Grounds, narrow: dict[str, Narrow]
) -> None:
    before, wrong, http = fingerprints(grounds), list[tuple[object, ...]](), Client()
    expected: dict[str, list[tuple[str, str, str]]] = {scope: [] for scope in SCOPES}
    for operation in API_OPERATIONS:
        scope = str(operation.permission)
        answer = ask(http, operation, narrow[scope].others[1])
        expected[scope].append((action_of(operation), "permission_denied", "target"))
        if (answer.status, answer.code) != (403, "permission_denied"):
            wrong.append((operation.name, answer))
    for scope, due in expected.items():
        if recorded(home_of(grounds[0], scope), narrow[scope].others[0]) != due:
            wrong.append((scope, "recorded", len(due)))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []


def test_a_key_of_another_workspace_that_names_ours_is_refused_and_recorded_in_both(
    unbounded: None, grounds: Grounds
) -> None:
    ours, theirs = grounds
    key_id, token = key(theirs, API_SCOPES)
    platform_id, platform_token = key(platform_ref(), PLATFORM_SCOPES)
    before, wrong, http, count = fingerprints(grounds), [], Client(), 0
    for operation in API_OPERATIONS:
        is_platform_s = operation.permission in PLATFORM_SCOPES
        count += not is_platform_s
        shown = platform_token if is_platform_s else token
        answer = ask(http, operation, shown, **{"Zentra-Workspace": ours.slug})
        if (answer.status, answer.code) != (403, "scope_mismatch"):
            wrong.append((operation.name, answer))
    assert wrong == []
    assert {each[1:] for each in recorded(ours, key_id)} == {("scope_mismatch", "target")}
    assert [each[0] for each in recorded(ours, key_id)] == [each[0] for each in recorded(theirs, key_id)]
    assert len(recorded(theirs, key_id)) == count
    assert {each[1:] for each in recorded(platform_ref(), platform_id)} <= {("scope_mismatch", "actor")}
    assert changed(before, fingerprints(grounds)) == []


def test_a_key_of_the_platform_opens_nothing_of_a_tenant(unbounded: None, grounds: Grounds) -> None:
    _, token = key(platform_ref(), PLATFORM_SCOPES)
    before, http = fingerprints(grounds), Client()
    tenant_s = [each for each in API_OPERATIONS if each.permission not in PLATFORM_SCOPES]

    assert [each.name for each in tenant_s if ask(http, each, token).code != "permission_denied"] == []
    assert changed(before, fingerprints(grounds)) == []


def test_a_client_s_token_is_refused_for_what_it_or_its_client_lacks(
    unbounded: None, grounds: Grounds, mint: Mint
) -> None:
    ours, wrong, http = grounds[0], [], Client()
    wide = client(ours, API_SCOPES)
    tenant_s = [each for each in API_OPERATIONS if each.permission not in PLATFORM_SCOPES]
    every = {str(each) for each in API_SCOPES}
    lacking = {scope: mint.access(ours, wide, every - {scope}) for scope in SCOPES}
    before = fingerprints(grounds)
    for operation in tenant_s:
        answer = ask(http, operation, lacking[str(operation.permission)])
        if (answer.status, answer.code) != (403, "permission_denied"):
            wrong.append((operation.name, answer))
    assert wrong == []
    assert [each[0] for each in recorded(ours, wide)] == [action_of(each) for each in tenant_s]
    assert changed(before, fingerprints(grounds)) == []

    # A token that says more than its client has by now opens nothing with it.
    ApiClient.objects.filter(id=wide).update(scopes=["accounts.read"])
    boastful = mint.access(ours, wide, every)
    others = [each for each in tenant_s if each.permission != "accounts.read"]
    assert [each.name for each in others if ask(http, each, boastful).code != "permission_denied"] == []


def test_an_end_user_s_token_opens_what_is_made_for_it_and_nothing_else(
    unbounded: None, grounds: Grounds, mint: Mint
) -> None:
    ours, http = grounds[0], Client()
    holder, _ = key(ours, API_SCOPES)
    every = mint.end_user(ours, holder, API_SCOPES)
    before, wrong = fingerprints(grounds), []
    for operation in API_OPERATIONS:
        if operation.end_user and operation.permission in END_USER_SCOPES:
            continue
        answer = ask(http, operation, every)
        if (answer.status, answer.code) != (403, "permission_denied"):
            wrong.append((operation.name, answer))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []

    opened = [each for each in API_OPERATIONS if each.end_user and each.permission in END_USER_SCOPES]
    none = mint.end_user(ours, holder, ())
    assert [each.name for each in opened if ask(http, each, none).code != "permission_denied"] == []
    assert [each.name for each in opened if ask(http, each, every).is_denied] == []


def test_a_key_or_a_client_with_only_the_one_needed_is_let_in(
    unbounded: None, grounds: Grounds, narrow: dict[str, Narrow], mint: Mint
) -> None:
    ours, wrong, http = grounds[0], [], Client()
    wide = client(ours, API_SCOPES)
    for operation in API_OPERATIONS:
        scope = str(operation.permission)
        shown = {"key": narrow[scope].only[1]}
        if scope not in PLATFORM_SCOPES:
            shown["client"] = mint.access(ours, wide, {scope})
        for name, token in shown.items():
            answer = ask(http, operation, token)
            if answer.is_denied or answer.status >= 500:
                wrong.append((name, operation.name, answer))
    assert wrong == []
    let_in = [*(narrow[scope].only[0] for scope in SCOPES), wide]
    assert [each for each in let_in if any(reason != "guessing" for _, reason, _ in recorded(ours, each))] == []
