from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.routing.processes import CallbackReceiver, SimulatorProcess, free_port

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
