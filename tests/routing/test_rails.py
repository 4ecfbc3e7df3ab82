"""Connecting rails: the public directory, the secrets, the changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from tests.routing.conftest import NOW
from tests.routing.processes import SECRET
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.errors import RailUnknown
from zentra.routing.operations import RailExists, change_rail, connect_rail, connect_sandbox_rails
from zentra.routing.providers.adapters import ProviderUnknown, adapter_for
from zentra.routing.providers.sandbox import SandboxRail
from zentra.routing.types import CorridorRef, RailRecord, RouteDecisionRecord

Rails = dict[str, RailRecord]
Choose = Callable[..., RouteDecisionRecord]


def test_a_connection_is_found_in_the_public_directory_without_a_workspace(workspace: TenantRef, rails: Rails) -> None:
    found = queries.find_connection(rail_id=rails["north"].id)

    assert found is not None
    assert (found.workspace_id, found.rail) == (workspace.id, "north")


@pytest.mark.parametrize(
    "rail_id", ["rail_01jzzzzzzzzzzzzzzzzzzzzzzz", "", "rail_", "rail_a", "acct_01jd8z3k5m7n9p1q3r5s7t9v1w", "x" * 5000]
)
def test_an_unknown_or_malformed_connection_is_nobodys(database: None, rail_id: str) -> None:
    assert queries.find_connection(rail_id=rail_id) is None


def test_a_rail_is_found_by_name_and_by_id_in_its_own_workspace_only(
    workspace: TenantRef, other_workspace: TenantRef, rails: Rails
) -> None:
    with tenant_work(workspace):
        assert queries.find_rail(rail="north") == queries.find_rail(rail=rails["north"].id) == rails["north"]
        assert rails["north"].base_url == "http://north.test"
    with tenant_work(other_workspace):
        for words in ("north", rails["north"].id):
            with pytest.raises(RailUnknown):
                queries.find_rail(rail=words)
        assert queries.callback_secrets(rail_id=rails["north"].id) == []


def test_a_secret_is_encrypted_at_rest_and_read_back(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        assert queries.callback_secrets(rail_id=rails["north"].id) == [SECRET]
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret_encrypted FROM routing_rail_secret")
            stored = [bytes(row[0]) for row in cursor.fetchall()]

    assert all(SECRET.encode() not in content for content in stored)


def test_a_name_is_connected_once(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace), pytest.raises(RailExists):
        connect_rail(ws=workspace, name="north", base_url="http://x.test", secret=SECRET, now=NOW)


def test_a_rail_can_be_moved_and_given_a_fault(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        moved = change_rail(rail_id=rails["north"].id, base_url="http://new.test/", default_scenario="decline")
        healed = change_rail(rail_id=rails["north"].id, default_scenario="clean")
        with pytest.raises(RailUnknown):
            change_rail(rail_id=new_id("rail"), base_url="http://new.test/")

    assert (moved.base_url, moved.default_scenario) == ("http://new.test", "decline")
    assert (healed.base_url, healed.default_scenario) == ("http://new.test", None)


def test_the_sandbox_rails_are_connected_once_and_follow_a_new_address(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        first = connect_sandbox_rails(ws=workspace, sandbox_url="http://127.0.0.1:1", now=NOW)
        again = connect_sandbox_rails(ws=workspace, sandbox_url="http://127.0.0.1:2/", now=NOW)
        registrations = queries.list_registrations(callback_base_url="http://localhost:8000/")

    assert [rail.id for rail in first] == [rail.id for rail in again]
    assert [rail.base_url for rail in again] == ["http://127.0.0.1:2/rail_a", "http://127.0.0.1:2/rail_b"]
    assert [r.callback_url for r in registrations] == [
        f"http://localhost:8000/v1/providers/{rail.id}/callbacks" for rail in again
    ]
    assert len({r.secret for r in registrations}) == 2


def test_the_sandbox_rails_take_every_corridor(workspace: TenantRef, choose: Choose) -> None:
    with tenant_work(workspace):
        connect_sandbox_rails(ws=workspace, sandbox_url="http://127.0.0.1:1", now=NOW)

        assert choose("intent_1", corridor=CorridorRef(), currency="BHD").rail == "rail_a"
        assert choose("intent_2", corridor=CorridorRef("US", "GB", "instant"), exclude=["rail_a"]).rail == "rail_b"


def test_an_adapter_is_kept_per_address(workspace: TenantRef, rails: Rails) -> None:
    adapter = adapter_for(rail=rails["north"])

    assert isinstance(adapter, SandboxRail)
    assert adapter_for(rail=rails["north"]) is adapter


def test_a_provider_without_adapter_is_refused(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        rail = connect_rail(
            ws=workspace, name="west", base_url="http://x.test", secret=SECRET, now=NOW, provider="telegraph"
        )

    with pytest.raises(ProviderUnknown):
        adapter_for(rail=rail)
