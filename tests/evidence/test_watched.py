"""The whole suite is watched: code that records what its type does not declare fails the test that made it do so."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.operations import record_events
from evidence.types import NewEvent
from tests.evidence.conforming import Undeclared
from zentra.core import actors, clock
from zentra.core.tenancy import TenantRef, tenant_work

ACCOUNT = "acct_01jd3x7c2m9v5t0qk8w4z6r1bn"


def record_as_code_of_ours(ws: TenantRef, data: dict[str, Any]) -> None:
    """As a file outside of the tests would."""
    code = compile("record_events(events=[event], now=now)", "/zentra/somewhere.py", "exec")
    event = NewEvent("account.changed", actors.LEDGER, data)
    with tenant_work(ws):
        exec(code, {"record_events": record_events, "event": event, "now": clock.now()})


def test_a_declared_event_passes(workspace: TenantRef) -> None:
    record_as_code_of_ours(workspace, {"account_id": ACCOUNT, "fields": ["name"]})


@pytest.mark.parametrize(
    "data",
    [
        {"account_id": ACCOUNT, "fields": ["name"], "name": "somebody"},
        {"account_id": ACCOUNT},
        {"account_id": ACCOUNT, "fields": "name"},
        {"account_id": "a", "fields": []},
    ],
)
def test_what_is_not_declared_fails(workspace: TenantRef, data: dict[str, Any]) -> None:
    with pytest.raises(Undeclared):
        record_as_code_of_ours(workspace, data)


def test_what_a_test_makes_up_passes(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        record_events(events=[NewEvent("account.changed", actors.LEDGER, {"made": "up"})], now=clock.now())
