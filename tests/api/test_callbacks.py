"""The callback door: raw bytes, an unguessable connection, refusals recorded where they belong."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.api.ledger_of_writes import Writes
from zentra.core.ids import new_id

Connect = Callable[..., httpx.Client]


def test_an_unknown_connection_is_404_and_recorded_in_platform(connect: Connect, platform_writes: Writes) -> None:
    rail = new_id("rail")

    answer = connect(None).post(f"/providers/{rail}/callbacks", content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connection")
    assert platform_writes.new_types() == {"callback.refused": 1}
    assert platform_writes.new_events()[0]["data"]["rail_id"] == rail


def test_text_that_is_no_id_is_the_same(connect: Connect, platform_writes: Writes) -> None:
    answer = connect(None).post("/providers/visa/callbacks", content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connection")
    assert platform_writes.new_types() == {"callback.refused": 1}


def test_a_key_does_not_help_at_this_door(http: httpx.Client, platform_writes: Writes) -> None:
    answer = http.post(f"/providers/{new_id('rail')}/callbacks", content=b"{}")

    assert answer.json()["code"] == "unknown_connection"
