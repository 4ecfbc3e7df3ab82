"""kill -9 of anything at any moment: no lost or doubled money, work resumes, nobody has to act (PRODUCT 4: 10)."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet
from tests.e2e.books import END_STATES, HELD, assert_nothing_lost_or_doubled, intent_of
from tests.e2e.chaos import PROCESSES, SERVERS, Chaos, Traffic, running_chaos
from tests.e2e.desks import rehearsal
from tests.e2e.waiting import wait_until
from tests.webhooks.servers import raw_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.desks import Desk

pytestmark = pytest.mark.e2e
INTENTS_AT_LEAST = 40
# A dead worker's items are free again after their lease of 60 s.
UNTIL_ALL_ENDED_SECONDS = 180.0


@pytest.fixture(scope="module")
def chaos() -> Iterator[Chaos]:
    with running_chaos() as running:
        yield running


@pytest.fixture
def northwind(chaos: Chaos) -> Desk:
    return chaos.desks["northwind"]


@pytest.fixture
def meridian(chaos: Chaos) -> Desk:
    return chaos.desks["meridian"]


def test_each_part_is_killed_under_traffic_and_every_intent_comes_to_its_end(
    chaos: Chaos, northwind: Desk, tmp_path: Path
) -> None:
    traffic = Traffic(northwind)

    def moves_on(by: int) -> None:
        """Let so many more intents be accepted."""
        wanted = len(traffic.accepted) + by
        wait_until(lambda: len(traffic.accepted) >= wanted, why=f"{by} more intents were accepted")

    def is_noticed() -> None:
        """Wait until a client could not get through."""
        seen = traffic.failures
        wait_until(lambda: traffic.failures > seen, why="a client noticed")

    with traffic.flowing():
        moves_on(4)
        for name in ("worker", "beat", "sealer", "watch", "rails", "redis"):
            chaos.kill(name)
            moves_on(3)  # intake goes on without it
            chaos.start(name)
        for name in ("web", "postgres"):
            chaos.kill(name)
            is_noticed()
            chaos.start(name)
            moves_on(2)
        for name in (*PROCESSES, *SERVERS):  # all of it at once, as when a machine dies
            chaos.kill(name)
        is_noticed()
        chaos.start(*SERVERS, *PROCESSES)
        moves_on(2)
        chaos.flush_redis()
        moves_on(max(2, INTENTS_AT_LEAST - len(traffic.accepted)))

    assert traffic.refused == []
    names = list(traffic.accepted)
    ended = northwind.wait_for_end(*names, seconds=UNTIL_ALL_ENDED_SECONDS)
    by_status = Counter(intent["status"] for intent in ended.values())
    assert set(by_status) <= END_STATES | {HELD}, by_status
    assert by_status["evidenced"] >= INTENTS_AT_LEAST // 2, by_status
    assert set(northwind.books.intents()) == set(names)
    assert_nothing_lost_or_doubled(northwind.books, northwind.simulators)
    for name in names:
        again = northwind.http.get(f"/runtime/intents/{name}").json()
        assert again["mutations"] == (0 if again["status"] in {"declined", HELD} else 1)
        if ended[name]["status"] != HELD:
            verify_packet(northwind.packet(name), Verifier.parse(northwind.evidence_key))
    assert "Verified" in northwind.verify(northwind.packet(names[0]), tmp_path)


def test_what_was_answered_before_the_deaths_is_answered_the_same_after(northwind: Desk) -> None:
    """A repeat of the first intent of the traffic, whose answer was stored before PostgreSQL was killed."""
    stored = northwind.books.rows(
        "SELECT key, body FROM idempotency_key WHERE operation LIKE '%%intents%%' ORDER BY key"
    )

    assert stored
    first = northwind.books.intent(str(stored[0]["key"]))
    body = {
        "intent_id": first["intent_id"], "kind": first["kind"], "amount_minor": first["amount_minor"],
        "currency": first["currency"],
    }  # fmt: skip
    answer = northwind.http.post("/runtime/intents", json=body)
    assert (answer.status_code, answer.content) == (201, bytes(stored[0]["body"]))


def test_a_worker_killed_around_sending_neither_loses_nor_repeats_a_payment(chaos: Chaos, meridian: Desk) -> None:
    """Two intents: the rail never saw the first; it executed the second, and nobody heard its answer."""
    unsent, unheard, over = threading.Event(), threading.Event(), threading.Event()

    def stand_in_the_way(connection: socket.socket) -> None:
        connection.settimeout(10)
        request = _read_request(connection)
        if b"intent_unsent" in request:
            unsent.set()
        else:
            with socket.create_connection(("127.0.0.1", chaos.served.ports.rails), timeout=10) as rail:
                rail.sendall(request)
                assert rail.recv(12) == b"HTTP/1.1 202"
            unheard.set()
        over.wait(timeout=60)

    with raw_endpoint(stand_in_the_way) as url:
        back = _lead_rail_a_to(meridian, url.replace("/hook", "/rail_a"))
        for name in ("intent_unsent", "intent_unheard"):
            meridian.send(rehearsal(name))
        assert unsent.wait(timeout=30)
        assert unheard.wait(timeout=30)
        chaos.kill("worker")
        over.set()
    _lead_rail_a_to(meridian, back)
    [begun] = meridian.books.rows("SELECT state FROM routing_attempt WHERE intent_id = 'intent_unsent'")
    assert begun["state"] in {"started", "unknown"}
    executed = meridian.simulators.list_executed(meridian.books.rail_ids())
    assert [intent_of(payment) for payment in executed] == ["intent_unheard"]

    chaos.start("worker")

    ended = meridian.wait_for_end("intent_unsent", "intent_unheard", seconds=UNTIL_ALL_ENDED_SECONDS)
    assert {name: (intent["status"], intent["rail"]) for name, intent in ended.items()} == {
        "intent_unsent": ("evidenced", "rail_b"),  # asked for, fenced off, sent elsewhere
        "intent_unheard": ("evidenced", "rail_a"),
    }
    assert _attempts(meridian, "intent_unsent") == ["not_found", "settled"]
    assert _attempts(meridian, "intent_unheard") == ["settled"]
    assert_nothing_lost_or_doubled(meridian.books, meridian.simulators)


def _attempts(desk: Desk, intent_id: str) -> list[str]:
    return [
        str(row["state"])
        for row in desk.books.rows("SELECT state FROM routing_attempt WHERE intent_id = %s ORDER BY number", intent_id)
    ]


def _lead_rail_a_to(desk: Desk, url: str) -> str:
    """Change where rail_a is reached; the address before."""
    before = str(desk.books.value("SELECT base_url FROM routing_rail WHERE name = 'rail_a'"))
    assert desk.books.change("UPDATE routing_rail SET base_url = %s WHERE name = 'rail_a'", url) == 1
    return before


def _read_request(connection: socket.socket) -> bytes:
    """One whole HTTP request with a Content-Length."""
    content = b""
    while True:
        content += connection.recv(65536)
        head, found, rest = content.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if found and length and len(rest) >= int(length[1]):
            return content
