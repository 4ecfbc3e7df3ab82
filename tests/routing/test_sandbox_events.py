"""The simulators' list of what they told, and how they sign it: by whichever scheme the connection was given."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.routing.processes import CONNECTION, SECRET, CallbackReceiver, SimulatorProcess, free_port, wait_until
from webhooks.inbound.schemes import verify_callback
from webhooks.signing import InvalidSignature
from zentra.core.clock import now
from zentra.routing.providers.sandbox import SandboxRail, register
from zentra.routing.schemes import SCHEME_NAMES, check_secret_for, new_secret_for, read_scheme
from zentra.routing.types import CallbackKeys, Registration


@pytest.fixture
def deaf() -> Iterator[CallbackReceiver]:
    """A receiver that refuses everything: whatever is told by callback is missed."""
    receiver = CallbackReceiver(status=503)
    receiver.start()
    yield receiver
    receiver.stop()


def events(simulator: SimulatorProcess, after: str = "", limit: int = 100, **query: str) -> dict[str, Any]:
    asked = {"connection_id": CONNECTION, "after": after, "limit": str(limit), "older_than_ms": "0"} | query
    body: dict[str, Any] = simulator.get("/rail_a/events", **asked).json()
    return body


def bodies(page: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each["body_base64"]) for each in page["data"]]


def types(page: dict[str, Any]) -> list[str]:
    return [body.split(b'"type":"')[1].split(b'"')[0].decode() for body in bodies(page)]


def wait_for(simulator: SimulatorProcess, count: int) -> dict[str, Any]:
    wait_until(lambda: len(events(simulator)["data"]) >= count)
    return events(simulator)


def test_what_failed_to_arrive_is_listed_exactly_as_it_was_sent(
    simulator: SimulatorProcess, deaf: CallbackReceiver
) -> None:
    simulator.register(deaf.url)
    simulator.pay("key_1")

    page = wait_for(simulator, 2)

    assert types(page) == ["payment.succeeded", "payment.settled"]
    wait_until(lambda: len(deaf.received) >= 2)
    assert {each.body for each in deaf.received} == set(bodies(page))
    keys = CallbackKeys(read_scheme("standard_webhooks", {}), (SECRET,))
    for each, body in zip(page["data"], bodies(page), strict=True):
        assert verify_callback(headers=each["headers"], body=body, keys=keys, now=now()).event_id


def test_a_lost_response_and_a_late_one_are_listed_when_they_are_due(
    simulator: SimulatorProcess, deaf: CallbackReceiver
) -> None:
    simulator.register(deaf.url)
    with pytest.raises(httpx.HTTPError):
        simulator.pay("key_lost", scenario="lost_response")
    simulator.pay("key_late", scenario="late")

    page = wait_for(simulator, 5)
    lost = [body for body in bodies(page) if b'"reference":"key_lost"' in body]
    assert types(page)[:3] == ["payment.accepted", "payment.succeeded", "payment.settled"]
    assert bodies(page)[:3] == lost
    assert types(page)[3:] == ["payment.succeeded", "payment.settled"]


def test_the_list_goes_on_after_a_cursor_and_postponing_changes_no_place(
    simulator: SimulatorProcess, deaf: CallbackReceiver
) -> None:
    simulator.register(deaf.url)
    simulator.pay("key_1")
    first = wait_for(simulator, 2)
    half = events(simulator, limit=1)
    assert (half["has_more"], half["next_after"]) == (True, half["data"][-1]["cursor"])

    rest = events(simulator, after=half["next_after"])

    assert bodies(half) + bodies(rest) == bodies(first)
    wait_until(lambda: len(deaf.received) >= 4)  # told again meanwhile
    assert [each["cursor"] for each in events(simulator)["data"]] == [each["cursor"] for each in first["data"]]
    assert events(simulator, after=rest["next_after"])["data"] == []


def test_only_the_connections_own_events_are_listed_and_no_hostile_ones(
    simulator: SimulatorProcess, deaf: CallbackReceiver
) -> None:
    simulator.register(deaf.url)
    simulator.pay("key_1", scenario="malformed")
    page = wait_for(simulator, 2)
    assert types(page) == ["payment.succeeded", "payment.settled"]
    assert events(simulator, connection_id="rail_of_somebody_else")["data"] == []


def test_what_is_on_its_way_is_not_missing(simulator: SimulatorProcess, deaf: CallbackReceiver) -> None:
    simulator.register(deaf.url)
    simulator.pay("key_1")
    wait_for(simulator, 2)
    assert events(simulator, older_than_ms="60000")["data"] == []


@pytest.mark.parametrize("after", ["x", "-1.0", "1", "1.2.3", "9" * 40 + ".1"])
def test_a_cursor_that_is_none_is_refused(simulator: SimulatorProcess, after: str) -> None:
    assert simulator.get("/rail_a/events", connection_id=CONNECTION, after=after).status_code == 400


def test_the_adapter_reads_the_list(simulator: SimulatorProcess, deaf: CallbackReceiver) -> None:
    simulator.register(deaf.url)
    simulator.pay("key_1")
    wait_for(simulator, 2)
    rail = SandboxRail(f"{simulator.url}/rail_a")

    def told() -> int:
        return len(rail.list_events(connection_id=CONNECTION, after="", limit=100).events)

    wait_until(lambda: told() == 2)  # the list leaves out the last two seconds
    page = rail.list_events(connection_id=CONNECTION, after="", limit=1)
    assert (page.has_more, page.error) == (True, "")
    rest = rail.list_events(connection_id=CONNECTION, after=page.events[0].cursor, limit=5)
    assert [b"settled" in each.body for each in rest.events] == [True]
    nobody = SandboxRail(f"http://127.0.0.1:{free_port()}/rail_a")
    assert nobody.list_events(connection_id=CONNECTION, after="", limit=1).error


@pytest.mark.parametrize("scheme", SCHEME_NAMES)
def test_callbacks_are_signed_by_the_scheme_of_the_connection(
    simulator: SimulatorProcess, receiver: CallbackReceiver, scheme: Any
) -> None:
    settings = {"timestamp_header": "x-moment"} if scheme == "hmac_hex" else {}
    chosen = read_scheme(scheme, settings)
    secret = check_secret_for(scheme, new_secret_for(scheme, is_simulated=True), is_simulated=True)
    register([Registration(f"{simulator.url}/rail_a", CONNECTION, receiver.url, secret, chosen)])
    simulator.pay("key_1", scenario="malformed")
    keys = CallbackKeys(chosen, (secret,))

    wait_until(lambda: len(receiver.received) >= 6)

    def verdict(headers: dict[str, str], body: bytes) -> str:
        try:
            return verify_callback(headers=headers, body=body, keys=keys, now=now()).scheme
        except InvalidSignature as refused:
            return refused.code

    verdicts = [verdict(each.headers, each.body) for each in receiver.received]
    # The garbage is rightly signed, forged, stale and unsigned are refused, and the two good ones hold.
    assert sorted(verdicts.count(code) for code in set(verdicts)) == [1, 2, 3]
    assert verdicts.count("stale_signature") == 1
    assert verdicts.count("invalid_signature") == 2


def test_an_unknown_scheme_is_refused_by_the_simulator(simulator: SimulatorProcess) -> None:
    body: dict[str, object] = {"connection_id": "c", "callback_url": "http://x.test", "secret": "s", "scheme": "md5"}
    assert simulator.post("/rail_a/connections", body).status_code == 400


def test_a_file_of_an_earlier_version_is_brought_up(tmp_path: Path) -> None:
    state = tmp_path / "old.sqlite3"
    old = sqlite3.connect(state)
    old.executescript(
        "CREATE TABLE connection (rail TEXT NOT NULL, id TEXT NOT NULL, callback_url TEXT NOT NULL,"
        " secret TEXT NOT NULL, PRIMARY KEY (rail, id)) STRICT;"
        "CREATE TABLE callback (number INTEGER PRIMARY KEY AUTOINCREMENT, rail TEXT NOT NULL, key TEXT NOT NULL,"
        " connection_id TEXT NOT NULL, type TEXT NOT NULL, variant TEXT NOT NULL, webhook_id TEXT NOT NULL,"
        " body TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER,"
        " done_ms INTEGER) STRICT;"
        f"INSERT INTO connection VALUES ('rail_a', '{CONNECTION}', 'http://127.0.0.1:9/', '{SECRET}');"
        "INSERT INTO callback (rail, key, connection_id, type, variant, webhook_id, body, due_ms) VALUES"
        f" ('rail_a', 'k', '{CONNECTION}', 'payment.settled', 'good', 'pev_old',"
        ' \'{"type":"payment.settled"}\', 5);'
    )
    old.commit()
    old.close()

    simulator = SimulatorProcess(state, free_port())
    try:
        simulator.start()
        page = events(simulator)
    finally:
        simulator.close()

    assert types(page) == ["payment.settled"]
    assert page["data"][0]["headers"]["webhook-id"] == "pev_old"
