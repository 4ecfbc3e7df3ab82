"""The callback door: raw bytes, an unguessable connection, refusals recorded where they belong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook

from tests.api.ledger_of_writes import Writes
from zentra.core import clock
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail, new_callback_secret

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


@pytest.fixture
def secret() -> str:
    return new_callback_secret()


@pytest.fixture
def rail(workspace: TenantRef, secret: str) -> str:
    """The id of a connected rail."""
    with tenant_work(workspace):
        made = connect_rail(ws=workspace, name="rail_x", base_url="http://127.0.0.1:9", secret=secret, now=clock.now())
    return made.id


def signed(body: bytes, secret: str, *, at: datetime | None = None, message_id: str = "cb_1") -> dict[str, str]:
    moment = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body.decode()),
        "content-type": "application/json",
    }


BODY = json.dumps({"type": "payment.succeeded", "data": {}}).encode()


def test_a_forged_callback_is_401_and_recorded_in_that_workspace(
    connect: Connect, rail: str, workspace: TenantRef
) -> None:
    writes = Writes(workspace)

    answer = connect(None).post(
        f"/providers/{rail}/callbacks", content=BODY, headers=signed(BODY, new_callback_secret())
    )

    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert writes.new_rows() == {}
    assert writes.new_types() == {"callback.refused": 1}


@pytest.mark.parametrize("age", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_stale_callback_is_401(
    connect: Connect, rail: str, secret: str, workspace: TenantRef, age: timedelta
) -> None:
    writes = Writes(workspace)

    answer = connect(None).post(
        f"/providers/{rail}/callbacks", content=BODY, headers=signed(BODY, secret, at=datetime.now(UTC) + age)
    )

    assert answer.status_code == 401, answer.text
    assert writes.new_rows() == {}
    assert writes.new_types() == {"callback.refused": 1}


@pytest.mark.parametrize("headers", [{}, {"webhook-id": "x"}, {"webhook-signature": "v1,%%%", "webhook-id": "x",
                                     "webhook-timestamp": "soon"}])  # fmt: skip
def test_an_unsigned_or_mangled_callback_is_401_and_never_500(
    connect: Connect, rail: str, workspace: TenantRef, headers: dict[str, str]
) -> None:
    writes = Writes(workspace)

    answer = connect(None).post(f"/providers/{rail}/callbacks", content=BODY, headers=headers)

    assert answer.status_code == 401, answer.text
    assert writes.new_rows() == {}


def test_a_changed_byte_is_401(connect: Connect, rail: str, secret: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)

    answer = connect(None).post(f"/providers/{rail}/callbacks", content=BODY + b" ", headers=signed(BODY, secret))

    assert answer.status_code == 401, answer.text
    assert writes.new_rows() == {}
