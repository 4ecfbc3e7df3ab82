"""Events keep arriving while what delivers them is killed: none lost, none stuck, each under its one id."""

from __future__ import annotations

import itertools
import json
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.e2e.chaos import Chaos, running_chaos
from tests.e2e.receivers import Receiver, receiving
from tests.e2e.waiting import wait_until
from tests.webhooks.servers import raw_endpoint
from zentra.core.ids import to_public, to_uuid

if TYPE_CHECKING:
    from tests.e2e.desks import Desk

pytestmark = pytest.mark.e2e

WANTED: Final = "ledger.entry.created"
# A killed worker's items are free again after their lease of 45 s.
UNTIL_ALL_ARRIVED_SECONDS: Final = 120.0
# Sequencing, fan-out and a call; without anybody in the way it is a few hundredths of a second to half a second.
AT_ONCE_SECONDS: Final = 4.0


@dataclass
class Subscription:
    """An endpoint of a desk, and who answers there."""

    desk: Desk
    receiver: Receiver
    id: str

    @property
    def settings(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.desk.http.get(f"/webhook-endpoints/{self.id}").raise_for_status().json()
        return answer

    def do(self, action: str) -> None:
        """Enable or disable it."""
        answer = self.desk.http.post(f"/webhook-endpoints/{self.id}/{action}", json={"reason": "chaos"})
        assert answer.status_code == 200, answer.text

    def rows(self) -> list[dict[str, Any]]:
        """Its deliveries, oldest first."""
        return self.desk.books.rows(
            "SELECT id, event_id, leaf_index, state, attempts, last_error, next_attempt_at, claim_id"
            " FROM webhooks_delivery WHERE endpoint_id = %s AND purpose = 'event' ORDER BY leaf_index",
            to_uuid(self.id, prefix="whe"),
        )

    def unresolved(self) -> list[dict[str, Any]]:
        """What has not arrived."""
        return [row for row in self.rows() if row["state"] != "resolved"]

    def expected(self) -> dict[str, int]:
        """Every event that it is to have, by id, with its place in the log: read from the log, not from deliveries."""
        rows = self.desk.books.rows(
            "SELECT e.id, e.body, l.index AS leaf_index"
            " FROM evidence_event e LEFT JOIN evidence_leaf l ON l.event_id = e.id"
            " WHERE e.recorded_at > (SELECT created_at FROM webhooks_endpoint WHERE id = %s)",
            to_uuid(self.id, prefix="whe"),
        )
        return {to_public("evt", row["id"]): row["leaf_index"] for row in rows if WANTED in _names(bytes(row["body"]))}


def _names(body: bytes) -> set[str]:
    event = json.loads(body)
    return {event["type"], *event["data"].get("announced_as", ())}


@dataclass
class Publisher:
    """Posts to the ledger, each posting an event; repeats under its own key until it is answered."""

    desk: Desk
    published: int = 0
    name: str = "chaos"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def publish(self, count: int, *, pause: float = 0.0) -> list[float]:
        """So many more events; when each was answered (monotonic seconds)."""
        return [self._publish_one(pause) for _ in range(count)]

    def _publish_one(self, pause: float) -> float:
        key = f"{self.name}_{next(self._numbers)}"
        body = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 1, "idempotency_key": key}
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.desk.http.post("/ledger-entries", json=body)
                if answer.status_code == 201:
                    self.published += 1
                    time.sleep(pause)
                    return time.monotonic()
                assert answer.json().get("retryable"), answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "never answered"
            time.sleep(0.2)


@dataclass
class Scene:
    """One running Zentra, the endpoints of its workspaces, and who publishes."""

    chaos: Chaos
    stack: ExitStack

    def subscribe(self, desk: Desk, mode: Any = "up", **settings: Any) -> Subscription:
        """One more consumer for every posting."""
        receiver = self.stack.enter_context(receiving(mode))
        return Subscription(desk, receiver, self.create(desk, receiver.url, **settings))

    def create(self, desk: Desk, url: str, **settings: Any) -> str:
        """One more endpoint; its id."""
        answer = desk.http.post("/webhook-endpoints", json={"url": url, "event_types": [WANTED]} | settings)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with running_chaos() as chaos, ExitStack() as stack:
        yield Scene(chaos, stack)


