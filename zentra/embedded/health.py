"""Watching Zentra from outside, by its own health answers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zentra.embedded.ports import LOOPBACK

WATCH_SECONDS = 3.0
WEB_SILENT_SECONDS = 30.0
WORKER_SILENT_SECONDS = 60.0  # twice what /readyz allows a worker: by then it is not merely busy


@dataclass(frozen=True)
class Health:
    """One answer of /readyz. `status` 0 means that nobody answered."""

    status: int
    checks: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether everything is good."""
        return self.status == 200

    def failing(self) -> list[str]:
        """The names of the checks that are not good."""
        return [name for name, check in self.checks.items() if isinstance(check, dict) and check.get("ok") is False]

    def in_words(self) -> str:
        """Why it is not ready, shortly."""
        if self.status == 0:
            return "the web process does not answer yet"
        return f"not good yet: {', '.join(self.failing()) or f'status {self.status}'}"


def ask_health(port: int, *, timeout: float = 5.0) -> Health:
    """GET /readyz of the web process on `port`."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}", "Accept": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException):
        return Health(0)
    except ValueError:
        return Health(answer.status)
    finally:
        connection.close()
    checks = body.get("checks") if isinstance(body, dict) else None
    return Health(answer.status, checks if isinstance(checks, dict) else {})


@dataclass
class HealthWatch:
    """Asks /readyz for ever and has the web, worker or watch process started anew when it is silent too long.

    A process that lives is not yet one that works: a worker may fall silent after Redis went away and came back.
    """

    port: int
    request_restart: Callable[[str], None]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _good_at: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Watch in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="health", daemon=True).start()

    def judge(self, health: Health) -> None:
        """Take one answer into account."""
        now = self.clock()
        self._judge("web", good=health.status != 0, now=now, limit=WEB_SILENT_SECONDS)
        # Nothing is known of the worker while the web process cannot say, or the ground under both is gone.
        failing = set(health.failing())
        is_silent = "worker" in failing and not failing & {"database", "redis"}
        self._judge("worker", good=not is_silent, now=now, limit=WORKER_SILENT_SECONDS)
        is_blind = "watch" in failing and "database" not in failing
        self._judge("watch", good=not is_blind, now=now, limit=WORKER_SILENT_SECONDS)

    def _judge(self, name: str, *, good: bool, now: float, limit: float) -> None:
        if good:
            self._good_at[name] = now
            return
        silent = now - self._good_at.setdefault(name, now)
        if silent > limit:
            self.say(f"{name} has been silent for {silent:.0f} s; starting it again")
            self.request_restart(name)
            self._good_at[name] = now

    def _watch(self) -> None:
        while True:
            self.judge(ask_health(self.port))
            time.sleep(WATCH_SECONDS)
