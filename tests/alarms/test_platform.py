"""Alarms about the installation itself: kept in ``platform``, whatever workspaces there are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from tests.alarms.desk import alarms
from zentra.alarms.types import AlarmRecord
from zentra.alarms.watch import Lookout
from zentra.alarms.watchers.processes import PROCESSES, see_old_queue, see_silent_processes
from zentra.core import clock
from zentra.core.queue import operations as queue
from zentra.core.queue.queries import heartbeats
from zentra.core.tenancy import TenantRef
from zentra.tenants.queries import platform_ref

LATER = datetime.fromisoformat("2100-01-01T00:00:00Z")
"""After every other sign of life in this database."""


def beat(*names: str, at: datetime) -> None:
    for name in names:
        queue.beat_heart(name=name, now=at)


def round_at(moment: datetime) -> None:
    with clock.frozen(moment):
        Lookout().run_round(at_once=True)


def open_ones(kind: str) -> dict[str, AlarmRecord]:
    return {each.subject: each for each in alarms(platform_ref(), state="open") if each.kind == kind}


@pytest.fixture
def quiet_again(workspace: TenantRef) -> Iterator[None]:
    """Whatever rang is cleared, and the clock of this database is the present again."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.heartbeat")
        cursor.execute("DELETE FROM public.work_item WHERE workspace_id = %s", [workspace.id])
    for seconds in range(600, 720, 6):
        beat(*PROCESSES, at=LATER + timedelta(seconds=seconds))
        round_at(LATER + timedelta(seconds=seconds))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.heartbeat")


def test_a_process_without_a_sign_of_life_rings_in_platform(workspace: TenantRef, quiet_again: None) -> None:
    beat("beat", "sealer", at=LATER + timedelta(seconds=40))
    beat("worker", at=LATER)

    with clock.frozen(LATER + timedelta(seconds=29)):
        assert see_silent_processes(clock.now()).findings == ()
    for seconds in (31, 37, 43, 49):
        round_at(LATER + timedelta(seconds=seconds))

    assert open_ones("worker_silent").keys() == {"worker"}
    assert open_ones("worker_silent")["worker"].words == "The worker gave its last sign of life 49 s ago."
    assert [each.kind for each in alarms(workspace) if each.kind == "worker_silent"] == []


def test_it_is_over_when_the_process_works_again(workspace: TenantRef, quiet_again: None) -> None:
    beat(*PROCESSES, at=LATER + timedelta(seconds=100))
    beat("worker", at=LATER)
    for seconds in (120, 126, 132, 138):
        round_at(LATER + timedelta(seconds=seconds))
    assert "worker" in open_ones("worker_silent")
    for seconds in range(140, 212, 6):
        beat(*PROCESSES, at=LATER + timedelta(seconds=seconds))
        round_at(LATER + timedelta(seconds=seconds))

    assert open_ones("worker_silent") == {}


def test_a_process_that_never_gave_a_sign(workspace: TenantRef, quiet_again: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.heartbeat")

    assert [each.subject for each in see_silent_processes(LATER).findings] == list(PROCESSES)


def test_due_work_that_nobody_takes(workspace: TenantRef, quiet_again: None) -> None:
    due = datetime.fromisoformat("2001-01-01T00:00:00Z")  # before everything else in this database
    queue.enqueue(workspace_id=workspace.id, kind="test.old", ref="x", due_at=due)

    assert see_old_queue(due + timedelta(seconds=60)).findings == ()
    [finding] = see_old_queue(due + timedelta(seconds=90)).findings

    assert finding.words == "The oldest due work (test.old) has waited 90 s for a worker."


def test_work_that_a_lane_holds_back_is_not_old(workspace: TenantRef, quiet_again: None) -> None:
    due = datetime.fromisoformat("2001-01-01T00:00:00Z")
    queue.enqueue(workspace_id=workspace.id, kind="test.old", ref="x", due_at=due)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.work_item SET lane = 'whe_paused' WHERE workspace_id = %s", [workspace.id])

    assert see_old_queue(due + timedelta(seconds=90)).findings == ()


def test_the_watch_gives_a_sign_of_life_and_says_what_it_cannot_judge(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch, quiet_again: None
) -> None:
    from zentra.alarms import watchers

    def broken(_now: datetime) -> object:
        raise ValueError("no figures")

    monkeypatch.setitem(watchers.WATCHERS, "rail_down", broken)
    lookout = Lookout()
    lookout.run_round(at_once=True)

    assert f"rail_down in {workspace.slug}" in heartbeats()["watch"][1]
    monkeypatch.undo()
    lookout.run_round(at_once=True)

    assert "cannot judge" not in heartbeats()["watch"][1]


def test_one_workspace_that_cannot_be_judged_stops_no_other(
    workspace: TenantRef, other_workspace: TenantRef, monkeypatch: pytest.MonkeyPatch, quiet_again: None
) -> None:
    from zentra.alarms import watchers
    from zentra.alarms.types import Finding, Sight
    from zentra.core.tenancy import current_tenant

    def half(_now: datetime) -> Sight:
        if current_tenant().id == workspace.id:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")
        return Sight((Finding("", "bad"),))

    monkeypatch.setitem(watchers.WATCHERS, "rail_down", half)
    for seconds in (0, 10, 20):
        round_at(LATER + timedelta(seconds=seconds))

    assert [each.kind for each in alarms(workspace) if each.kind == "rail_down"] == []
    assert "rail_down" in [each.kind for each in alarms(other_workspace)]
