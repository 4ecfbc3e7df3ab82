"""All of Zentra's processes on free ports, for end-to-end tests: started, killed, started again, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from zentra.embedded.errors import EmbeddedError
from zentra.embedded.health import ask_health
from zentra.embedded.layout import CLONE
from zentra.embedded.processes import Program, kill_group, launch
from zentra.embedded.programs import Ports, zentra_stages

LOG_TAIL_LINES = 15


class ServedZentra:
    """A running Zentra. Nothing restarts what dies here: a test says when."""

    def __init__(self, *, state: Path, ports: Ports, environment: Mapping[str, str]) -> None:
        self.ports = ports
        self.base_url = f"http://localhost:{self.ports.web}"
        self.api_url = f"{self.base_url}/v1"
        self.live_url = f"ws://localhost:{self.ports.web}"
        self._state = state
        env = dict(os.environ) | dict(environment)
        stages = zentra_stages(clone=CLONE, state=state, ports=self.ports, environment=env)
        self._programs: dict[str, Program] = {program.name: program for stage in stages for program in stage}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self, *, ready_seconds: float = 60.0) -> None:
        """Start every process and wait for /readyz. Raises EmbeddedError with the ends of the logs otherwise."""
        for directory in ("log", "run"):
            (self._state / directory).mkdir(parents=True, exist_ok=True)
        for name in self._programs:
            self.start(name)
        self.wait_until_ready(seconds=ready_seconds)

    def start(self, name: str) -> None:
        """Start one process (again)."""
        with (self._state / "log" / f"{name}.log").open("ab") as log:
            self._running[name] = launch(self._programs[name], output=log)

    def kill(self, name: str) -> None:
        """kill -9, as a crash would."""
        process = self._running.pop(name)
        kill_group(process.pid)
        process.wait()

    def wait_until_ready(self, *, seconds: float = 60.0) -> None:
        """Return once /readyz is good; raises EmbeddedError when a process ended or the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            health = ask_health(self.ports.web)
            dead = [name for name, process in self._running.items() if process.poll() is not None]
            if health.is_ready and not dead:
                return
            if dead or time.monotonic() > deadline:  # also when another program answers on a port of ours
                why = f"{', '.join(dead)} ended" if dead else health.in_words()
                raise EmbeddedError(f"Zentra is not ready: {why}\n{self.log_tails(dead or list(self._running))}")
            time.sleep(0.1)

    def log_tails(self, names: list[str]) -> str:
        """The last lines of some logs, for a failure's message."""
        tails = []
        for name in names:
            lines = (self._state / "log" / f"{name}.log").read_text(errors="replace").splitlines()
            tails += [f"{name} | {line}" for line in lines[-LOG_TAIL_LINES:]]
        return "\n".join(tails)

    def stop_all(self) -> None:
        """End every process. What does not go at once is killed: the data is thrown away after."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5.0
        for process in self._running.values():
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_group(process.pid)
                process.wait()
        self._running.clear()
