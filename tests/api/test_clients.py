"""OAuth client credentials over real HTTP: how a client proves itself, what it gets, and how it is refused."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import RequestFactory

from tests.api.ledger_of_writes import Writes
from tests.api.oauth import READS, ask_token, claims_of, forge, get_token, make_client
from tests.people import Person, join
from zentra.api.auth.bearer import prove
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import ApiClient, Workspace
from zentra.tenants.roles.queries import people_behind
from zentra.tenants.services.operations import clients as operations
from zentra.tenants.services.queries.clients import find_client, list_clients
from zentra.tenants.services.types import IssuedSecret

Connect = Callable[..., httpx.Client]


@pytest.fixture
def person(workspace: TenantRef) -> Person:
    return join(workspace, role="developer")


@pytest.fixture
def client(workspace: TenantRef, person: Person) -> IssuedSecret:
    return make_client(workspace, person=person)


@pytest.fixture
def nobody(connect: Connect) -> httpx.Client:
    return connect(None)


def test_a_client_gets_a_short_token_and_works_with_it(
    nobody: httpx.Client, client: IssuedSecret, connect: Connect, workspace: TenantRef, person: Person
) -> None:
    answer = ask_token(nobody, client)

    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    said = answer.json()
    assert {name: said[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer", "expires_in": 600, "scope": "accounts.read intents.read",
    }  # fmt: skip
    claims = claims_of(said["access_token"])
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["sub"], claims["client_id"], claims["channel"]) == (client.client_id, client.client_id, "server")
    assert claims["aud"] == f"{claims['iss']}/v1"
    bearer = connect(said["access_token"])
    assert bearer.get("/accounts").status_code == 200
    assert bearer.post("/accounts", json={}).json()["code"] == "permission_denied"


def test_basic_narrower_scopes_and_the_resource_are_understood(nobody: httpx.Client, client: IssuedSecret) -> None:
    form = {"grant_type": "client_credentials", "scope": "accounts.read"}
    answer = nobody.post("/oauth/token", data=form, auth=(client.client_id, client.secret))
    assert answer.json()["scope"] == "accounts.read"

    aud = claims_of(answer.json()["access_token"])["aud"]
    assert ask_token(nobody, client, resource=aud).status_code == 200
    assert ask_token(nobody, client, resource="https://elsewhere.example").json()["error"] == "invalid_target"
    assert ask_token(nobody, client, scope="accounts.read ledger.post").json()["error"] == "invalid_scope"


def test_every_wrong_proof_gets_the_same_answer_and_is_recorded(
    nobody: httpx.Client, client: IssuedSecret, workspace: TenantRef, other_workspace: TenantRef,
    platform_writes: Writes,
) -> None:  # fmt: skip
    other = make_client(other_workspace)
    wrong = client.secret[:-43] + "x" * 43
    answers = [
        ask_token(nobody, client, client_secret=secret, client_id=client_id)
        for client_id, secret in (
            (client.client_id, wrong),
            (client.client_id, other.secret),
            (client.client_id, client.secret.replace("zs_test", "zs_live")),
            (client.client_id, client.secret.replace("zs_", "zk_")),
            (client.client_id, "short"),
            (other.client_id, client.secret),
            ("cli_" + "0" * 26, client.secret),
            ("nonsense", client.secret),
        )
    ]
    answers.append(nobody.post("/oauth/token", headers={"Authorization": "Basic !!!"}, data={"grant_type": "x"}))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["error"] == "invalid_client"
    assert answers[0].headers["www-authenticate"].startswith("Basic")
    events = platform_writes.new_events()
    assert platform_writes.new_types() == {"access.denied": len(answers)}
    assert client.secret[-43:] not in str(events)


def test_a_malformed_request_is_told_so_as_the_rfc_says(nobody: httpx.Client, client: IssuedSecret) -> None:
    def error(answer: httpx.Response) -> tuple[int, str]:
        assert answer.headers["content-type"].startswith("application/json")
        return answer.status_code, answer.json()["error"]

    post = nobody.post
    form = {"client_id": client.client_id, "client_secret": client.secret}
    assert error(ask_token(nobody, client, grant_type="password")) == (400, "unsupported_grant_type")
    assert error(post("/oauth/token", data=form)) == (400, "invalid_request")
    assert error(post("/oauth/token", json=form)) == (400, "invalid_request")
    assert error(post("/oauth/token", data=form, auth=("a", "b"))) == (400, "invalid_request")
    assert error(post("/oauth/token", data={"client_id": "x"}, auth=("a", "b"))) == (400, "invalid_request")
    twice = f"grant_type=client_credentials&client_id={client.client_id}&client_id={client.client_id}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert error(post("/oauth/token", content=twice, headers=headers)) == (400, "invalid_request")
    assert error(post("/oauth/token", content="a=%ff%fe", headers=headers)) == (400, "invalid_request")
    assert error(post("/oauth/token", content="a=%00", headers=headers)) == (400, "invalid_request")
    assert error(post("/oauth/token", content="&".join(f"f{n}=1" for n in range(50)), headers=headers))[0] == 400
    assert error(post("/oauth/token", data={"grant_type": "client_credentials"})) == (401, "invalid_client")
    assert nobody.get("/oauth/token").status_code == 405


def test_what_ended_gets_no_token_and_its_tokens_end_at_once(
    nobody: httpx.Client, client: IssuedSecret, connect: Connect, workspace: TenantRef, person: Person, writes: Writes
) -> None:
    bearer = connect(get_token(nobody, client))
    with tenant_work(workspace):
        assert operations.revoke_client(
            workspace=workspace, client_id=client.client_id, actor=person.actor(), now=clock.now()
        )
        assert not operations.revoke_client(
            workspace=workspace, client_id=client.client_id, actor=person.actor(), now=clock.now()
        )

    assert ask_token(nobody, client).json()["error"] == "invalid_client"
    assert bearer.get("/accounts").json()["code"] == "credential_revoked"
    assert writes.new_types() == {"client.revoked": 1, "access.denied": 2}


def test_a_scope_that_is_taken_away_is_gone_from_tokens_that_are_out(
    nobody: httpx.Client, client: IssuedSecret, connect: Connect, workspace: TenantRef, person: Person
) -> None:
    bearer = connect(get_token(nobody, client))
    how: dict[str, Any] = {
        "allowed_networks": [],
        "token_seconds": 300,
        "requires_certificate": False,
        "now": clock.now(),
    }
    with tenant_work(workspace):
        operations.change_client(
            workspace=workspace, client_id=client.client_id, version=1, scopes={"intents.read"}, issuer=person.member,
            **how,
        )  # fmt: skip
    assert bearer.get("/accounts").json()["code"] == "permission_denied"
    assert bearer.get("/runtime/intents").status_code == 200

    with tenant_work(workspace), pytest.raises(DomainError, match="Look at it again"):
        operations.change_client(
            workspace=workspace, client_id=client.client_id, version=1, scopes=READS, issuer=person.member, **how
        )


def test_two_secrets_work_while_one_takes_the_others_place(
    nobody: httpx.Client, client: IssuedSecret, workspace: TenantRef, person: Person
) -> None:
    def another(overlap: timedelta | None) -> IssuedSecret:
        with tenant_work(workspace):
            return operations.add_client_secret(
                workspace=workspace, client_id=client.client_id, overlap=overlap, issuer=person.member,
                now=clock.now(),
            )  # fmt: skip

    new = another(timedelta(hours=1))
    assert [ask_token(nobody, each).status_code for each in (client, new)] == [200, 200]
    with pytest.raises(DomainError, match="two secrets"):
        another(None)

    with tenant_work(workspace):
        record = find_client(client_id=client.client_id, now=clock.now())
        assert record is not None
        operations.end_client_secret(
            workspace=workspace, client_id=client.client_id, secret_id=record.secrets[0].id, actor=person.actor(),
            now=clock.now(),
        )  # fmt: skip
    assert [ask_token(nobody, each).status_code for each in (client, new)] == [401, 200]
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert ask_token(nobody, new).status_code == 200


def test_a_suspended_workspace_gives_no_token_and_takes_none(
    nobody: httpx.Client, client: IssuedSecret, connect: Connect, workspace: TenantRef
) -> None:
    bearer = connect(get_token(nobody, client))
    Workspace.objects.filter(id=workspace.id).update(state="suspended")
    try:
        assert ask_token(nobody, client).json()["error"] == "invalid_client"
        answer = bearer.get("/accounts")
        assert (answer.status_code, answer.json()["code"]) == (403, "workspace_suspended")
    finally:
        Workspace.objects.filter(id=workspace.id).update(state="active")


def test_a_client_works_from_its_networks_only(
    nobody: httpx.Client, workspace: TenantRef, person: Person, connect: Connect, writes: Writes
) -> None:
    inside = make_client(workspace, person=person, allowed_networks=["127.0.0.0/8"])
    bearer = connect(get_token(nobody, inside))
    assert bearer.get("/accounts").status_code == 200
    ApiClient.objects.filter(id=inside.client_id).update(allowed_networks=["192.0.2.0/24"])

    assert ask_token(nobody, inside).json()["error"] == "invalid_client"
    answer = bearer.get("/accounts")
    assert (answer.status_code, answer.json()["code"]) == (403, "network_refused")
    assert writes.new_types()["access.denied"] == 2


def test_what_a_client_may_be_given_is_what_its_maker_may_do(workspace: TenantRef, other_workspace: TenantRef) -> None:
    developer, viewer = join(workspace, role="developer"), join(workspace, role="viewer")
    for code, person, how in (
        ("scopes_beyond_issuer", developer, {"scopes": {"accounts.freeze"}}),
        ("invalid_scopes", developer, {"scopes": {"reviews.decide"}}),
        ("permission_denied", viewer, {}),
        ("invalid_token_lifetime", developer, {"token_seconds": 299}),
        ("invalid_token_lifetime", developer, {"token_seconds": 901}),
    ):
        with pytest.raises(DomainError) as refused:
            make_client(workspace, person=person, **how)
        assert refused.value.code == code
    assert list_clients(workspace_id=workspace.id, now=clock.now(), with_ended=True) == []
    mine = make_client(workspace, person=developer)
    with tenant_work(other_workspace), pytest.raises(DomainError, match="no such client"):
        operations.revoke_client(
            workspace=other_workspace, client_id=mine.client_id, actor=developer.actor(), now=clock.now()
        )


def test_basic_takes_what_the_rfc_encodes(nobody: httpx.Client, client: IssuedSecret) -> None:
    said = f"{client.client_id.replace('_', '%5F')}:{client.secret}".encode()
    header = "Basic " + base64.b64encode(said).decode()
    answer = nobody.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
    assert answer.status_code == 200


@pytest.mark.parametrize(("reason", "status"), [("asked", 200), ("leaked", 401)])
def test_a_secret_that_leaked_takes_every_token_with_it(
    nobody: httpx.Client, client: IssuedSecret, connect: Connect, workspace: TenantRef, person: Person, reason: str,
    status: int,
) -> None:  # fmt: skip
    bearer = connect(get_token(nobody, client))
    with tenant_work(workspace):
        record = find_client(client_id=client.client_id, now=clock.now())
        assert record is not None
        operations.end_client_secret(
            workspace=workspace, client_id=client.client_id, secret_id=record.secrets[0].id, actor=person.actor(),
            now=clock.now(), reason=reason,
        )  # fmt: skip
    assert bearer.get("/accounts").status_code == status


def test_who_made_the_secret_that_is_used_answers_for_what_is_done_with_it(
    nobody: httpx.Client, client: IssuedSecret, workspace: TenantRef, person: Person
) -> None:
    bob = join(workspace, role="developer")
    with tenant_work(workspace):
        his = operations.add_client_secret(
            workspace=workspace, client_id=client.client_id, overlap=None, issuer=bob.member, now=clock.now()
        )
        operations.change_client(
            workspace=workspace, client_id=client.client_id, version=1, scopes=READS, issuer=bob.member,
            allowed_networks=[], token_seconds=300, requires_certificate=False, now=clock.now(),
        )  # fmt: skip

    for secret, maker in ((client, person), (his, bob)):
        token = get_token(nobody, secret)
        caller = prove(RequestFactory().get("/v1/accounts", headers={"Authorization": f"Bearer {token}"}))
        assert caller.actor.id == client.client_id
        assert (caller.actor.maker, caller.issued_by, claims_of(token)["resp"]) == (maker.id,) * 3
    # What only names the client is both of theirs.
    assert people_behind(who=client.client_id, workspace_id=workspace.id) == {person.id, bob.id}
    # A token from before it was said: the client's maker.
    old = forge(get_token(nobody, his), resp=None)
    caller = prove(RequestFactory().get("/v1/accounts", headers={"Authorization": f"Bearer {old}"}))
    assert caller.actor.maker == person.id
