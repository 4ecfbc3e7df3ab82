"""The catch-up: what a rail told us and we did not hear is asked for and taken in by the same path, once."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection

from tests.webhooks import signed_callbacks as sign
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent
from tests.webhooks.work import event_rows
from webhooks.inbound.polling import PollInProgress, due_rails
from webhooks.operations import poll_rail
from webhooks.queries import CallbackFilter, PollResult, PollState, list_callbacks, list_quarantine, poll_states
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.errors import RailUnknown
from zentra.routing.operations import change_rail, set_callback_scheme

ADMIN = Actor(kind="user", id="usr_admin", role="admin")


@dataclass
class Teller:
    """A rail's list of events: what it says, and how often it was asked."""

    intent: RoutedIntent
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    page: int = 100
    status: int = 200
    during: Callable[[], None] | None = None

    def tell(self, outcome: str, **changes: Any) -> None:
        event_id, body = self.intent.event(outcome, **changes)
        self.told.append((self.intent.headers(event_id, body), body))

    def answer(self, query: dict[str, list[str]]) -> bytes:
        if self.during is not None:
            self.during()
        after = int(query.get("after", ["0"])[0] or 0)
        chosen = self.told[after : after + self.page]
        data = [
            {"cursor": str(after + n + 1), "headers": headers, "body_base64": base64.b64encode(body).decode()}
            for n, (headers, body) in enumerate(chosen)
        ]
        said = {"data": data, "has_more": after + len(chosen) < len(self.told)}
        return json.dumps(said).encode()

    def poll(self) -> PollResult:
        return poll_rail(rail_id=self.intent.rail_id, now=clock.now())

    def state(self) -> PollState:
        with tenant_work(self.intent.ws):
            return next(each for each in poll_states() if each.rail_id == self.intent.rail_id)


@pytest.fixture
def teller(workspace: TenantRef) -> Iterator[Teller]:
    """A rail that accepted a payment, said no more by itself, and has a list of what it would have said."""
    with accepting_rail(workspace):
        told = Teller(routed_intent(workspace))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            told.asked.append(query)
            body = told.answer(query)
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with tenant_work(workspace):
        change_rail(rail_id=told.intent.rail_id, base_url=f"http://127.0.0.1:{server.server_port}")
    yield told
    server.shutdown()
    server.server_close()


def kept(teller: Teller) -> list[tuple[str, str]]:
    with tenant_work(teller.intent.ws):
        return [(each.source, each.state) for each in reversed(list_callbacks().rows)]


def test_what_was_missed_is_taken_in_once_and_told(teller: Teller) -> None:
    teller.tell("succeeded")
    teller.tell("settled")

    result = teller.poll()

    assert result == PollResult(asked=2, found=2)
    assert teller.intent.purposes() == ["reserve", "success", "settle"]
    assert kept(teller) == [("poll", "applied"), ("poll", "applied")]
    [said] = event_rows(teller.intent.ws, "rail.polled")
    assert (said["data"]["found"], said["data"]["asked"]) == (2, 2)
    assert {each["data"]["source"] for each in event_rows(teller.intent.ws, "callback.applied")} == {"poll"}
    assert teller.poll() == PollResult(asked=0, found=0)
    assert teller.asked[-1]["after"] == ["2"]
    state = teller.state()
    assert (state.cursor, state.found, state.asked, state.failures, state.last_error) == ("2", 2, 2, 0, "")
    assert len(event_rows(teller.intent.ws, "rail.polled")) == 1


def test_what_came_by_itself_is_passed_over_without_a_trace(teller: Teller) -> None:
    teller.intent.tell("succeeded")
    before = teller.intent.now()
    teller.tell("succeeded")
    teller.tell("settled")

    assert teller.poll() == PollResult(asked=2, found=1)

    assert kept(teller) == [("callback", "applied"), ("poll", "applied")]
    assert teller.intent.now().replays == before.replays
    assert event_rows(teller.intent.ws, "callback.replayed") == []


def test_the_callback_that_comes_after_all_is_a_repeat(teller: Teller) -> None:
    teller.tell("succeeded")
    teller.poll()
    assert teller.intent.tell("succeeded").state == "duplicate"
    assert teller.intent.purposes() == ["reserve", "success"]


def test_a_long_list_is_read_page_by_page(teller: Teller) -> None:
    teller.page = 1
    for outcome in ("accepted", "succeeded", "settled"):
        teller.tell(outcome)

    assert teller.poll().asked == 3
    assert [query["after"] for query in teller.asked] == [[""], ["1"], ["2"]]
    assert {tuple(query["connection_id"]) for query in teller.asked} == {(teller.intent.rail_id,)}


