"""The room's figures agree with a direct count of the history, whatever came twice or late."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db import connection

from console.readings.figures import read_kpis, read_stages
from tests.evidence.sealing import sequence
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime import rollups
from zentra.runtime.operations import create_intent
from zentra.runtime.types import CreateIntent

if TYPE_CHECKING:
    from tests.people import Person


def make(workspace: TenantRef, person: Person, number: int, amount_minor: int, currency: str = "USD") -> None:
    command = CreateIntent(intent_id=f"intent_{number}", amount_minor=amount_minor, currency=currency)
    with tenant_work(workspace):
        create_intent(command=command, actor=person.actor(), ws=workspace, now=now())


def follow(workspace: TenantRef) -> int:
    with tenant_work(workspace):
        return rollups.follow_leaves(now=now())


def counted(workspace: TenantRef) -> dict[str, int]:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "SELECT after, count(*) FROM runtime_transition WHERE at >= %s GROUP BY after",
            [rollups.window_start(now())],
        )
        return dict(cursor.fetchall())


def test_stages_agree_with_the_history(workspace: TenantRef, developer: Person) -> None:
    for number in range(7):
        make(workspace, developer, number, 125_000)
    make(workspace, developer, 99, 4_300_000)  # held: accepted, not controlled
    sequence(workspace)
    assert follow(workspace) > 0
    with tenant_work(workspace):
        figures = rollups.stage_figures(now=now())
    direct = Counter(counted(workspace))
    assert {name: found.reached for name, found in figures.items()} == {name: direct[name] for name in figures}
    assert (figures["accepted"].reached, figures["ledgered"].reached) == (8, 7)
    assert sum(figures["ledgered"].curve) == 7


def test_following_twice_counts_once(workspace: TenantRef, developer: Person) -> None:
    make(workspace, developer, 1, 125_000)
    sequence(workspace)
    follow(workspace)
    assert follow(workspace) == 0
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE runtime_rollup_cursor SET next_index = 0")  # as after a restore
    follow(workspace)
    with tenant_work(workspace):
        assert rollups.stage_figures(now=now())["ledgered"].reached == 1


def test_volume_is_told_per_currency_the_ledger_currency_first(workspace: TenantRef, developer: Person) -> None:
    from ledger.operations import create_chart

    with tenant_work(workspace):
        create_chart(currency="EUR", now=now())
    make(workspace, developer, 1, 125_000)
    make(workspace, developer, 2, 75_000)
    make(workspace, developer, 3, 9_900, "EUR")
    sequence(workspace)
    follow(workspace)
    with tenant_work(workspace):
        volume = next(kpi for kpi in read_kpis(now=now(), ledger_currency="USD") if kpi.key == "volume")
    assert volume.unit == "mu USD"
    assert volume.more == (("USD", "200,000", "2,000.00", "2"), ("EUR", "9,900", "99.00", "1"))


def test_what_waits_is_said_at_its_stage(workspace: TenantRef, developer: Person) -> None:
    make(workspace, developer, 1, 125_000)
    make(workspace, developer, 2, 4_300_000)
    with tenant_work(workspace):
        waiting = {stage.name: stage.waiting for stage in read_stages(now=now())}
    assert waiting["controlled"] == "1 in review"
    assert waiting["ledgered"] == "1 to route"


def test_drift_is_zero_by_a_real_query(workspace: TenantRef, developer: Person) -> None:
    make(workspace, developer, 1, 125_000)
    with tenant_work(workspace):
        drift = next(kpi for kpi in read_kpis(now=now(), ledger_currency="USD") if kpi.key == "drift")
    assert (drift.value, drift.level) == ("0", "")


def test_p95_is_the_middle_of_its_bucket() -> None:
    assert rollups.percentile({}, 0.95) is None
    exact = 100.0
    bucket = 49  # 1.1^48 = 97.0 ms to 1.1^49 = 106.7 ms
    found = rollups.percentile({bucket: 100}, 0.95)
    assert found is not None
    assert abs(found - exact) / exact < 0.05
