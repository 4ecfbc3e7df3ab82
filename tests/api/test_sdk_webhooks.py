"""The SDK's calls about webhooks, events and alarms, over real HTTP: what they send is what the API takes."""

from __future__ import annotations

import asyncio
import base64

import pytest

from tests.api.test_webhook_deliveries import spread
from tests.webhooks.replaying import make_deliveries
from zentra.core.tenancy import TenantRef
from zentra.sdk import AsyncZentra, Conflict, Endpoint, NotFound, Zentra

URL = "https://example.com/hooks"


def test_an_endpoint_lives_its_life(zentra: Zentra) -> None:
    endpoint = zentra.webhook_endpoints.create(url=URL, event_types=["ledger.*"], rate_per_second=50)
    changed = zentra.webhook_endpoints.change(endpoint.id, version=endpoint.version, rate_per_second=None)
    with pytest.raises(Conflict, match="stale_endpoint"):
        zentra.webhook_endpoints.change(endpoint.id, version=endpoint.version, description="late")
    rotated = zentra.webhook_endpoints.rotate_secret(endpoint.id, overlap_seconds=60)
    header = zentra.webhook_endpoints.set_header(endpoint.id, "x-token", value="t", is_sensitive=True)
    old = next(key for key in zentra.webhook_endpoints.secrets(endpoint.id) if key.expires_at is not None)

    assert (changed.rate_per_second, changed.version) == (None, 2)
    assert len({endpoint.secret, rotated.secret}) == 2
    assert (header.name, header.value) == ("x-token", None)
    assert zentra.webhook_endpoints.expire_secret(endpoint.id, old.id).id == old.id
    assert [each.name for each in zentra.webhook_endpoints.headers(endpoint.id)] == ["x-token"]
    assert zentra.webhook_endpoints.remove_header(endpoint.id, "x-token").name == "x-token"
    assert zentra.webhook_endpoints.disable(endpoint.id, reason="r").status == "disabled"
    assert zentra.webhook_endpoints.enable(endpoint.id, reason="r").status == "enabled"
    assert zentra.webhook_endpoints.health(endpoint.id, points=3).health_percent is None
    assert [each.id for each in zentra.webhook_endpoints.iterate(limit=1)] == [endpoint.id]
    assert zentra.webhook_endpoints.remove(endpoint.id, reason="moved").removed_at is not None
    assert zentra.webhook_endpoints.get(endpoint.id).status == "disabled"


def test_what_failed_is_seen_and_sent_again(zentra: Zentra, workspace: TenantRef) -> None:
    endpoint = zentra.webhook_endpoints.create(url=URL)
    make_deliveries(workspace, endpoint.id, "exhausted", 3)
    scope = {"endpoint_id": endpoint.id, "states": ["exhausted"]}

    first = next(zentra.webhook_deliveries.iterate(limit=1, state="exhausted"))
    again = zentra.webhook_deliveries.replay(first.id, reason="back")
    preview = zentra.webhook_replays.preview(scope)
    replay = zentra.webhook_replays.create(scope, reason="all of it", rate_per_second=5)

    assert again.next_attempt_at is not None
    assert zentra.webhook_deliveries.get(first.id).attempt_list == []
    assert zentra.webhook_deliveries.attempts(endpoint_id=endpoint.id).data == []
    assert (preview.matched, replay.matched, replay.status) == (2, 2, "running")
    assert zentra.webhook_replays.cancel(replay.id, reason="enough").status == "canceled"
    assert zentra.webhook_replays.get(replay.id).id == zentra.webhook_replays.list().data[0].id


def test_one_event_and_where_it_went(zentra: Zentra, workspace: TenantRef) -> None:
    old = zentra.webhook_endpoints.create(url=URL, event_types=["account.created"])
    zentra.accounts.create(customer="c", currency="USD", account_type="operating")
    spread(workspace)
    newer = zentra.webhook_endpoints.create(url=URL)
    event = zentra.events.list(type="account.created").data[-1]

    assert b'"account.created"' in base64.b64decode(zentra.events.get(event.id).body_base64)
    assert {each.endpoint_id: each.why for each in zentra.events.deliveries(event.id)} == {
        old.id: "sent", newer.id: "endpoint_newer",
    }  # fmt: skip
    assert zentra.events.send(event.id, endpoint_id=newer.id, reason="missed").event_id == event.id


def test_what_is_not_there_is_not_found(zentra: Zentra) -> None:
    for ask in (
        lambda: zentra.webhook_endpoints.get("whe_" + "0" * 26),
        lambda: zentra.webhook_deliveries.get("dlv_" + "0" * 26),
        lambda: zentra.webhook_replays.get("rpl_" + "0" * 26),
        lambda: zentra.events.get("evt_" + "0" * 26),
        lambda: zentra.alarms.get("alm_" + "0" * 26),
    ):
        with pytest.raises(NotFound):
            ask()
    assert zentra.alarms.list(state="open").data == []


def test_what_can_happen_is_told_with_an_example(zentra: Zentra) -> None:
    kind = zentra.event_types.get("ledger.posted")

    assert kind["name"] == kind.example.type == "ledger.posted"
    assert "ledger.posted" in {each["name"] for each in zentra.event_types.list()}
    with pytest.raises(NotFound):
        zentra.event_types.get("nothing.like_this")


def test_it_can_be_awaited(api_url: str, api_key: str) -> None:
    async def run() -> Endpoint:
        async with AsyncZentra(api_key=api_key, base_url=api_url) as zentra:
            made = await zentra.webhook_endpoints.create(url=URL)
            assert [each.id async for each in zentra.webhook_endpoints.iterate()] == [made.id]
            return await zentra.webhook_endpoints.disable(made.id, reason="r")

    assert asyncio.run(run()).status == "disabled"
