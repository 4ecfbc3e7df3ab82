"""A Zentra of its own to be killed: servers, processes, two seeded workspaces, and traffic that never gives up.

Other tests share one PostgreSQL and one Redis between worker processes; killing those would kill their tests too.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import redis

from tests.e2e.books import Books, Simulators
from tests.e2e.desks import Desk, movement
from zentra.embedded.configuration import OWNER_VARIABLE
from zentra.embedded.layout import CLONE
from zentra.embedded.processes import kill_group, launch, recorded, wait_until_gone
from zentra.embedded.programs import Ports, manage, zentra_stages
from zentra.embedded.served import ServedZentra
from zentra.embedded.testing import ThrowAwayGround, run_command

DATABASE: Final = "zentra_chaos"
SERVERS: Final = ("postgres", "redis")
PROCESSES: Final = ("worker", "beat", "sealer", "watch", "rails", "web")
SENDERS: Final = 3
PACE_SECONDS: Final = 0.4
SCENARIOS: Final = (
    None, "duplicate", "lost_response", "decline", "out_of_order", None, "malformed", "timeout", "latency", "late",
)  # fmt: skip
CURRENCIES: Final = ("USD", "EUR", "JPY", "USD", "GBP")


@dataclass
class Chaos:
    """Everything of one running Zentra, each part of which can be killed."""

    ground: ThrowAwayGround
    served: ServedZentra
    desks: dict[str, Desk]

    def kill(self, name: str) -> None:
        """kill -9 of a process, or of PostgreSQL or Redis."""
        if name not in SERVERS:
            self.served.kill(name)
            return
        identity = recorded(self.ground.path / f"{name}.json")
        assert identity is not None, f"{name} does not run"
        kill_group(identity.pid)
        assert wait_until_gone(identity, seconds=10), f"{name} lives"

    def start(self, *names: str) -> None:
        """Start again what was killed, and wait until all of it is ready."""
        if set(names) & set(SERVERS):
            self.ground.start(migrate=False)
        for name in names:
            if name not in SERVERS:
                self.served.start(name)
        self.served.wait_until_ready(seconds=90)

    @contextmanager
    def second_worker(self) -> Iterator[None]:
        """Another worker beside the first, ended by kill -9."""
        environment = self.ground.environment(database=DATABASE, redis_database=0, ports=self.served.ports)
        state = self.ground.path / f"state-{DATABASE}"
        stages = zentra_stages(
            clone=CLONE, state=state, ports=self.served.ports, environment=dict(os.environ) | environment
        )
        [program] = [each for stage in stages for each in stage if each.name == "worker"]
        with (state / "log" / "worker-2.log").open("ab") as log:
            process = launch(program, output=log)
        try:
            yield
            assert process.poll() is None, "the second worker ended by itself"
        finally:
            kill_group(process.pid)
            process.wait()

    def flush_redis(self) -> None:
        """Lose everything that Redis holds."""
        with redis.Redis.from_url(self.ground.redis.url(database=0)) as client:
            client.flushall()


@contextmanager
def running_chaos() -> Iterator[Chaos]:
    """Start all of it; everything is thrown away at the end."""
    ground, ports = ThrowAwayGround.create(is_durable=True), Ports.any_free()
    try:
        ground.start()
        ground.create_database(DATABASE)
        environment = ground.environment(database=DATABASE, redis_database=0, ports=ports)
        state = ground.path / f"state-{DATABASE}"
        run_command(manage(CLONE, "seed_demo", "--skip-checks"), environment=environment)
        served = ServedZentra(state=state, ports=ports, environment=environment)
        try:
            served.start_all(ready_seconds=90)
            run_command(manage(CLONE, "connect_sandbox", "--skip-checks"), environment=environment)
            demo = json.loads((state / "demo.json").read_text())
            desks = {each["slug"]: _desk(each, served, environment[OWNER_VARIABLE]) for each in demo["workspaces"]}
            yield Chaos(ground, served, desks)
            for desk in desks.values():
                desk.http.close()
        finally:
            served.stop_all()
    finally:
        ground.stop()


def _desk(seeded: dict[str, Any], served: ServedZentra, owner_url: str) -> Desk:
    http = httpx.Client(base_url=served.api_url, headers={"Authorization": f"Bearer {seeded['api_key']}"}, timeout=15)
    return Desk(
        slug=seeded["slug"],
        base_url=served.base_url,
        token=seeded["api_key"],
        http=http,
        books=Books(owner_url, f"ws_{seeded['slug']}"),
        simulators=Simulators(f"http://127.0.0.1:{served.ports.rails}"),
    )


def bodies() -> Iterator[dict[str, Any]]:
    """Payments and transfers in several currencies with every fault, some over the limit, some above the hard cap."""
    for number in itertools.count():
        scenario, currency = SCENARIOS[number % len(SCENARIOS)], CURRENCIES[number % len(CURRENCIES)]
        amount = {13: 6_100_000, 17: 90_000_000}.get(number % 20, 1_000 + number)
        kind = "transfer" if number % 4 == 3 else "payment"
        more: dict[str, Any] = {"payee": "payee_1"} if kind == "transfer" else {}
        if scenario:
            more["metadata"] = {"sandbox_scenario": scenario}
        yield movement(f"intent_chaos_{number:03d}", amount, currency, kind=kind, **more)


@dataclass
class Traffic:
    """Clients that send one intent after another and repeat each, under its own key, until it is answered."""

    desk: Desk
    accepted: dict[str, bytes] = field(default_factory=dict)
    failures: int = 0
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def flowing(self) -> Iterator[Traffic]:
        """Send until the block ends; every intent that was begun is then answered."""
        source = bodies()
        with ThreadPoolExecutor(SENDERS) as pool:
            done = [pool.submit(self._send_all, source) for _ in range(SENDERS)]
            try:
                yield self
            finally:
                self._stop.set()
        for each in done:
            each.result()

    def _send_all(self, source: Iterator[dict[str, Any]]) -> None:
        with httpx.Client(base_url=self.desk.api_url, headers=self.desk.http.headers, timeout=15) as http:
            while not self._stop.is_set():
                with self._lock:
                    body = next(source)
                self._send(http, body)
                self._stop.wait(PACE_SECONDS)

    def _send(self, http: httpx.Client, body: dict[str, Any]) -> None:
        """Repeat until it is answered: only the connection, and what calls itself passing, is tried again."""
        for _ in range(300):
            try:
                answer = http.post("/runtime/intents", json=body)
            except httpx.TransportError:
                self._note_failure()
                continue
            if answer.status_code == 201:
                self.accepted[body["intent_id"]] = answer.content
                return
            if answer.status_code < 500 and not answer.json().get("retryable"):
                self.refused.append(f"{answer.status_code} {answer.text}")
                return
            self._note_failure()
        self.refused.append(f"{body['intent_id']} was never answered")

    def _note_failure(self) -> None:
        with self._lock:
            self.failures += 1
        threading.Event().wait(0.25)
