"""The Events room: the log narrowed, the catalogue, one event with its exact bytes and who got it or why not."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from evidence.catalogue import ALL, schema
from evidence.queries import find_event, latest_events
from tests.console.test_accounts_room import form, read
from tests.console.test_webhooks_room import post, shown
from tests.webhooks.work import an_event, deliveries, publish, subscribe
from webhooks.operations import disable_endpoint
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


@pytest.fixture
def told(workspace: TenantRef) -> str:
    """An event that went to one endpoint, did not concern another, and came before a third."""
    subscribe(workspace, "https://example.com/everything")
    subscribe(workspace, "https://example.com/holds", "hold.*")
    [event_id] = publish(workspace, an_event(7, intent_id="intent_7"))
    subscribe(workspace, "https://example.com/late")
    return event_id


def rows(page: str) -> int:
    return page.count('data-id="evt_')


def test_the_log_is_narrowed_by_stage_type_intent_and_text(workspace: TenantRef, auditor: Person, told: str) -> None:
    for query, count in (
        ("type=account.created", 1), ("type=account.*", 1), ("stage=routed", 0), ("intent=intent_7&type=account.*", 1),
        ("intent=intent_8", 0), ('q="number":7', 1), ('q="number":8', 0), (f"q={told}", 2),
        ("type=account.created&intent=intent_7&q=number", 1),
    ):  # fmt: skip
        assert rows(read(auditor, f"events/?{query}")) == count, query
    assert "No event type of this stage is called" in shown(read(auditor, "events/?type=nothing.here"))


def test_an_event_is_shown_with_its_exact_bytes_and_leaf_hash(workspace: TenantRef, auditor: Person, told: str) -> None:
    with tenant_work(workspace):
        body = find_event(event_id=told).body
    page = shown(read(auditor, f"events/{told}/"))
    assert f"\n{body.decode()}" in page or f">{body.decode()}<" in page
    assert hashlib.sha256(b"\0" + body).hexdigest() in page
    assert f"{len(body)} bytes" in page


def test_each_endpoint_says_why_it_got_an_event_or_not(workspace: TenantRef, auditor: Person, told: str) -> None:
    page = shown(read(auditor, f"events/{told}/"))
    assert "sent to 1 of 3" in page
    assert "Its filter hold.* selects none of account.created" in page
    assert "example.com/late" in page
    assert "gets what occurs after it was created" in page
    [delivery] = deliveries(workspace, event_id=told)
    assert f"/webhooks/deliveries/{delivery.id}/" in page


def test_an_event_is_sent_to_an_endpoint_that_never_had_it(workspace: TenantRef, support: Person, told: str) -> None:
    late = subscribe(workspace, "https://example.com/later").endpoint.id
    assert "Please fill in" in post(support, f"events/{told}/send/", endpoint=late)[1]
    _, page = post(support, f"events/{told}/send/", endpoint=late, reason="they were late")
    assert "It is sent to https://example.com/later now" in page
    assert len(deliveries(workspace, event_id=told)) == 2


def test_an_event_is_sent_again_to_all_that_had_it(workspace: TenantRef, support: Person, told: str) -> None:
    _, page = post(support, f"events/{told}/send/", endpoint="all", reason="look again")
    assert "It is sent again to 1 of 1 endpoints" in page


def test_a_disabled_endpoint_is_not_sent_to(workspace: TenantRef, support: Person, told: str) -> None:
    off = subscribe(workspace, "https://example.com/off").endpoint.id
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=off, actor=support.actor(), reason="outage", now=now())
    _, page = post(support, f"events/{told}/send/", endpoint=off, reason="try")
    assert "Enable the endpoint first" in page
    assert f'value="{off}"' not in read(support, f"events/{told}/")


def test_who_may_only_read_cannot_send(workspace: TenantRef, auditor: Person, told: str) -> None:
    client = auditor.sign_in(Client())
    assert "Send again" not in client.get(f"/w/{workspace.slug}/events/{told}/").content.decode()
    answer = client.post(f"/w/{workspace.slug}/events/{told}/send/", form(endpoint="all", reason="mine"))
    assert answer.status_code == 403
    with tenant_work(workspace):
        assert latest_events(limit=1)[0].type == "access.denied"


def test_the_catalogue_lists_every_type_and_counts_who_subscribes(
    workspace: TenantRef, auditor: Person, told: str
) -> None:
    page = read(auditor, "events/catalogue/")
    assert all(f'data-id="{kind.name}"' in page for kind in ALL if not kind.retired)
    assert page.split('data-id="hold.placed"')[1].split("</tr>")[0].count(">3</td>") == 1
    assert 'data-id="hold.placed"' in read(auditor, "events/catalogue/?q=held")
    only = read(auditor, "events/catalogue/?shown=kept")
    assert 'data-id="access.denied"' in only
    assert 'data-id="hold.placed"' not in only
    assert "No type is called this" in read(auditor, "events/catalogue/?q=zzz")


@pytest.mark.parametrize("name", [kind.name for kind in ALL])
def test_every_type_has_a_page(name: str) -> None:
    """What the page is made of, without a page: fields, schema and example of each."""
    from console.presenters import catalogue

    assert {line.name for line in catalogue.fields(schema(name)) if line.depth == 0} == set(schema(name)["properties"])
    assert json.loads(catalogue.printed(schema(name))) == schema(name)


def test_a_type_page_shows_schema_example_and_subscribers(
    workspace: TenantRef, auditor: Person, developer: Person, told: str
) -> None:
    page = shown(read(auditor, "events/catalogue/hold.placed/"))
    for said in ("https://json-schema.org/draft/2020-12/schema", "https://example.com/holds", "by <code>hold.*</code>"):
        assert said in page, said
    assert "Subscribe an endpoint" not in page
    assert "Subscribe an endpoint" in read(developer, "events/catalogue/hold.placed/")
    assert "kept as evidence and never sent" in read(auditor, "events/catalogue/access.denied/")
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/events/catalogue/no.such.type/")
    assert answer.status_code == 404
    assert "There is no such event type" in answer.content.decode()


def test_an_outsider_is_told_nothing_of_events(workspace: TenantRef, outsider: Person, told: str) -> None:
    client = outsider.sign_in(Client())
    for path in ("", "catalogue/", "catalogue/hold.placed/", f"{told}/"):
        assert client.get(f"/w/{workspace.slug}/events/{path}").status_code == 404
    assert client.post(f"/w/{workspace.slug}/events/{told}/send/", form(endpoint="all", reason="x")).status_code == 404
