"""Bursts of denied access ring by actor and in all, after the workspace's own threshold."""

from __future__ import annotations

import pytest

from tests.alarms.test_watchers import change, see
from zentra.alarms.types import Sight
from zentra.alarms.watchers import kinds_of
from zentra.core import clock, ids
from zentra.core.actors import ANONYMOUS, Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.configuration.queries import forget_settings
from zentra.tenants.denials import budgets, record_denial
from zentra.tenants.queries import platform_ref


@pytest.fixture(autouse=True)
def begun_anew(database: None) -> None:
    budgets.forget()


def deny(ws: TenantRef, actor: Actor, times: int) -> None:
    for _ in range(times):
        record_denial(
            actor=actor, action="GET /v1/accounts", reason="permission_denied", surface="api", target=ws, home=ws,
            now=clock.now(),
        )  # fmt: skip


def key() -> Actor:
    return Actor("key", ids.new_id("key"), "developer")


def test_one_actor_rings_at_the_threshold(workspace: TenantRef) -> None:
    loud, quiet = key(), key()
    deny(workspace, quiet, 3)
    deny(workspace, loud, 19)
    assert see(workspace, "access_denials") == Sight()

    deny(workspace, loud, 1)
    [finding] = see(workspace, "access_denials").findings
    assert (finding.subject, finding.facts) == (loud.id, {"denied": 20, "threshold": 20, "actors": 1, "minutes": 5})
    assert see(workspace, "access_denials", seconds_later=301) == Sight()


def test_what_was_not_recorded_one_by_one_counts(workspace: TenantRef) -> None:
    actor = key()
    budget = budgets._ACTORS.of((workspace.id, actor.id), 0.0)
    budget.owe(500)
    deny(workspace, actor, 1)

    [of_actor, of_all] = see(workspace, "access_denials").findings
    assert (of_actor.subject, of_actor.facts["denied"]) == (actor.id, 501)
    assert (of_all.subject, of_all.facts["denied"]) == ("", 501)


def test_many_actors_ring_together_and_nobody_known_only_in_all(workspace: TenantRef) -> None:
    for _ in range(5):
        deny(workspace, key(), 12)
    deny(workspace, ANONYMOUS, 40)

    [finding] = see(workspace, "access_denials").findings
    assert (finding.subject, finding.facts["denied"], finding.facts["actors"]) == ("", 100, 6)


def test_a_workspace_has_a_threshold_of_its_own(workspace: TenantRef) -> None:
    actor = key()
    deny(workspace, actor, 5)
    change(
        workspace,
        """UPDATE public.tenants_workspace SET settings = '{"denial_burst": 5}' WHERE id = %s""",
        [workspace.id],
    )
    forget_settings(workspace_id=workspace.id)

    assert [each.subject for each in see(workspace, "access_denials").findings] == [actor.id]


def test_the_platform_is_looked_at_too() -> None:
    assert "access_denials" in {kind.name for kind in kinds_of(platform_ref())}