def assert_everything_arrived(subscription: Subscription, *, published: int) -> None:
    """Twice: what the log says against the deliveries, and what the log says against what the consumer took."""
    wait_until(
        lambda: len(subscription.rows()) == published and not subscription.unresolved(),
        why="everything arrived", seconds=UNTIL_ALL_ARRIVED_SECONDS, told=subscription.unresolved,
    )  # fmt: skip
    expected = subscription.expected()
    assert len(expected) == published
    assert {to_public("evt", row["event_id"]): row["leaf_index"] for row in subscription.rows()} == expected
    taken = {each.event_id: each.sequence for each in subscription.receiver.arrivals if each.was_answered}
    assert taken == expected
    assert subscription.receiver.sequence == sorted(expected.values())
    assert {each.event_id for each in subscription.receiver.arrivals} == set(expected)  # tries too: never another id
    assert_at_rest(subscription)


def assert_at_rest(subscription: Subscription) -> None:
    """Nobody holds a claim, and no work item is left behind."""
    assert [row for row in subscription.rows() if row["claim_id"] is not None] == []
    wait_until(
        lambda: not subscription.desk.books.rows(
            "SELECT kind, ref, due_at, claim_id FROM public.work_item WHERE lane = %s AND done_at IS NULL",
            subscription.id,
        ),
        why="no item is left", seconds=UNTIL_ALL_ARRIVED_SECONDS,
    )  # fmt: skip


def test_everything_arrives_whatever_is_killed(scene: Scene) -> None:
    chaos, desk = scene.chaos, scene.chaos.desks["northwind"]
    publisher = Publisher(desk)
    steady, moody, resting = (scene.subscribe(desk) for _ in range(3))
    held = scene.subscribe(desk, "held", timeout_seconds=20)

    _kill_worker_in_the_middle_of_sending(chaos, publisher, held)
    # A replay passes over what a dead worker still holds in its name, so nothing of this one may be under way.
    wait_until(lambda: not resting.unresolved(), why="it is at rest", seconds=UNTIL_ALL_ARRIVED_SECONDS)
    resting.do("disable")
    moody.receiver.mode = "down"
    publisher.publish(10)
    _take_away_beat_and_redis(chaos, publisher)
    wait_until(lambda: moody.settings["breaker"] == "open", why="its breaker is open", told=lambda: moody.settings)
    moody.receiver.mode = "up"
    _kill_postgres(chaos, publisher)
    _share_between_two_workers(chaos, publisher, steady)
    replay = _replay_what_was_missed(resting)

    for each in (steady, moody, resting, held):
        assert_everything_arrived(each, published=publisher.published)
    assert moody.settings["breaker"] == "closed"
    wait_until(
        lambda: desk.http.get(f"/webhook-replays/{replay['id']}").json()["status"] == "done", why="the replay is done"
    )
    lost = held.desk.books.value(
        "SELECT count(*) FROM webhooks_attempt WHERE error_class = 'worker_lost' AND endpoint_id = %s",
        to_uuid(held.id, prefix="whe"),
    )
    assert lost >= 5  # each try of the killed worker is in the history


def _kill_worker_in_the_middle_of_sending(chaos: Chaos, publisher: Publisher, held: Subscription) -> None:
    publisher.publish(5)
    wait_until(lambda: len(held.receiver.arrivals) >= 5, why="it is in the middle of sending")
    chaos.kill("worker")
    held.receiver.mode = "up"
    held.receiver.let_go.set()
    publisher.publish(3)  # while nobody delivers
    chaos.start("worker")


