"""What is done for every active workspace is done for the platform's own schema and for a new one without a failure."""

from zentra.core.queue.registry import periodics
from zentra.core.tenancy import TenantRef
from zentra.tenants.queries import platform_ref


def failures(ws: TenantRef) -> dict[str, str]:
    failed = {}
    for work in periodics():
        try:
            work.run(ws)
        except Exception as error:  # noqa: BLE001  # each that fails is told
            failed[work.name] = repr(error)
    return failed


def test_all_of_it_runs_on_the_platform_s_schema(database: None) -> None:
    assert len(periodics()) > 20
    assert failures(platform_ref()) == {}


def test_all_of_it_runs_in_a_workspace_of_each_mode(workspace: TenantRef, live_workspace: TenantRef) -> None:
    assert (failures(workspace), failures(live_workspace)) == ({}, {})
