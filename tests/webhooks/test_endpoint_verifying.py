"""Verification by challenge: nothing but the challenge is sent before it was answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from tests.evidence.sealing import sequence
from tests.webhooks.servers import Answer, Endpoint, scripted_endpoint
from tests.webhooks.work import SUPPORT, deliveries, event_rows, publish, run_due, subscribe
from webhooks.operations import change_endpoint, enable_endpoint, send_test_event
from webhooks.outbound.endpoints import EndpointUnverified
from webhooks.queries import get_endpoint
from webhooks.types import EndpointRecord
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

Reply = Callable[[str], Answer]


class Consumer:
    """An endpoint whose answer is made from the challenge that it was sent, ``""`` without one."""

    def __init__(self) -> None:
        self.reply: Reply = lambda _: Answer(204)
        self.endpoint: Endpoint | None = None

    @property
    def url(self) -> str:
        assert self.endpoint is not None
        return self.endpoint.url

    @property
    def types(self) -> list[str]:
        assert self.endpoint is not None
        return [json.loads(body)["type"] for _, body in self.endpoint.requests]

    @property
    def challenges(self) -> list[str]:
        assert self.endpoint is not None
        return [headers.get("zentra-challenge", "") for headers, _ in self.endpoint.requests]

    def answer(self, _: int) -> Answer:
        return self.reply(self.challenges[-1])


def by_header(challenge: str) -> Answer:
    return Answer(204, {"Zentra-Challenge": challenge})


def by_body(challenge: str) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps({"challenge": challenge}).encode())


@pytest.fixture
def consumer(local_webhooks: None) -> Iterator[Consumer]:
    here = Consumer()
    with scripted_endpoint(here.answer) as here.endpoint:
        yield here


def work(ws: TenantRef) -> None:
    sequence(ws)
    run_due(kinds=("webhooks.fan_out",))
    run_due()


def try_again(ws: TenantRef, endpoint_id: str) -> EndpointRecord:
    with tenant_work(ws):
        send_test_event(endpoint_id=endpoint_id, actor=SUPPORT, now=now())
    work(ws)
    with tenant_work(ws):
        return get_endpoint(endpoint_id=endpoint_id)


def require(ws: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_workspace SET settings = settings || %s::jsonb WHERE id = %s",
            [json.dumps({"verify_webhook_endpoints": 1}), ws.id],
        )


@pytest.mark.parametrize("reply", [by_header, by_body])
def test_an_endpoint_is_enabled_by_its_answer(workspace: TenantRef, consumer: Consumer, reply: Reply) -> None:
    created = subscribe(workspace, consumer.url, "account.*", verify=True).endpoint
    assert (created.state, created.disabled_by) == ("disabled", "unverified")
    publish(workspace)
    consumer.reply = reply
    work(workspace)

    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=created.id).state == "enabled"
    assert consumer.types == ["endpoint.test"]  # nothing else before
    assert [each.state for each in deliveries(workspace, event_type="account.created")] == ["retained"]
    [told] = event_rows(workspace, "endpoint.enabled")
    assert told["data"] == {"endpoint_id": created.id, "reason": "it answered its challenge"}

    publish(workspace)
    run_due()
    assert consumer.types == ["endpoint.test", "account.created"]
    assert consumer.challenges[-1] == ""


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: Answer(204),
        lambda _: by_header("0" * 43),
        lambda _: by_body("0" * 43),
        lambda challenge: Answer(200, {}, challenge.encode()),  # echoes what it gets
        lambda challenge: Answer(200, {}, f'{{"challenge": ["{challenge}"]}}'.encode()),
        lambda challenge: Answer(200, {}, b"\xff\xfe"),
        lambda challenge: Answer(200, {}, b"[" * 10_000),
        lambda challenge: Answer(200, {}, b'{"challenge": "\\ud800"}'),  # half of a surrogate pair
        lambda challenge: Answer(500, {"Zentra-Challenge": challenge}),
    ],
)
def test_another_answer_proves_nothing(workspace: TenantRef, consumer: Consumer, reply: Reply) -> None:
    consumer.reply = reply
    created = subscribe(workspace, consumer.url, "account.*", verify=True).endpoint
    work(workspace)
    assert consumer.types == ["endpoint.test"]
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=created.id).disabled_by == "unverified"


def test_each_test_event_asks_anew(workspace: TenantRef, consumer: Consumer) -> None:
    created = subscribe(workspace, consumer.url, "account.*", verify=True).endpoint
    work(workspace)
    [first] = consumer.challenges
    consumer.reply = lambda _: by_header(first)
    assert try_again(workspace, created.id).disabled_by == "unverified"

    consumer.reply = by_header
    assert try_again(workspace, created.id).state == "enabled"
    assert len(set(consumer.challenges)) == 3
    assert try_again(workspace, created.id).state == "enabled"
    assert consumer.challenges[-1] == ""
    assert len(event_rows(workspace, "endpoint.enabled")) == 1


def test_nobody_enables_it_by_hand(workspace: TenantRef, consumer: Consumer) -> None:
    created = subscribe(workspace, consumer.url, verify=True).endpoint
    with tenant_work(workspace), pytest.raises(EndpointUnverified):
        enable_endpoint(endpoint_id=created.id, reason="", actor=SUPPORT, now=now())
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=created.id) == created


def test_a_workspace_may_ask_it_of_all_and_of_every_new_url(workspace: TenantRef, consumer: Consumer) -> None:
    consumer.reply = by_header
    before = subscribe(workspace, consumer.url, "account.*").endpoint
    assert before.state == "enabled"
    require(workspace)
    assert subscribe(workspace, consumer.url, "account.*").endpoint.disabled_by == "unverified"

    with tenant_work(workspace):
        moved = change_endpoint(endpoint_id=before.id, version=1, url=f"{consumer.url}/new", actor=SUPPORT, now=now())
    assert (moved.state, moved.disabled_by) == ("disabled", "unverified")
    work(workspace)
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=before.id).state == "enabled"


def test_an_answer_from_the_url_before_does_not_count(workspace: TenantRef, consumer: Consumer) -> None:
    """The challenge is on its way to one URL while the endpoint gets another."""
    created = subscribe(workspace, consumer.url, "account.*", verify=True).endpoint

    def move_meanwhile(challenge: str) -> Answer:
        with tenant_work(workspace):
            change_endpoint(endpoint_id=created.id, version=None, url="http://127.0.0.1:9/", actor=SUPPORT, now=now())
        connection.close()
        return by_header(challenge)

    consumer.reply = move_meanwhile
    work(workspace)
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=created.id).disabled_by == "unverified"
