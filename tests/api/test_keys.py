"""Keys at a door: from which network, until when, how long ago, and at which cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from tests.api.ledger_of_writes import Writes
from zentra.api.auth.bearer import prove
from zentra.core import clock
from zentra.core.addresses import client_address
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import ApiCredential, Workspace
from zentra.tenants.services.operations.keys import issue_key
from zentra.tenants.services.queries.keys import find_key
from zentra.tenants.services.usage import LAST_USES

Connect = Callable[..., httpx.Client]
READS = frozenset({"accounts.read"})


def a_key(workspace: TenantRef, **how: Any) -> str:
    return issue_key(workspace=workspace, name="n", scopes=READS, now=clock.now(), **how).token


def test_a_key_works_from_its_networks_only(connect: Connect, workspace: TenantRef, writes: Writes) -> None:
    inside, outside = a_key(workspace, allowed_networks=["127.0.0.1"]), a_key(workspace, allowed_networks=["::1"])

    assert connect(inside).get("/accounts").status_code == 200
    refused = connect(outside).get("/accounts")
    # What a client says of itself changes nothing, unless a proxy of ours stands in front.
    lied = connect(outside, X_Forwarded_For="::1").get("/accounts")

    assert [(each.status_code, each.json()["code"]) for each in (refused, lied)] == [(403, "network_refused")] * 2
    assert writes.new_types() == {"access.denied": 2}
    assert "127.0.0.1" not in str(writes.new_events())


def test_behind_our_proxy_the_address_is_what_the_proxy_appended(settings: Any) -> None:
    def address(**headers: str) -> str:
        return client_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", headers=headers))

    lie = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    assert address(**lie) == "10.0.0.9"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert address(**lie) == "198.51.100.7"
    assert address() == "10.0.0.9"
    assert address(**{"X-Forwarded-For": "nonsense"}) == ""
    assert address(**{"X-Forwarded-For": "::ffff:192.0.2.9"}) == "192.0.2.9"
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == ""


def test_the_last_use_is_kept_to_the_minute_and_off_the_way_of_the_call(connect: Connect, workspace: TenantRef) -> None:
    token = a_key(workspace)
    key_id = "key_" + token.split("_")[2]
    http, begun = connect(token), clock.now()

    http.get("/accounts")
    assert LAST_USES.wait_until_written()
    first = find_key(workspace_id=workspace.id, key_id=key_id)
    ApiCredential.objects.filter(id=key_id).update(last_used_at=None)
    http.get("/accounts")
    assert LAST_USES.wait_until_written()

    assert first is not None
    assert first.last_used_at is not None
    assert first.last_used_at >= begun - timedelta(seconds=1)
    assert first.last_used_from == "127.0.0.1"
    # Once a minute and process: the second call wrote nothing.
    second = find_key(workspace_id=workspace.id, key_id=key_id)
    assert second is not None
    assert second.last_used_at is None


def test_a_key_costs_one_statement_and_brings_all_that_the_edge_needs(workspace: TenantRef) -> None:
    token = a_key(workspace, channel="mobile", on_behalf_of="usr_" + "0" * 26)
    policies = {"read": {"key": [7, 9]}}
    Workspace.objects.filter(id=workspace.id).update(settings={"rate_policies": policies})
    request = RequestFactory().get("/v1/accounts", headers={"Authorization": f"Bearer {token}"})
    prove(request)

    with CaptureQueriesContext(connection) as asked:
        caller = prove(request)

    assert len(asked) == 1
    assert (caller.kind, caller.channel, caller.issued_by) == ("key", "mobile", "usr_" + "0" * 26)
    assert caller.rate_policies == policies
    assert caller.actor.maker == caller.issued_by
    assert "responsible" not in caller.actor.as_dict()


@pytest.mark.parametrize("state", ["suspended", "archived", "deleted"])
def test_a_key_ends_with_its_workspace(connect: Connect, workspace: TenantRef, state: str) -> None:
    http = connect(a_key(workspace))
    Workspace.objects.filter(id=workspace.id).update(state=state)

    answer = http.get("/accounts")

    assert (answer.status_code, answer.json()["code"]) == (403, "workspace_suspended")
