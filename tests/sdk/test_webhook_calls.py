"""The calls about webhooks and alarms: what is sent, how it is read, and that both clients have the same."""

import asyncio
import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from zentra.sdk import AsyncZentra, ConfigurationError, MockTransport, Zentra, _webhook_resources
from zentra.sdk import _webhook_resources_async as awaited

PAGE = {"data": [{"id": "x"}], "next_cursor": None, "has_more": False}
URL = "https://example.com/hooks"
SINCE = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


@pytest.fixture
def zentra(mock: MockTransport) -> Zentra:
    return Zentra(api_key="zk_test_mock", base_url="https://zentra.test", transport=mock)


WRITES: list[tuple[Any, str, str, dict[str, Any] | None]] = [
    (lambda z: z.webhook_endpoints.create(url=URL), "POST", "/webhook-endpoints", {"url": URL}),
    (lambda z: z.webhook_endpoints.change("whe_1", version=3, description="d"), "PATCH", "/webhook-endpoints/whe_1",
     {"version": 3, "description": "d"}),
    (lambda z: z.webhook_endpoints.remove("whe_1"), "DELETE", "/webhook-endpoints/whe_1", None),
    (lambda z: z.webhook_endpoints.enable("whe_1", reason="r"), "POST", "/webhook-endpoints/whe_1/enable",
     {"reason": "r"}),
    (lambda z: z.webhook_endpoints.disable("whe_1", reason="r"), "POST", "/webhook-endpoints/whe_1/disable",
     {"reason": "r"}),
    (lambda z: z.webhook_endpoints.test("whe_1"), "POST", "/webhook-endpoints/whe_1/test", {}),
    (lambda z: z.webhook_endpoints.rotate_secret("whe_1", overlap_seconds=60), "POST",
     "/webhook-endpoints/whe_1/secrets/rotate", {"kind": "hmac", "overlap_seconds": 60}),
    (lambda z: z.webhook_endpoints.expire_secret("whe_1", "s_1"), "POST",
     "/webhook-endpoints/whe_1/secrets/s_1/expire", {}),
    (lambda z: z.webhook_endpoints.set_header("whe_1", "x-team", value="v"), "PUT",
     "/webhook-endpoints/whe_1/headers/x-team", {"value": "v", "is_sensitive": False}),
    (lambda z: z.webhook_endpoints.remove_header("whe_1", "x-team"), "DELETE",
     "/webhook-endpoints/whe_1/headers/x-team", None),
    (lambda z: z.webhook_deliveries.replay("dlv_1", reason="r"), "POST", "/webhook-deliveries/dlv_1/replay",
     {"reason": "r"}),
    (lambda z: z.webhook_replays.preview(endpoint_id="whe_1", since=SINCE), "POST", "/webhook-replays/preview",
     {"endpoint_id": "whe_1", "since": "2026-04-01T00:00:00Z"}),
    (lambda z: z.webhook_replays.create(endpoint_id="whe_1", reason="r"), "POST", "/webhook-replays",
     {"endpoint_id": "whe_1", "reason": "r"}),
    (lambda z: z.webhook_replays.cancel("rpl_1", reason="r"), "POST", "/webhook-replays/rpl_1/cancel", {"reason": "r"}),
    (lambda z: z.events.send("evt_1", endpoint_id="whe_1", reason="r"), "POST", "/events/evt_1/deliveries",
     {"endpoint_id": "whe_1", "reason": "r"}),
    (lambda z: z.alarms.acknowledge("alarm_1", note="n"), "POST", "/alarms/alarm_1/acknowledge", {"note": "n"}),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "method", "path", "body"), WRITES, ids=[f"{m} {p}" for _, m, p, _ in WRITES])
def test_a_write_is_sent_as_the_api_names_it_and_brings_a_key(
    zentra: Zentra, mock: MockTransport, ask: Any, method: str, path: str, body: dict[str, Any] | None
) -> None:
    mock.answer(method, path, json={"id": "x", "status": "done"})

    assert ask(zentra).status == "done"
    assert mock.requests[0].json == body
    assert len(mock.requests[0].headers["idempotency-key"]) == 36