def _take_away_beat_and_redis(chaos: Chaos, publisher: Publisher) -> None:
    chaos.kill("beat")
    publisher.publish(3)
    chaos.start("beat")
    chaos.flush_redis()
    publisher.publish(3)
    chaos.kill("redis")
    publisher.publish(3)
    chaos.start("redis")


def _kill_postgres(chaos: Chaos, publisher: Publisher) -> None:
    """Once beside everything that runs, and once with the worker and all that Redis knows."""
    chaos.kill("postgres")
    chaos.start("postgres")
    publisher.publish(3)
    for name in ("worker", "postgres"):
        chaos.kill(name)
    chaos.flush_redis()
    chaos.start("postgres", "worker")


def _share_between_two_workers(chaos: Chaos, publisher: Publisher, steady: Subscription) -> None:
    already = {each.event_id for each in steady.receiver.arrivals}
    with chaos.second_worker():
        publisher.publish(30)
        wait_until(
            lambda: len(steady.receiver.received) == publisher.published, why="two workers sent it all",
            seconds=UNTIL_ALL_ARRIVED_SECONDS,
        )  # fmt: skip
    fresh = [count for event_id, count in steady.receiver.received.items() if event_id not in already]
    assert set(fresh) == {1}, "two workers at once sent something twice"


def _replay_what_was_missed(resting: Subscription) -> dict[str, Any]:
    """Enable what was disabled and send it all that it missed; the replay."""
    wait_until(lambda: len(resting.rows()) == len(resting.expected()), why="its rows are kept")
    missed = [row for row in resting.rows() if row["state"] == "retained"]
    assert len(missed) >= 50
    resting.do("enable")
    answer = resting.desk.http.post(
        "/webhook-replays",
        json={"endpoint_id": resting.id, "states": ["retained"], "reason": "it is back", "rate_per_second": 100},
    )
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    assert started["matched"] == len(missed)
    return started


def test_a_black_hole_and_a_slow_consumer_delay_nobody_else(scene: Scene) -> None:
    desk = scene.chaos.desks["meridian"]
    publisher = Publisher(desk)
    good = scene.subscribe(desk)
    alone = _latencies(good, publisher.publish(20, pause=0.05))

    def swallow(connected: socket.socket) -> None:
        connected.settimeout(30)
        while connected.recv(65536):
            pass

    hole = scene.create(desk, scene.stack.enter_context(raw_endpoint(swallow)), timeout_seconds=30)
    slow = scene.subscribe(desk, "slow", timeout_seconds=30)
    publisher.publish(60)  # far more than both have room for
    beside = _latencies(good, publisher.publish(20, pause=0.05))

    assert max(beside) < AT_ONCE_SECONDS, (alone, beside)
    assert statistics.median(beside) < statistics.median(alone) + 1, (alone, beside)
    assert len(slow.unresolved()) > 40  # they still are at it
    neighbour = Publisher(scene.chaos.desks["northwind"], name="neighbour")
    other = scene.subscribe(neighbour.desk)
    assert max(_latencies(other, neighbour.publish(10, pause=0.05))) < AT_ONCE_SECONDS

    slow.receiver.mode = "up"
    answer = desk.http.delete(f"/webhook-endpoints/{hole}", params={"reason": "nobody is there"})
    assert answer.status_code == 200, answer.text
    assert_everything_arrived(good, published=publisher.published)
    assert_everything_arrived(slow, published=publisher.published - 20)


def _latencies(subscription: Subscription, answered: Sequence[float]) -> list[float]:
    """Seconds from the answer of each of the last postings to the arrival of its event, in the order of the log."""
    many = len(answered)
    wanted = len(subscription.receiver.received)
    wait_until(
        lambda: len(subscription.rows()) >= wanted and not subscription.unresolved()
        and len(subscription.expected()) == len(subscription.receiver.received),
        why="the good one has it all", seconds=30, told=subscription.unresolved,
    )  # fmt: skip
    last = sorted(subscription.receiver.arrivals, key=lambda each: each.sequence)[-many:]
    return [max(0.0, each.at - moment) for each, moment in zip(last, answered, strict=True)]
