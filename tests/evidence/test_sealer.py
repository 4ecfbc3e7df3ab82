"""The sealer process: one round over all workspaces, of which a bad one stops no other."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from evidence import queries
from evidence.management.commands.run_sealer import Sealer
from evidence.operations import sealing
from evidence.operations.log import lock_log
from evidence.store import LogDamaged
from evidence.verifier import tree
from tests.evidence.sealing import as_sealer, record, some_events
from zentra.core.queue.queries import heartbeats
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work

ROOT = Path(__file__).resolve().parents[2]


def signed_size(workspace: TenantRef) -> int:
    with tenant_work(workspace):
        checkpoint = queries.latest_checkpoint()
    return checkpoint.size if checkpoint else 0


def test_one_round_seals_every_workspace_and_gives_a_sign_of_life(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    record(workspace, *some_events(3))
    record(other_workspace, *some_events(2))

    with as_sealer():
        call_command("run_sealer", once=True)

    assert (signed_size(workspace), signed_size(other_workspace)) == (3, 2)
    assert "workspaces" in heartbeats()["sealer"][1]


def test_more_than_one_batch_is_sequenced_in_one_round(workspace: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing.sequence_batch, "__kwdefaults__", {"limit": 4})
    record(workspace, *some_events(10))

    with as_sealer():
        call_command("run_sealer", once=True)

    assert signed_size(workspace) == 10


def test_a_workspace_that_cannot_be_sealed_does_not_stop_the_others(
    workspace: TenantRef, other_workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(workspace, *some_events(1))
    record(other_workspace, *some_events(1))

    def damaged() -> None:
        if current_tenant().id == workspace.id:
            raise LogDamaged
        lock_log()

    monkeypatch.setattr(sealing, "lock_log", damaged)
    sealer = Sealer(sign_every=0)
    with as_sealer():
        sealer.run_round(force_sign=True)

    assert (signed_size(workspace), signed_size(other_workspace)) == (0, 1)
    assert f"failing: {workspace.slug}" in heartbeats()["sealer"][1]


def test_a_round_ends_when_the_database_is_away_and_the_next_one_connects_again(workspace: TenantRef) -> None:
    record(workspace, *some_events(1))
    sealer = Sealer(sign_every=0)

    with as_sealer():
        sealer.run_round()
        connection.connection.close()
        with pytest.raises(DatabaseError):
            sealer.run_round(force_sign=True)
        connection.close()
        sealer.run_round(force_sign=True)

    assert signed_size(workspace) == 1


def test_a_quiet_workspace_costs_one_look(workspace: TenantRef) -> None:
    sealer = Sealer(sign_every=0)
    with as_sealer():
        sealer.run_round()
        sealer.run_round()

    assert not sealer.turns[workspace.slug].unsigned


def start_sealer() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_sealer"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_sealer_killed_in_the_middle_of_its_work_loses_and_doubles_nothing(workspace: TenantRef) -> None:
    recorded: list[str] = []
    for round_ in range(3):
        sealer = start_sealer()
        try:
            for _ in range(30):
                recorded += record(workspace, *some_events(100))
            wait_until(partial(has_more_leaves_than, workspace, 3000 * round_))
        finally:
            sealer.kill()
            sealer.wait()

    sealer = start_sealer()
    try:
        wait_until(lambda: signed_size(workspace) == len(recorded))
    finally:
        sealer.terminate()
        assert sealer.wait(30) == 0

    with tenant_work(workspace):
        leaves = queries.leaves_since(index=-1, limit=100_000)
        checkpoint = queries.latest_checkpoint()
    assert [leaf.index for leaf in leaves] == list(range(len(recorded)))
    assert {leaf.event_id for leaf in leaves} == set(recorded)
    frontier = tree.Frontier()
    frontier.append(leaf.leaf_hash for leaf in leaves)
    assert checkpoint is not None
    assert checkpoint.root == frontier.root


def has_more_leaves_than(workspace: TenantRef, count: int) -> bool:
    with tenant_work(workspace):
        return queries.next_index() > count