READS: list[tuple[Any, str, dict[str, str]]] = [
    (lambda z: z.webhook_endpoints.list(status="disabled"), "/webhook-endpoints", {"status": "disabled"}),
    (lambda z: z.webhook_endpoints.get("whe_1"), "/webhook-endpoints/whe_1", {}),
    (lambda z: z.webhook_endpoints.secrets("whe_1"), "/webhook-endpoints/whe_1/secrets", {}),
    (lambda z: z.webhook_endpoints.headers("whe_1"), "/webhook-endpoints/whe_1/headers", {}),
    (lambda z: z.webhook_endpoints.health("whe_1", since=SINCE, points=24), "/webhook-endpoints/whe_1/health",
     {"since": "2026-04-01T00:00:00Z", "points": "24"}),
    (lambda z: z.webhook_deliveries.list(state="exhausted", endpoint_id="whe_1"), "/webhook-deliveries",
     {"state": "exhausted", "endpoint_id": "whe_1"}),
    (lambda z: z.webhook_deliveries.get("dlv_1"), "/webhook-deliveries/dlv_1", {}),
    (lambda z: z.webhook_deliveries.attempts(error_class="timeout"), "/webhook-attempts", {"error_class": "timeout"}),
    (lambda z: z.webhook_replays.get("rpl_1"), "/webhook-replays/rpl_1", {}),
    (lambda z: z.webhook_replays.list(limit=2), "/webhook-replays", {"limit": "2"}),
    (lambda z: z.events.list(after=4, type="ledger.posted", intent_id="i"), "/events",
     {"after": "4", "type": "ledger.posted", "intent_id": "i"}),
    (lambda z: z.events.get("evt_1"), "/events/evt_1", {}),
    (lambda z: z.events.deliveries("evt_1"), "/events/evt_1/deliveries", {}),
    (lambda z: z.event_types.list(), "/event-types", {}),
    (lambda z: z.event_types.get("ledger.posted"), "/event-types/ledger.posted", {}),
    (lambda z: z.alarms.list(state="raised"), "/alarms", {"state": "raised"}),
    (lambda z: z.alarms.get("alarm_1"), "/alarms/alarm_1", {}),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "path", "params"), READS, ids=[path for _, path, _ in READS])
def test_a_reading_asks_for_what_was_said_only(
    zentra: Zentra, mock: MockTransport, ask: Any, path: str, params: dict[str, str]
) -> None:
    mock.answer("GET", path, json=PAGE)

    ask(zentra)

    assert mock.requests[0].params == params


def test_a_removal_may_say_why(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("DELETE", "/webhook-endpoints/whe_1", json={"id": "whe_1"})

    zentra.webhook_endpoints.remove("whe_1", reason="moved")

    assert mock.requests[0].params == {"reason": "moved"}


def test_an_id_that_would_lead_elsewhere_is_refused_before_anything_is_sent(
    zentra: Zentra, mock: MockTransport
) -> None:
    for ask in (zentra.webhook_endpoints.get, zentra.webhook_deliveries.get, zentra.events.get):
        with pytest.raises(ConfigurationError):
            ask("..")
    with pytest.raises(ConfigurationError):
        zentra.webhook_endpoints.expire_secret("whe_1", "")
    assert mock.requests == []


def test_a_name_is_sent_as_one_part_of_the_address(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/events/a/b", json={"id": "x"})

    assert zentra.events.get("a/b").id == "x"


def test_a_secret_does_not_end_in_a_log_with_its_record(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/webhook-endpoints", json={"id": "whe_1", "secret": "whsec_told"}, status=201)

    made = zentra.webhook_endpoints.create(url=URL)

    assert made.secret == "whsec_told"
    assert "whsec_told" not in f"{made!r} {made}"


LISTS = ["webhook_endpoints", "webhook_deliveries", "webhook_replays", "alarms"]


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_walked_in_both_clients(zentra: Zentra, mock: MockTransport, name: str) -> None:
    path = "/" + name.replace("_", "-")
    for _ in range(2):
        mock.answer("GET", path, json={"data": [{"id": "1"}], "next_cursor": "c", "has_more": True})
        mock.answer("GET", path, json={"data": [{"id": "2"}], "next_cursor": None, "has_more": False})

    async def walk() -> list[str]:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as client:
            return [record.id async for record in getattr(client, name).iterate()]

    assert [record.id for record in getattr(zentra, name).iterate()] == ["1", "2"]
    assert asyncio.run(walk()) == ["1", "2"]
    assert [request.params.get("cursor") for request in mock.requests] == [None, "c", None, "c"]


def test_the_awaited_calls_are_the_same(mock: MockTransport) -> None:
    """Each write once more, awaited: same method, address and body."""

    async def run() -> None:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as client:
            for ask, method, path, _ in WRITES:
                mock.answer(method, path, json={"id": "x"})
                await ask(client)

    asyncio.run(run())

    assert [(each.method, each.path, each.json) for each in mock.requests] == [each[1:] for each in WRITES]


@pytest.mark.parametrize(
    "name", ["Alarms", "Events", "EventTypes", "WebhookDeliveries", "WebhookEndpoints", "WebhookReplays"]
)
def test_the_awaited_client_has_the_same_methods_with_the_same_words(name: str) -> None:
    def methods(owner: type) -> dict[str, list[str]]:
        found = inspect.getmembers(owner, inspect.isfunction)
        return {each: list(inspect.signature(call).parameters) for each, call in found if not each.startswith("__")}

    assert methods(getattr(_webhook_resources, name)) == methods(getattr(awaited, f"Async{name}"))
