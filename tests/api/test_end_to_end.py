"""The first call of the documents against all of Zentra's processes: evidenced, and proven by its packet."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.workspaces import issue_token
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_sandbox_rails
from zentra.routing.providers.sandbox import register
from zentra.routing.queries import list_registrations
from zentra.sdk import Zentra

if TYPE_CHECKING:
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.e2e

INTENT = {
    "intent_id": "intent_042",
    "scope": "workspace_scope",
    "money_model": "minor_units + ledger_currency",
    "primitives": ["policy", "ledger", "events"],
}


def connect_rails(workspace: TenantRef, served: ServedZentra) -> None:
    """What the seed does: both simulated rails, told where this workspace's callbacks go."""
    with tenant_work(workspace):
        url = f"http://127.0.0.1:{served.ports.rails}"
        connect_sandbox_rails(ws=workspace, sandbox_url=url, now=clock.now())
        registrations = list_registrations(callback_base_url=served.base_url)
    register(registrations)


def test_the_first_call_waits_until_it_is_evidenced(served: ServedZentra, workspace: TenantRef) -> None:
    connect_rails(workspace, served)
    with Zentra(api_key=issue_token(workspace), base_url=served.api_url) as zentra:
        intent = zentra.runtime.intents.create(INTENT, wait=30)

        assert intent.status == "evidenced", intent.to_dict()
        assert (intent.final_state, intent.audit_packet) == ("evidenced", "ready")
        assert intent.event_stream in {"synchronized", "degraded"}
        assert [step.state for step in intent.path] == [
            "accepted", "controlled", "ledgered", "routed", "synchronized", "evidenced",
        ]  # fmt: skip
        packet = zentra.audit_packets.download("intent_042")
        assert zipfile.ZipFile(io.BytesIO(packet.content)).testzip() is None
        replay = zentra.runtime.intents.create(INTENT)
        assert replay.status == "ledgered"
        assert replay.answer is not None
        assert replay.answer.replayed
