"""The room of API keys and clients: who sees it, who acts in it, and that a secret is shown once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.people import Person, join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.services.operations.keys import issue_key, revoke_key
from zentra.tenants.services.queries.clients import list_clients
from zentra.tenants.services.queries.keys import find_key, list_keys
from zentra.tenants.services.types import IssuedKey

TOKEN = re.compile(r"z[ks]_test_[0-9a-z]{26}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def developer(workspace: TenantRef) -> Person:
    return join(workspace, role="developer", totp=True)


@pytest.fixture
def room(developer: Person) -> Client:
    """A developer's browser, stepped up."""
    return developer.sign_in_with_code(Client())


def page(client: Client, workspace: TenantRef, path: str = "") -> str:
    answer = client.get(f"/w/{workspace.slug}/keys/{path}")
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


def send(client: Client, workspace: TenantRef, path: str, **fields: Any) -> Any:
    body = {"idempotency_key": str(uuid.uuid4())} | fields
    return client.post(f"/w/{workspace.slug}/keys/{path}", body)


def issue(client: Client, workspace: TenantRef, **fields: Any) -> Any:
    said = {"name": "billing", "scopes": ["accounts.read"], "channel": "server", "expires": "90"}
    return send(client, workspace, "issue/", **said | fields)


def a_key(person: Person, **how: Any) -> IssuedKey:
    with tenant_work(person.workspace):
        return issue_key(
            workspace=person.workspace, name="orders", scopes={"accounts.read"}, issuer=person.member,
            now=clock.now(), **how,
        )  # fmt: skip


def test_a_key_is_issued_and_its_token_shown_once(room: Client, workspace: TenantRef, developer: Person) -> None:
    key = str(uuid.uuid4())
    answer = issue(room, workspace, networks="192.0.2.0/24\n2001:db8::/32", idempotency_key=key)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    [token] = set(TOKEN.findall(answer.content.decode()))
    [record] = list_keys(workspace_id=workspace.id, now=clock.now())
    assert record.prefix == token[:-44]
    assert record.allowed_networks == ("192.0.2.0/24", "2001:db8::/32")
    assert timedelta(days=89) < (record.expires_at or clock.now()) - clock.now() < timedelta(days=91)
    # Sent twice it is one key, and its token is not shown again, here or anywhere.
    again = issue(room, workspace, networks="192.0.2.0/24\n2001:db8::/32", idempotency_key=key)
    assert again.status_code == 302
    for path in ("", f"{record.id}/", "?ended=yes"):
        assert TOKEN.findall(page(room, workspace, path)) == []
    shown = page(room, workspace, f"{record.id}/")
    for said in ("billing", developer.member.name, "192.0.2.0/24", "never", "Rotate the key", "Revoke the key"):
        assert said in shown


def test_a_rotated_key_is_shown_beside_the_one_that_took_its_place(
    room: Client, workspace: TenantRef, developer: Person
) -> None:
    old = a_key(developer)

    answer = send(room, workspace, f"{old.id}/rotate/", overlap="24")

    assert "the old one ends in a day" in unescape(answer.content.decode())
    assert len(TOKEN.findall(answer.content.decode())) >= 1
    shown = page(room, workspace)
    assert "another took its place" in shown
    assert "took the place of another" in shown
    assert "ending" in shown
    assert "in 23 h" in shown
    assert "Both keys work until the old one ends" in page(room, workspace, f"{old.id}/")
    assert "Rotate the key" not in page(room, workspace, f"{old.id}/")
    assert send(room, workspace, f"{old.id}/rotate/", overlap="24").status_code == 302
    assert len(list_keys(workspace_id=workspace.id, now=clock.now())) == 2
    assert send(room, workspace, f"{old.id}/rotate/", overlap="9999").status_code == 302
    assert len(list_keys(workspace_id=workspace.id, now=clock.now())) == 2


def test_a_key_is_revoked_and_leaves_the_list(room: Client, workspace: TenantRef, developer: Person) -> None:
    key = a_key(developer)

    send(room, workspace, f"{key.id}/revoke/")

    assert "orders" not in page(room, workspace)
    assert "revoked" in page(room, workspace, "?ended=yes")
    found = find_key(workspace_id=workspace.id, key_id=key.id)
    assert found is not None
    assert found.revoked_by == developer.id
    assert "The key is revoked" not in page(room, workspace, f"{key.id}/")


def test_who_lacks_keys_manage_looks_and_who_lacks_keys_read_does_not(
    workspace: TenantRef, developer: Person, auditor: Person, operator: Person
) -> None:
    key = a_key(developer)
    looking, shut = auditor.sign_in(Client()), operator.sign_in(Client())
    shown = page(looking, workspace)
    assert "orders" in shown
    assert "Issue a key" not in shown
    assert "Revoke" not in page(looking, workspace, f"{key.id}/")
    assert shut.get(f"/w/{workspace.slug}/keys/").status_code in (302, 403)
    for path in ("issue/", f"{key.id}/rotate/", f"{key.id}/revoke/", "clients/create/"):
        assert send(looking, workspace, path).status_code == 403
    assert [each.revoked_at for each in list_keys(workspace_id=workspace.id, now=clock.now())] == [None]


