from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.routing.processes import SECRET, CallbackReceiver, SimulatorProcess, free_port
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.types import CorridorRail, CorridorRef, RailRecord, RouteDecisionRecord

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)

QUICK = ("--succeed-ms", "60", "--settle-ms", "150", "--late-ms", "800", "--slow-ms", "300", "--hang-ms", "3000")


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    receiver = CallbackReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def simulator(tmp_path: Path, receiver: CallbackReceiver) -> Iterator[SimulatorProcess]:
    """Both rails in a process of their own, with a connection whose callbacks come to `receiver`."""
    simulator = SimulatorProcess(tmp_path / "sandbox.sqlite3", free_port(), QUICK)
    simulator.start()
    simulator.register(receiver.url)
    simulator.register(receiver.url, rail="rail_b")
    yield simulator
    simulator.close()


@pytest.fixture
def corridor() -> CorridorRef:
    """A corridor that only the rails `north` and `south` serve."""
    return CorridorRef("T1", "T2", "card")


@pytest.fixture
def rails(workspace: TenantRef, corridor: CorridorRef) -> dict[str, RailRecord]:
    """Two rails of the workspace by name, `north` preferred and cheaper, in one corridor for USD and EUR."""
    from zentra.routing.operations import connect_rail, open_corridor

    with tenant_work(workspace):
        made = {
            name: connect_rail(ws=workspace, name=name, base_url=f"http://{name}.test/", secret=SECRET, now=NOW)
            for name in ("north", "south")
        }
        open_corridor(
            source=corridor.source,
            destination=corridor.destination,
            method=corridor.method,
            currencies=["USD", "EUR"],
            rails=[CorridorRail(made["north"].id, 1, 20), CorridorRail(made["south"].id, 2, 30)],
            now=NOW,
        )
    return made


@pytest.fixture
def choose(corridor: CorridorRef) -> Callable[..., RouteDecisionRecord]:
    """`choose("intent_1", exclude=…)`: the route of a payment of 1250.00 USD over the corridor."""

    def choose(intent_id: str, **changes: Any) -> RouteDecisionRecord:
        from zentra.routing.operations import choose_route

        words: dict[str, Any] = {
            "intent_id": intent_id,
            "kind": "payment",
            "corridor": corridor,
            "amount_minor": 125000,
            "currency": "USD",
            "eligible_rails": None,
            "exclude": (),
            "now": NOW,
        }
        return choose_route(**{**words, **changes})

    return choose
