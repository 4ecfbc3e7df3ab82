"""Everything that touches deliveries at once: engines, people who change endpoints, replays, counting, fan-out.

No deadlock, nothing claimed for ever, nothing that waits without a work item, figures equal to the rows.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from tests.evidence.sealing import record, sequence
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.test_engine import running_engine, wait_for
from tests.webhooks.work import DEVELOPER, SUPPORT, an_event, subscribe
from webhooks import operations
from webhooks.outbound import health
from webhooks.queries import FAILED, DeliveryFilter, ReplayScope, list_replays
from webhooks.tasks import catch_up
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.ids import to_public
from zentra.core.queue import operations as queue
from zentra.core.queue import queries
from zentra.core.queue.worker import run_item
from zentra.core.tenancy import TenantRef, tenant_work

STRESS_SECONDS: Final = 10.0
INTENTS: Final = tuple(f"intent_{number}" for number in range(6))


@dataclass
class Crowd:
    """What several threads do again and again to one workspace; a refusal is an answer, anything else a fault."""

    ws: TenantRef
    endpoints: list[str]
    url: str
    faults: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self, *habits: Callable[[random.Random], object]) -> None:
        """Do all of it side by side for a while."""
        with ThreadPoolExecutor(len(habits)) as pool:
            done = [pool.submit(self._repeat, habit, seed) for seed, habit in enumerate(habits)]
            time.sleep(STRESS_SECONDS)
            self._over.set()
        for each in done:
            each.result()

    def _repeat(self, habit: Callable[[random.Random], object], seed: int) -> None:
        chance = random.Random(seed)  # which of them, not a secret
        while not self._over.is_set():
            try:
                habit(chance)
            except DomainError:
                pass
            except Exception as error:  # noqa: BLE001  # all of them are told at the end
                self.faults.append(f"{habit.__name__}: {error!r}")
            time.sleep(chance.random() / 50)
        connection.close()

    # -- Habits --------------------------------------------------------------------------------------------------------

    def publish(self, chance: random.Random) -> None:
        record(self.ws, *(an_event(number, intent_id=chance.choice(INTENTS)) for number in range(5)))
        sequence(self.ws)
        catch_up(self.ws)

    def work(self, _: random.Random) -> None:
        """What threads of a worker do: the slices of replays. Streams belong to intents, of which there are none."""
        for item in queue.claim(limit=10, now=clock.now()):
            if item.kind == "webhooks.replay":
                run_item(item)
            else:
                queue.finish(item=item, now=clock.now())

    def toggle(self, chance: random.Random) -> None:
        endpoint_id = chance.choice(self.endpoints)
        for change in (operations.disable_endpoint, operations.enable_endpoint):
            with tenant_work(self.ws):
                change(endpoint_id=endpoint_id, reason="stress", actor=DEVELOPER, now=clock.now())

    def change(self, chance: random.Random) -> None:
        with tenant_work(self.ws):
            operations.change_endpoint(
                endpoint_id=chance.choice(self.endpoints), version=None, actor=DEVELOPER, now=clock.now(),
                timeout_seconds=chance.randint(2, 9), max_in_flight=chance.randint(1, 20),
                rate_per_second=chance.choice((None, 50, 500)),
            )  # fmt: skip

    def rotate(self, chance: random.Random) -> None:
        with tenant_work(self.ws):
            operations.rotate_secret(
                endpoint_id=chance.choice(self.endpoints), actor=DEVELOPER, now=clock.now(), overlap=timedelta(0)
            )

    def replay(self, chance: random.Random) -> None:
        where = DeliveryFilter(endpoint_id=chance.choice(self.endpoints))
        with tenant_work(self.ws):
            operations.replay_many(where=where, actor=SUPPORT, reason="stress", now=clock.now())

    def replay_range(self, chance: random.Random) -> None:
        scope = ReplayScope(endpoint_id=chance.choice((None, *self.endpoints)), states=FAILED)
        with tenant_work(self.ws):
            running = list_replays(states=("running",)).rows
            if running and chance.random() < 0.3:
                operations.cancel_replay(replay_id=running[0].id, actor=SUPPORT, reason="stress", now=clock.now())
            else:
                operations.start_replay(
                    where=scope, actor=SUPPORT, reason="stress", rate_per_second=200, now=clock.now()
                )

    def come_and_go(self, _: random.Random) -> None:
        made = subscribe(self.ws, self.url, "account.*")
        time.sleep(0.2)
        with tenant_work(self.ws):
            operations.remove_endpoint(endpoint_id=made.endpoint.id, reason="stress", actor=DEVELOPER, now=clock.now())

    def recount(self, _: random.Random) -> None:
        if wrong := wrong_minutes(self.ws):
            self.faults.append(f"recount: {wrong} minutes were wrong")


def wrong_minutes(ws: TenantRef) -> int:
    """How many folded minutes are not what the rows say; counted beside whatever goes on."""
    with tenant_work(ws):
        return health.recount_minutes(since=clock.now() - timedelta(hours=1), until=clock.now() + timedelta(minutes=1))


def test_engines_people_and_replays_at_once_leave_nothing_undone(workspace: TenantRef, local_webhooks: None) -> None:
    is_calm = threading.Event()

    def answer(number: int) -> Answer:
        if is_calm.is_set() or number % 3:
            return Answer(204)
        time.sleep(0.02)
        return Answer(503)

    with scripted_endpoint(answer) as endpoint:
        schedule = [0, 1, 1, 1, 2, 2]
        made = [subscribe(workspace, endpoint.url, "account.*", schedule=schedule) for _ in range(3)]
        _open_streams(workspace)
        crowd = Crowd(workspace, [each.endpoint.id for each in made], endpoint.url)
        deadlocks = _deadlocks()
        with running_engine(), running_engine():
            crowd.run(
                crowd.publish, crowd.work, crowd.toggle, crowd.change, crowd.rotate, crowd.replay, crowd.replay_range,
                crowd.come_and_go, crowd.recount,
            )  # fmt: skip
            is_calm.set()
            _calm_down(crowd)
        assert crowd.faults == []
        assert _deadlocks() == deadlocks
        taken = {headers["webhook-id"] for headers, _ in endpoint.requests}

    rows = _rows(workspace)
    assert {row["state"] for row in rows if row["endpoint_id"] in crowd.endpoints} == {"resolved"}
    assert {row["event_id"] for row in rows if row["state"] == "resolved"} <= taken
    assert [row for row in rows if row["claim_id"] is not None or row["next_attempt_at"] is not None] == []
    assert [row for row in rows if row["attempts"] != row["kept"]] == []
    assert _open_items(workspace) == 0
    assert queries.in_flight_of(lanes=crowd.endpoints, now=clock.now()) == {}
    assert wrong_minutes(workspace) == 0


def _calm_down(crowd: Crowd) -> None:
    """Enable what is disabled, send again what was missed, and wait until nothing is left to do."""
    for endpoint_id in crowd.endpoints:
        with suppress(DomainError), tenant_work(crowd.ws):
            operations.enable_endpoint(endpoint_id=endpoint_id, reason="calm", actor=DEVELOPER, now=clock.now())
        with tenant_work(crowd.ws):
            operations.change_endpoint(
                endpoint_id=endpoint_id, version=None, actor=DEVELOPER, now=clock.now(), rate_per_second=None,
                max_in_flight=50,
            )  # fmt: skip

    def is_done() -> bool:
        sequence(crowd.ws)
        catch_up(crowd.ws)
        crowd.work(random.Random())
        for endpoint_id in crowd.endpoints:
            where = DeliveryFilter(endpoint_id=endpoint_id, states=("retained", "exhausted"), purpose="event")
            with tenant_work(crowd.ws):
                operations.replay_many(where=where, actor=SUPPORT, reason="calm", now=clock.now())
        return _open_items(crowd.ws) == 0 and not any(
            row["state"] != "resolved" for row in _rows(crowd.ws) if row["endpoint_id"] in crowd.endpoints
        )

    wait_for(is_done, seconds=60)


def _open_streams(ws: TenantRef) -> None:
    """Streams that wait, so that whoever settles deliveries of their intents locks them."""
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_stream (intent_id, state, opened_at, undelivered)"
            " SELECT unnest(%s::text[]), 'syncing', now(), 0",
            [list(INTENTS)],
        )


def _rows(ws: TenantRef) -> list[dict[str, Any]]:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.endpoint_id, d.event_id, d.state, d.claim_id, d.next_attempt_at, d.attempts,"
            " (SELECT count(*) FROM webhooks_attempt a WHERE a.delivery_id = d.id) FROM webhooks_delivery d"
        )
        names = ("endpoint_id", "event_id", "state", "claim_id", "next_attempt_at", "attempts", "kept")
        return [
            dict(zip(names, (to_public("whe", row[0]), to_public("evt", row[1]), *row[2:]), strict=True))
            for row in cursor.fetchall()
        ]


def _open_items(ws: TenantRef) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.work_item WHERE workspace_id = %s AND done_at IS NULL", [ws.id])
        return int(cursor.fetchone()[0])


def _deadlocks() -> int:
    """How many PostgreSQL has broken up in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
