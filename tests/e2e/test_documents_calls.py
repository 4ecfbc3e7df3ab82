"""The documents' three calls against all of Zentra's processes, by plain HTTP and by both SDK clients."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import FIRST_CALL, rehearsal
from zentra.sdk import AsyncZentra, Zentra

if TYPE_CHECKING:
    from tests.e2e.desks import Desk

pytestmark = pytest.mark.e2e

# As the documents print them, byte for byte.
INTENT = b"""{"intent_id": "intent_042", "scope": "workspace_scope", "money_model": "minor_units + ledger_currency",
 "primitives": ["policy", "ledger", "events"]}"""
ACCOUNT = b"""{"customer": "customer_ref", "currency": "ledger_currency", "account_type": "operating",
 "idempotency_key": "acct_live_042"}"""
ENTRY = b"""{"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 125000,
 "idempotency_key": "led_8172"}"""
SIX_STATES = ["accepted", "controlled", "ledgered", "routed", "synchronized", "evidenced"]
MANY = 150


def post(desk: Desk, path: str, body: bytes, **headers: str) -> httpx.Response:
    answer = desk.http.post(path, content=body, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == 201, answer.text
    return answer


def test_the_first_call_pasted_is_evidenced_and_pasted_again_gives_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    first = post(desk, "/runtime/intents", INTENT)
    again = [post(desk, "/runtime/intents", INTENT) for _ in range(3)]

    desk.wait_for_end("intent_042")
    again.append(post(desk, "/runtime/intents", INTENT))
    assert {each.content for each in again} == {first.content}
    assert {each.headers["idempotent-replayed"] for each in again} == {"true"}
    assert "idempotent-replayed" not in first.headers
    now = desk.http.get("/runtime/intents/intent_042").json()
    assert [step["state"] for step in now["path"]] == SIX_STATES
    assert (now["status"], now["event_stream"], now["audit_packet"]) == ("evidenced", "synchronized", "ready")
    assert (now["mutations"], now["replays"]) == (1, 4)
    assert "Verified" in desk.verify(desk.packet("intent_042"), tmp_path)
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_with_prefer_wait_the_first_call_answers_when_it_is_evidenced(desk: Desk) -> None:
    answer = post(desk, "/runtime/intents", INTENT, Prefer="wait=30").json()

    assert answer["status"] == "evidenced"
    assert answer["ledger_state"].startswith("entry_")
    assert (answer["event_stream"], answer["audit_packet"]) == ("synchronized", "ready")


def test_the_second_and_third_call_do_once_what_they_say(desk: Desk) -> None:
    account, entry = post(desk, "/accounts", ACCOUNT), post(desk, "/ledger-entries", ENTRY)
    assert post(desk, "/accounts", ACCOUNT).content == account.content
    assert post(desk, "/ledger-entries", ENTRY).content == entry.content

    assert (account.json()["status"], account.json()["event"]) == ("active", "account.created")
    assert (entry.json()["status"], entry.json()["event"]) == ("posted", "ledger.entry.created")
    assert entry.json()["evidence"]["minor_units"] == 125_000
    assert desk.books.value("SELECT count(*) FROM ledger_account WHERE customer = 'customer_ref'") == 1
    assert desk.books.value("SELECT count(*) FROM ledger_posting WHERE purpose = 'manual'") == 1
    desk.books.assert_no_drift()


def test_the_sdk_makes_the_three_calls(desk: Desk) -> None:
    with Zentra(api_key=desk.token, base_url=desk.api_url) as zentra:
        intent = zentra.runtime.intents.create(FIRST_CALL, wait=30)
        account = zentra.accounts.create(
            customer="customer_ref", currency="ledger_currency", account_type="operating",
            idempotency_key="acct_live_042",
        )  # fmt: skip
        entry = zentra.ledgers.post(
            debit="customer_balance", credit="reserved_balance", amount_minor=125000, idempotency_key="led_8172"
        )

    assert [step.state for step in intent.path] == SIX_STATES
    assert (account.status, entry.status) == ("active", "posted")
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


async def test_the_awaited_sdk_makes_the_three_calls(desk: Desk) -> None:
    async with AsyncZentra(api_key=desk.token, base_url=desk.api_url) as zentra:
        intent = await zentra.runtime.intents.create(FIRST_CALL, wait=30)
        account = await zentra.accounts.create(
            customer="customer_ref", currency="ledger_currency", account_type="operating",
            idempotency_key="acct_live_042",
        )  # fmt: skip
        entry = await zentra.ledgers.post(
            debit="customer_balance", credit="reserved_balance", amount_minor=125000, idempotency_key="led_8172"
        )

    assert [step.state for step in intent.path] == SIX_STATES
    assert (account.status, entry.status) == ("active", "posted")


def test_one_intent_from_fifty_threads_is_one_intent_with_fifty_identical_answers(desk: Desk) -> None:
    together = threading.Barrier(50)

    def send(_: int) -> httpx.Response:
        together.wait(timeout=30)
        return post(desk, "/runtime/intents", INTENT)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))

    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    intent = desk.wait_for_end("intent_042")["intent_042"]
    assert (intent["status"], intent["mutations"], intent["replays"]) == ("evidenced", 1, 49)
    assert len(desk.books.intents()) == 1
    assert desk.books.purposes("intent_042") == ["reserve", "success", "settle"]
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_the_rehearsal_movement_does_not_wear_out(desk: Desk) -> None:
    names = [f"intent_{number:05d}" for number in range(MANY)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: desk.send(rehearsal(name)), names))

    assert {answer["status"] for answer in answers} == {"ledgered"}
    ended = desk.wait_for_end(*names, seconds=150)
    assert {intent["status"] for intent in ended.values()} == {"evidenced"}
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
