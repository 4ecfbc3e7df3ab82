"""Keys and clients of somebody who leaves, or may do less: what goes beyond them ends in the same act."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.queries import latest_events
from tests.api.oauth import make_client
from tests.people import Person, join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.members.operations import remove_member, set_roles
from zentra.tenants.services.operations.keys import issue_key
from zentra.tenants.services.queries.clients import find_client
from zentra.tenants.services.queries.keys import count_ended_at, find_key


@pytest.fixture
def admin(workspace: TenantRef) -> Person:
    return join(workspace, role="admin")


@pytest.fixture
def ann(workspace: TenantRef) -> Person:
    return join(workspace, role="developer")


def a_key(person: Person, *scopes: str) -> str:
    with tenant_work(person.workspace):
        return issue_key(
            workspace=person.workspace, name="n", scopes=set(scopes), issuer=person.member, now=clock.now()
        ).id


def is_alive(workspace: TenantRef, credential: str) -> bool:
    if credential.startswith("cli_"):
        client = find_client(client_id=credential, now=clock.now())
        assert client is not None
        return client.revoked_at is None
    key = find_key(workspace_id=workspace.id, key_id=credential)
    assert key is not None
    return key.revoked_at is None


def ended(workspace: TenantRef) -> list[dict[str, Any]]:
    with tenant_work(workspace):
        found = [json.loads(each.body) for each in latest_events(limit=30)]
    return [each for each in found if each["type"] in ("key.revoked", "client.revoked")]


def test_what_goes_beyond_a_narrower_role_ends_and_the_rest_stays(
    workspace: TenantRef, admin: Person, ann: Person
) -> None:
    writes, reads = a_key(ann, "webhooks.manage", "accounts.read"), a_key(ann, "accounts.read")
    sends = make_client(workspace, person=ann, scopes={"webhooks.manage"}).client_id
    looks = make_client(workspace, person=ann, scopes={"accounts.read"}).client_id
    of_another = a_key(join(workspace, role="developer"), "webhooks.manage")
    at = clock.now()

    with tenant_work(workspace):
        set_roles(workspace=workspace, user_id=ann.id, roles=["viewer"], version=None, actor=admin.actor(), now=at)

    alive = {each for each in (writes, reads, sends, looks, of_another) if is_alive(workspace, each)}
    assert alive == {reads, looks, of_another}
    told = ended(workspace)
    assert {each["data"].get("key_id") or each["data"]["client_id"] for each in told} == {writes, sends}
    assert {(each["actor"]["id"], each["data"]["reason"]) for each in told} == {(admin.id, "asked")}
    assert count_ended_at(workspace_id=workspace.id, user_id=ann.id, at=at) == 2


def test_all_of_a_person_end_when_they_leave_and_all_stay_when_they_gain(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person, ann: Person
) -> None:
    mine = [a_key(ann, "accounts.read"), make_client(workspace, person=ann).client_id]
    with tenant_work(workspace):
        set_roles(
            workspace=workspace, user_id=ann.id, roles=["developer", "viewer"], version=None, actor=admin.actor(),
            now=clock.now(),
        )  # fmt: skip
    assert [is_alive(workspace, each) for each in mine] == [True, True]
    by_command = issue_key(workspace=workspace, name="n", now=clock.now()).id

    at = clock.now()
    with tenant_work(workspace):
        remove_member(workspace=workspace, user_id=ann.id, version=None, actor=admin.actor(), now=at)

    assert [is_alive(workspace, each) for each in (*mine, by_command)] == [False, False, True]
    assert count_ended_at(workspace_id=workspace.id, user_id=ann.id, at=at) == 2
    assert count_ended_at(workspace_id=other_workspace.id, user_id=ann.id, at=at) == 0
