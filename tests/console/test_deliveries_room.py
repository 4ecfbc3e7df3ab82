"""Deliveries, attempts and replays: found, read side by side, sent again; the events that they carry."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.presenters.attempts import ERRORS
from evidence.queries import latest_events
from tests.console.test_accounts_room import form, read
from tests.console.test_webhooks_room import consumer, local, post, shown
from tests.people import join
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import an_event, deliveries, event_rows, publish, run_due, subscribe
from webhooks.operations import disable_endpoint
from webhooks.outbound.sending import ErrorClass
from webhooks.queries import ReplayScope, get_delivery, list_replays, preview_replay
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person
    from tests.webhooks.servers import Endpoint

__all__ = ["consumer", "local"]  # fixtures


@pytest.fixture
def failing(workspace: TenantRef) -> str:
    """An endpoint that cannot be reached, with three deliveries kept because it was disabled."""
    made = subscribe(workspace, "https://nowhere.example.com/hook").endpoint.id
    publish(workspace, *(an_event(number, intent_id=f"intent_{number}") for number in range(3)))
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=made, actor=join(workspace, role="admin").actor(), reason="outage", now=now())
    return made


@pytest.fixture
def failed_once(workspace: TenantRef, consumer: Endpoint) -> str:
    """A delivery whose first attempt was answered 500."""
    subscribe(workspace, consumer.url)
    publish(workspace, an_event(1, intent_id="intent_042"))
    run_due()
    [record] = deliveries(workspace)
    return record.id


# --- deliveries ------------------------------------------------------------------------------------------------


def test_deliveries_are_narrowed_by_what_one_knows_of_them(workspace: TenantRef, auditor: Person, failing: str) -> None:
    first = deliveries(workspace, intent_id="intent_1")[0]
    for query, count in (
        ("", 3), ("state=retained", 3), ("state=resolved", 0), (f"endpoint={failing}", 3), ("type=account.created", 3),
        ("type=hold.placed", 0), ("intent=intent_1", 1), (f"q={first.id[:24]}", 1), ("q=intent_1", 1),
        (f"q={first.event_id}", 1), ("status=500", 0), ("since=2030-01-01", 0), ("until=2030-01-01", 3),
    ):  # fmt: skip
        page = read(auditor, f"webhooks/deliveries/?{query}")
        assert len(set(re.findall(r'<tr id="(dlv_\w+)"', page))) == count, query
    for query, problem in (("status=abc", "no HTTP status"), ("endpoint=whe_1", "no id"), ("since=soon", "no moment")):
        assert problem in shown(read(auditor, f"webhooks/deliveries/?{query}"))


def test_old_addresses_lead_to_the_deliveries(workspace: TenantRef, auditor: Person) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/webhooks/?state=exhausted&intent=intent_1")
    assert answer.headers["Location"] == f"/w/{workspace.slug}/webhooks/deliveries/?state=exhausted&intent=intent_1"


def test_deliveries_go_on_where_the_page_ended_and_cost_the_same(workspace: TenantRef, auditor: Person) -> None:
    subscribe(workspace, "https://example.com/hook")
    publish(workspace)
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/webhooks/deliveries/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    publish(workspace, *(an_event(number) for number in range(55)))
    with CaptureQueriesContext(connection) as many:
        text = client.get(address).content.decode()
    assert len(many) == len(few) <= 30
    link = shown(text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0])
    following = client.get(link).content.decode()
    first, second = (set(re.findall(r'<tr id="(dlv_\w+)"', page)) for page in (text, following))
    assert (len(first), len(second), first & second) == (50, 6, set())


def test_a_delivery_shows_its_attempts_side_by_side(
    workspace: TenantRef, support: Person, consumer: Endpoint, failed_once: str
) -> None:
    post(support, "webhooks/replay/", delivery=failed_once, reason="too early")
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET next_attempt_at = now()")
        cursor.execute("UPDATE public.work_item SET due_at = now() WHERE done_at IS NULL")
    run_due()
    page = shown(read(support, f"webhooks/deliveries/{failed_once}/"))
    assert len(consumer.requests) == 2
    assert re.findall(r'<th scope="col" id="att_\w+"><span class="between">(\d\d)', page) == ["02", "01"]
    with tenant_work(workspace):
        delivery = get_delivery(delivery_id=failed_once)
    for said in (
        '"error": "full"',
        "webhook-signature",
        "answered 500",
        delivery.event_id,
        "zentra-attempt",
        "16 bytes",
    ):
        assert said in page, said
    sent = consumer.requests[0]
    assert sent[0]["webhook-signature"] in page
    assert sent[1].decode() in page


def test_an_answer_that_is_no_sane_json_is_shown_as_its_text(
    workspace: TenantRef, auditor: Person, local: None
) -> None:
    bodies = [b"[" * 5_000, b'{"half": "\\ud800"}', b'{"n": ' + b"9" * 5_000 + b"}"]
    with scripted_endpoint(lambda number: Answer(500, body=bodies[number - 1])) as server:
        subscribe(workspace, server.url)
        for _ in bodies:
            publish(workspace)
            run_due()
    pages = [shown(read(auditor, f"webhooks/deliveries/{each.id}/")) for each in deliveries(workspace)]
    for said in ("[[[[", '"half": "?"', "9999"):
        assert sum(said in page for page in pages) == 1, said


def test_an_attempt_is_searched_by_what_was_answered(workspace: TenantRef, auditor: Person, failed_once: str) -> None:
    for query, count in (
        ("", 1), ("q=full", 1), ("q=nothing+says+this", 0), ("status=500", 1), ("status=204", 0), ("tried=failed", 1),
        ("tried=replay", 0), ("error=server_error", 1), ("error=timeout", 0),
    ):  # fmt: skip
        page = read(auditor, f"webhooks/attempts/?{query}")
        assert page.count('data-id="att_') == count, query


def test_every_class_of_error_is_told_in_words() -> None:
    assert set(ERRORS) == set(get_args(ErrorClass))


def test_without_a_reason_nothing_is_sent_again(workspace: TenantRef, support: Person, failed_once: str) -> None:
    _, page = post(support, "webhooks/replay/", delivery=failed_once)
    assert "Please fill in" in page
    assert event_rows(workspace, "webhook.replayed") == []


# --- replays ---------------------------------------------------------------------------------------------------------


def test_a_replay_is_previewed_started_followed_and_canceled(
    workspace: TenantRef, support: Person, admin: Person, failing: str
) -> None:
    address = "webhooks/replays/new/?since=2020-01-01T00:00"
    with tenant_work(workspace):
        found = preview_replay(where=ReplayScope(since=now() - timedelta(days=1), states=("retained",)), now=now())
    assert (found.matched, found.skipped_disabled) == (3, 3)
    page = shown(read(support, address))
    assert "of 3 in the range" in page
    assert "3 at disabled endpoints" in page
    assert "Start the replay" not in page  # nothing of it can be sent
    post(admin, f"webhooks/endpoints/{failing}/enable/", reason="back")
    page = shown(read(support, address))
    assert "Start the replay" in page
    kept = dict(re.findall(r'<input type="hidden" name="(since|until|endpoint|rate)" value="([^"]*)"', page))
    client = support.sign_in(Client())
    said = form(**kept, reason="consumer is back") | {"states": ["retained", "exhausted", "retrying"]}
    for _ in range(2):  # sent twice is started once
        answer = client.post(f"/w/{workspace.slug}/webhooks/replays/start/", said)
    with tenant_work(workspace):
        [replay] = list_replays().rows
    assert (replay.matched, replay.reason, replay.state) == (3, "consumer is back", "running")
    progress = f"webhooks/replays/{replay.id}/"
    page = shown(read(support, progress))
    assert "every 1s" in page
    assert "consumer is back" in page
    post(support, f"{progress}cancel/", reason="wrong range")
    page = shown(read(support, progress))
    assert "canceled" in page
    assert "wrong range" in page
    assert f"/{progress}" in read(support, "webhooks/replays/")
    for sought in (replay.id, failing, deliveries(workspace)[0].id):
        assert client.get(f"/w/{workspace.slug}/find/?q={sought}").status_code == 302, sought
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("query", "said"),
    [("since=soon", "is no moment"), ("rate=0&since=2026-01-01", "1 to 500"), ("endpoint=whe_x", "Not an id of"),
     ("since=2026-02-01&until=2026-01-01", "range of the replay cannot be used")],
)  # fmt: skip
def test_a_range_that_nobody_can_mean_is_said_so(workspace: TenantRef, support: Person, query: str, said: str) -> None:
    page = shown(read(support, f"webhooks/replays/new/?{query}"))
    assert said in page
    assert "Start the replay" not in page


def test_who_may_only_read_cannot_replay(workspace: TenantRef, auditor: Person, failed_once: str) -> None:
    client, here = auditor.sign_in(Client()), f"/w/{workspace.slug}/webhooks/"
    assert "Send again" not in client.get(f"{here}deliveries/{failed_once}/").content.decode()
    assert client.get(f"{here}replays/new/").status_code == 403
    for path in ("replay/", "replays/start/", f"replays/{ids.new_id('rpl')}/cancel/"):
        assert client.post(here + path, form(reason="mine", delivery=failed_once)).status_code == 403
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    assert event_rows(workspace, "webhook.replayed") == []


@pytest.mark.parametrize("kind", ["deliveries/dlv", "replays/rpl"])
def test_what_is_not_there_is_said_so(workspace: TenantRef, auditor: Person, kind: str) -> None:
    place, prefix = kind.split("/")
    client, here = auditor.sign_in(Client()), f"/w/{workspace.slug}/webhooks/{place}/"
    assert client.get(f"{here}{ids.new_id(prefix)}/").status_code == 404
    assert client.get(f"{here}nonsense/").status_code == 400