def test_acting_takes_a_fresh_second_factor(workspace: TenantRef, developer: Person) -> None:
    client = developer.sign_in(Client())
    answer = issue(client, workspace)

    assert "Confirm" in answer.content.decode() or answer.status_code in (302, 403)
    assert list_keys(workspace_id=workspace.id, now=clock.now()) == []
    kept = issue(client, workspace, step_up_code=developer.totp_code())
    assert TOKEN.search(kept.content.decode())


def test_a_form_that_asks_for_too_much_changes_nothing(room: Client, workspace: TenantRef) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"scopes": ["accounts.freeze"]},
        {"scopes": ["reviews.decide"]},
        {"scopes": []},
        {"networks": "nonsense"},
        {"expires": "9999"},
        {"channel": "pigeon"},
        {"name": ""},
    )
    for fields in wrong:
        assert issue(room, workspace, **fields).status_code == 302, fields
    assert list_keys(workspace_id=workspace.id, now=clock.now(), with_ended=True) == []
    shown = page(room, workspace)
    assert 'value="accounts.freeze" disabled' in shown


def test_another_workspaces_key_and_client_are_not_there(room: Client, workspace: TenantRef, outsider: Person) -> None:
    key = a_key(outsider)
    for path in (f"{key.id}/", "key_nonsense/", "clients/cli_nonsense/"):
        assert room.get(f"/w/{workspace.slug}/keys/{path}").status_code == 404
    send(room, workspace, f"{key.id}/revoke/")
    send(room, workspace, f"{key.id}/rotate/", overlap="1")
    found = find_key(workspace_id=outsider.workspace.id, key_id=key.id)
    assert found is not None
    assert (found.revoked_at, found.replaced_by) == (None, None)


def test_a_client_is_made_changed_and_ended_from_its_page(room: Client, workspace: TenantRef) -> None:
    said = {"name": "billing", "scopes": ["accounts.read"], "channel": "partner", "token_seconds": "300"}
    answer = send(room, workspace, "clients/create/", **said)
    [secret] = set(TOKEN.findall(answer.content.decode()))
    [client] = list_clients(workspace_id=workspace.id, now=clock.now())
    assert (client.channel, client.token_seconds) == ("partner", 300)
    here = f"clients/{client.id}/"
    assert client.id in answer.content.decode()
    assert secret not in page(room, workspace, here)

    send(room, workspace, f"{here}change/", **said | {"scopes": ["intents.read"], "version": "1"})
    another = send(room, workspace, f"{here}secrets/add/", overlap="24")
    assert TOKEN.search(another.content.decode())
    send(room, workspace, f"{here}certificates/add/", certificate="dns:billing.example.com")
    client = list_clients(workspace_id=workspace.id, now=clock.now())[0]
    assert client.scopes == ("intents.read",)
    assert len(client.secrets) == 2
    shown = page(room, workspace, here)
    assert "dns:billing.example.com" in shown
    assert "secret and certificate" in page(room, workspace, "clients/")
    send(room, workspace, f"{here}secrets/{client.secrets[0].id}/end/")
    send(room, workspace, f"{here}certificates/{client.certificates[0].id}/end/")
    client = list_clients(workspace_id=workspace.id, now=clock.now())[0]
    assert (len(client.secrets), client.certificates) == (1, ())

    send(room, workspace, f"{here}revoke/")
    assert list_clients(workspace_id=workspace.id, now=clock.now()) == []
    assert "revoked" in page(room, workspace, "clients/?ended=yes")


def test_a_client_without_a_secret_leads_to_its_page(room: Client, workspace: TenantRef) -> None:
    answer = send(
        room, workspace, "clients/create/", name="mtls", scopes=["accounts.read"], by_certificate="on",
        requires_certificate="on",
    )  # fmt: skip
    [client] = list_clients(workspace_id=workspace.id, now=clock.now())
    assert answer["Location"].endswith(f"/clients/{client.id}/")
    assert (client.secrets, client.requires_certificate) == ((), True)
    assert "nothing to prove itself by" in page(room, workspace, "clients/")


def test_what_a_key_was_refused_stands_on_its_page(room: Client, workspace: TenantRef, developer: Person) -> None:
    key = a_key(developer)
    revoke_key(key_id=key.id, now=clock.now())
    refused = Client().get("/v1/accounts", headers={"Authorization": f"Bearer {key.token}"})
    assert refused.status_code == 401

    shown = page(room, workspace, f"{key.id}/")

    assert "GET /v1/accounts" in shown
    assert "credential_revoked" in shown