def test_a_list_that_cannot_be_verified_is_not_read_on(teller: Teller) -> None:
    teller.tell("succeeded")
    event_id, body = teller.intent.event("settled")
    teller.told.append((teller.intent.headers(event_id, body, secret=sign.FORGED), body))
    teller.tell("settled", id="pev_good")

    result = teller.poll()

    assert (result.found, result.error.partition(":")[0]) == (1, "invalid_signature")
    assert teller.state().cursor == "1"
    assert teller.intent.purposes() == ["reserve", "success"]
    assert len(event_rows(teller.intent.ws, "callback.refused")) == 1


def test_poison_in_the_list_is_quarantined_and_the_rest_goes_on(teller: Teller) -> None:
    teller.told.append((teller.intent.headers("pev_poison", b"{"), b"{"))
    teller.tell("settled")

    assert teller.poll().error == ""

    with tenant_work(teller.intent.ws):
        assert [row.code for row in list_quarantine().rows] == ["malformed_callback"]
        [held] = list_callbacks(where=CallbackFilter(states=("quarantined",))).rows
    assert held.source == "poll"
    assert teller.intent.purposes() == ["reserve", "success", "settle"]
    assert teller.poll() == PollResult(asked=0, found=0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": 1}', b'{"data": [{}], "has_more": 1}', b"x" * 100])
def test_an_answer_that_cannot_be_read_keeps_the_place(
    teller: Teller, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(Teller, "answer", lambda *_: body)
    assert teller.poll().error
    assert (teller.state().cursor, teller.state().failures) == ("", 1)


def test_a_rail_that_fails_is_asked_less_and_less_and_then_heals(teller: Teller) -> None:
    teller.status = 500
    waits = []
    for _ in range(3):
        teller.poll()
        state = teller.state()
        assert state.next_at is not None
        waits.append(round((state.next_at - clock.now()).total_seconds(), -1))
    assert waits == [60, 120, 240]
    assert teller.state().failures == 3

    teller.status = 200
    teller.tell("succeeded")
    assert teller.poll().found == 1
    healed = teller.state()
    assert (healed.failures, healed.last_error) == (0, "")


def test_a_rail_is_due_again_after_its_time_and_not_before(teller: Teller) -> None:
    ws, rail_id = teller.intent.ws, teller.intent.rail_id
    with tenant_work(ws):
        assert rail_id in due_rails(now=clock.now())
    teller.poll()
    with tenant_work(ws):
        assert rail_id not in due_rails(now=clock.now())
        assert rail_id in due_rails(now=clock.now() + timedelta(seconds=31))


def test_no_lock_and_no_transaction_is_held_while_the_rail_answers(teller: Teller) -> None:
    """The rail itself calls us back while it is asked, and somebody else reads the state that we would lock."""
    seen: list[object] = []

    def during() -> None:
        seen.append(teller.intent.tell("succeeded").state)
        with pytest.raises(PollInProgress):
            teller.poll()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state = 'idle in transaction' AND datname = current_database()"
            )
            seen.append(cursor.fetchone()[0])
        connection.close()

    teller.during = during
    teller.tell("succeeded")

    assert teller.poll() == PollResult(asked=1, found=0)
    assert seen == ["applied", 0]


def test_two_who_ask_at_once_find_it_once(teller: Teller) -> None:
    teller.tell("succeeded")
    start, found = threading.Barrier(3), []

    def ask() -> None:
        start.wait()
        try:
            found.append(teller.poll().found)
        except PollInProgress:
            found.append(0)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(found) == 1
    assert kept(teller) == [("poll", "applied")]


def test_another_scheme_is_verified_in_the_list_as_in_a_callback(teller: Teller) -> None:
    with tenant_work(teller.intent.ws):
        set_callback_scheme(
            rail_id=teller.intent.rail_id, scheme="stripe", secret=sign.TEXT, actor=ADMIN, now=clock.now()
        )
    body = teller.intent.event("succeeded")[1]
    teller.told.append((sign.stripe(body, clock.now()), body))

    assert teller.poll() == PollResult(asked=1, found=1)
    assert teller.poll() == PollResult(asked=0, found=0)


@pytest.mark.parametrize("rail_id", ["rail_01m7z693wke00v3evjg7aykx2x", "nonsense", ""])
def test_an_unknown_rail_is_refused(database: None, rail_id: str) -> None:
    with pytest.raises(RailUnknown):
        poll_rail(rail_id=rail_id, now=clock.now())
