"""Background work takes its workspace as an argument and raises when there is none; it never runs in public."""

from collections.abc import Iterator

import pytest
from django.db import connection

from zentra.core import ids, tenancy
from zentra.core.clock import now
from zentra.core.queue import WorkItem, operations, registry, worker
from zentra.core.queue.registry import Periodic
from zentra.core.tenancy import TenantRef, current_tenant, in_tenant, tenant_work

KIND = "test.where"


@pytest.fixture
def seen() -> Iterator[list[tuple[str, bool]]]:
    """What the handler saw: the workspace it was given, and whether it was inside one already."""
    found: list[tuple[str, bool]] = []

    @registry.handles(KIND)
    def look(item: WorkItem, ws: TenantRef) -> None:
        found.append((ws.slug, in_tenant()))
        with tenant_work(ws):
            assert current_tenant().id == item.workspace_id

    yield found
    registry._handlers.pop(KIND)


def item_of(workspace_id: object) -> WorkItem:
    return WorkItem(ids.new_uuid(), workspace_id, KIND, "ref", now(), 1, ids.new_uuid())  # type: ignore[arg-type]  # a uuid


def test_a_handler_is_given_its_workspace_and_enters_it_itself(
    workspace: TenantRef, seen: list[tuple[str, bool]]
) -> None:
    worker.run_item(item_of(workspace.id))

    assert seen == [(workspace.slug, False)]


def test_a_handler_is_never_called_without_a_workspace(database: None, seen: list[tuple[str, bool]]) -> None:
    worker.run_item(item_of(ids.new_uuid()))

    assert seen == []


def test_items_of_two_workspaces_on_one_thread_do_not_mix(
    workspace: TenantRef, other_workspace: TenantRef, seen: list[tuple[str, bool]]
) -> None:
    for ws in (workspace, other_workspace, workspace):
        worker.run_item(item_of(ws.id))

    assert seen == [(workspace.slug, False), (other_workspace.slug, False), (workspace.slug, False)]


def test_periodic_work_of_one_workspace_that_fails_leaves_the_others_alone(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    done: list[str] = []

    def run(ws: TenantRef) -> None:
        if ws.id == workspace.id:
            raise RuntimeError("trouble")
        with tenant_work(ws):
            done.append(current_tenant().slug)

    crew = worker.Worker(threads=2)
    for ws in (workspace, other_workspace):
        crew._run_periodic(Periodic("test.periodic", 1.0, run), ws)

    assert done == [other_workspace.slug]
    assert not in_tenant()


def test_periodic_work_goes_on_while_a_workspace_is_suspended_and_ends_with_its_archive(workspace: TenantRef) -> None:
    def set_state(state: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tenants_workspace SET state = %s WHERE id = %s", [state, workspace.id])

    def listed() -> tuple[bool, bool]:
        refs = (tenancy.list_active(), tenancy.list_kept())
        return workspace.slug in {ref.slug for ref in refs[0]}, workspace.slug in {ref.slug for ref in refs[1]}

    assert listed() == (True, True)
    set_state("suspended")
    assert listed() == (True, True)
    set_state("archived")
    assert listed() == (False, True)
    set_state("deleted")
    assert listed() == (False, False)


def test_what_is_put_in_for_one_workspace_is_named_by_its_id(workspace: TenantRef, other_workspace: TenantRef) -> None:
    item_id = operations.enqueue(workspace_id=workspace.id, kind=KIND, ref="same", due_at=now())

    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id FROM work_item WHERE id = %s", [item_id])
        assert cursor.fetchone() == (workspace.id,)
