"""Routing from choice to certainty over real rails that misbehave and are killed: each intent is executed once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.routing.conftest import NOW
from tests.routing.processes import CallbackReceiver, SimulatorProcess
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.operations import begin_attempt, choose_route, connect_rail, open_corridor, record_answer
from zentra.routing.providers.sandbox import Deadlines, SandboxRail, register
from zentra.routing.providers.types import ProviderAnswer, build_request
from zentra.routing.types import (
    UNEXECUTED_STATES,
    AttemptRecord,
    AttemptState,
    CorridorRail,
    CorridorRef,
    RailRecord,
    RecordedAnswer,
)

PATIENT = 40
SCENARIOS = (None, "lost_response", "timeout", "unavailable", "latency", "duplicate", "decline", None)
CORRIDOR = CorridorRef("T1", "T2", "card")


@pytest.fixture
def live_rails(
    workspace: TenantRef, simulator: SimulatorProcess, receiver: CallbackReceiver
) -> dict[str, tuple[RailRecord, SandboxRail]]:
    """Rails `north` and `south` of the workspace, led to the simulator's two rails and registered there."""
    with tenant_work(workspace):
        rails = [
            connect_rail(ws=workspace, name=name, base_url=f"{simulator.url}/{path}", secret="whsec_MTIz", now=NOW)
            for name, path in (("north", "rail_a"), ("south", "rail_b"))
        ]
        open_corridor(
            source="T1",
            destination="T2",
            method="card",
            rails=[CorridorRail(rail.id, n) for n, rail in enumerate(rails, start=1)],
            now=NOW,
        )
        registrations = queries.list_registrations(callback_base_url=receiver.url)
        register([each for each in registrations if each.connection_id in {rail.id for rail in rails}])
    deadlines = Deadlines(connect=0.5, read=0.6, answer=0.6)
    return {rail.id: (rail, SandboxRail(rail.base_url, deadlines=deadlines)) for rail in rails}


class Courier:
    """What the runtime does with an intent, reduced to routing: choose, send, ask until it is certain."""

    def __init__(self, workspace: TenantRef, rails: dict[str, tuple[RailRecord, SandboxRail]]) -> None:
        self._workspace = workspace
        self._rails = rails

    def carry(self, intent_id: str, scenario: str | None) -> AttemptState:
        tried: set[str] = set()
        for _ in range(PATIENT):
            attempt = self._begin(intent_id, tried)
            state = self._settle(attempt, self._send(attempt, scenario))
            if state not in UNEXECUTED_STATES:
                return state
            # With both rails refusing, as while they are down, everything is tried anew.
            tried = (tried | {attempt.rail_id}) if len(tried) < 1 else set()
            time.sleep(0.05)
        raise AssertionError("never certain")

    def _begin(self, intent_id: str, tried: set[str]) -> AttemptRecord:
        with tenant_work(self._workspace):
            decision = choose_route(
                intent_id=intent_id,
                kind="payment",
                corridor=CORRIDOR,
                amount_minor=4200,
                currency="USD",
                eligible_rails=None,
                exclude=tried,
                now=NOW,
            )
            return begin_attempt(decision=decision, now=NOW)

    def _send(self, attempt: AttemptRecord, scenario: str | None) -> RecordedAnswer:
        rail, adapter = self._rails[attempt.rail_id]
        request = build_request(
            attempt=attempt,
            rail=rail,
            kind="payment",
            amount_minor=4200,
            currency="USD",
            corridor=CORRIDOR,
            scenario=scenario,
        )
        return self._record(attempt, adapter.send(request))

    def _settle(self, attempt: AttemptRecord, told: RecordedAnswer) -> AttemptState:
        """Ask while nobody knows."""
        for _ in range(PATIENT):
            if told.attempt.state is not AttemptState.UNKNOWN:
                return told.attempt.state
            time.sleep(0.05)
            told = self._record(attempt, self._rails[attempt.rail_id][1].ask(attempt.key))
        raise AssertionError("never certain")

    def _record(self, attempt: AttemptRecord, answer: ProviderAnswer) -> RecordedAnswer:
        with tenant_work(self._workspace):
            return record_answer(attempt_id=attempt.id, answer=answer, now=NOW)


def test_each_intent_is_executed_once_whatever_the_rails_do(
    workspace: TenantRef, simulator: SimulatorProcess, live_rails: dict[str, tuple[RailRecord, SandboxRail]]
) -> None:
    courier = Courier(workspace, live_rails)
    wanted = {f"intent_{n}": SCENARIOS[n % len(SCENARIOS)] for n in range(32)}

    def carry(intent_id: str) -> tuple[str, AttemptState]:
        try:
            return intent_id, courier.carry(intent_id, wanted[intent_id])
        finally:
            connection.close()

    def kill_twice() -> None:
        for _ in range(2):
            time.sleep(0.6)
            simulator.kill()
            time.sleep(0.2)
            simulator.start()

    killer = threading.Thread(target=kill_twice)
    killer.start()
    with ThreadPoolExecutor(4) as pool:
        states = dict(pool.map(carry, wanted))
    killer.join()

    executed = Counter(
        payment["key"].split(".")[1] for rail in ("rail_a", "rail_b") for payment in simulator.ledger(rail)
    )
    assert executed == dict.fromkeys(wanted, 1)
    assert {i for i, state in states.items() if state is AttemptState.DECLINED} == {
        i for i, scenario in wanted.items() if scenario == "decline"
    }
    with tenant_work(workspace):
        for intent_id in wanted:
            *earlier, last = queries.list_attempts(intent_id=intent_id)
            assert all(attempt.state in UNEXECUTED_STATES for attempt in earlier)
            assert last.state not in UNEXECUTED_STATES
            assert [attempt.contradicted_by for attempt in (*earlier, last)] == [None] * (len(earlier) + 1)
