"""Every page of the console: whoever may sees it; who may not is refused and recorded before any state is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client

from evidence.queries import latest_events
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import create_intent
from zentra.runtime.types import CreateIntent

if TYPE_CHECKING:
    from tests.people import Person

READING = (
    "", "intents/", "reviews/", "events/", "webhooks/", "accounts/", "ledger/", "holds/", "outgoing/", "find/?q=intent",
    "?tab=events", "?tab=audit", "?filter=held", "?filter=live", "?filter=retrying", "?filter=failed",
    "accounts/?view=tree", "accounts/customer_balance/", "accounts/customer_balance/statement/", "ledger/health/",
    "ledger/trial-balance/", "ledger/exports/", "holds/?tab=reserved", "intents/?filter=failed",
    "reviews/?tab=closed", "reviews/?tab=mine", "reviews/?tab=second", "reviews/?tab=snoozed", "reviews/?tab=claimed",
    "reviews/?kind=intent&queue=operations&rule=limit.single_intent&sla=breached&q=intent", "reviews/intent_over/",
    "webhooks/?state=exhausted", "events/?stage=ledgered",
    "events/?type=ledger.posted", "events/?q=intent&intent=intent_moving", "events/catalogue/",
    "events/catalogue/ledger.posted/",
    "webhooks/deliveries/", "webhooks/deliveries/?state=exhausted&q=intent", "webhooks/attempts/",
    "webhooks/attempts/?q=x", "webhooks/replays/",
    "inbound/", "inbound/?outcome=applied", "inbound/quarantine/", "inbound/quarantine/?state=all", "inbound/refused/",
    "inbound/rails/", "people/", "people/?role=admin",
    "policy/", "policy/versions/", "policy/drafts/", "policy/limits/", "policy/lists/", "compliance/",
    "compliance/alerts/", "compliance/watchlists/", "compliance/screening/",
)  # fmt: skip


def make(workspace: TenantRef, person: Person, intent_id: str, **words: object) -> None:
    with tenant_work(workspace):
        create_intent(
            command=CreateIntent(intent_id=intent_id, **words),  # type: ignore[arg-type]  # the caller's words
            actor=person.actor(), ws=workspace, now=now(),
        )  # fmt: skip


@pytest.fixture
def held(workspace: TenantRef, developer: Person) -> str:
    """An intent over the limit, waiting for a person."""
    make(workspace, developer, "intent_over", amount_minor=4_300_000, currency="USD")
    return "intent_over"


@pytest.fixture
def moving(workspace: TenantRef, developer: Person) -> str:
    """An intent whose reserve is posted."""
    make(workspace, developer, "intent_moving")
    return "intent_moving"


@pytest.mark.parametrize("path", READING)
def test_a_member_reads_every_room(workspace: TenantRef, auditor: Person, moving: str, held: str, path: str) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/{path}")
    assert answer.status_code in {200, 302}


def test_an_intent_is_told_whole_on_its_page(workspace: TenantRef, auditor: Person, moving: str) -> None:
    text = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/intents/{moving}/").content.decode()
    for said in (
        "ingress.accepted",
        "policy.accepted",
        "ledger.reserved",
        "−125,000",
        "+125,000",
        "1,250.00",
        "sums to 0",
    ):
        assert said in text


@pytest.mark.parametrize(
    "path", ["", "intents/", "intents/intent_moving/", "reviews/", "events/", "webhooks/", "accounts/", "holds/"]
)
def test_an_outsider_is_told_nothing_and_the_attempt_is_recorded(
    workspace: TenantRef, outsider: Person, moving: str, path: str
) -> None:
    answer = outsider.sign_in(Client()).get(f"/w/{workspace.slug}/{path}")
    assert answer.status_code == 404
    assert "intent_moving" not in answer.content.decode()
    with tenant_work(workspace):
        denied = latest_events(limit=1)[0]
    assert denied.type == "access.denied"
    assert json.loads(denied.body)["actor"]["id"] == outsider.id


def test_a_workspace_that_is_not_there_looks_the_same(workspace: TenantRef, outsider: Person) -> None:
    client = outsider.sign_in(Client())
    there, nowhere = client.get(f"/w/{workspace.slug}/"), client.get("/w/no-such-workspace/")
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.content == nowhere.content


def test_who_is_not_signed_in_is_sent_to_sign_in(workspace: TenantRef) -> None:
    answer = Client().get(f"/w/{workspace.slug}/intents/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in/?next=")


def test_a_role_without_the_permission_is_refused_and_recorded(
    workspace: TenantRef, auditor: Person, held: str
) -> None:
    client = auditor.sign_in(Client())
    answer = client.post(f"/w/{workspace.slug}/reviews/{held}/decide/", _form(decision="approve", reason="mine"))
    assert answer.status_code == 403
    assert "Your role may not do that" in answer.content.decode()
    with tenant_work(workspace):
        assert latest_events(limit=1)[0].type == "access.denied"
    assert _status(workspace, held) == "review"


def test_outgoing_money_is_paused_by_one_and_resumed_by_another(
    workspace: TenantRef, finance: Person, admin: Person
) -> None:
    address = f"/w/{workspace.slug}/outgoing/switch/"
    first, second = finance.sign_in_with_code(Client()), admin.sign_in_with_code(Client())
    first.post(address, _form(action="pause", reason="bank holiday"))
    assert "Outgoing money is paused" in first.get(f"/w/{workspace.slug}/").content.decode()
    alone = first.post(address, _form(action="resume"), follow=True).content.decode()
    assert "A second person must resume" in alone
    second.post(address, _form(action="resume"))
    assert "Outgoing money is paused" not in second.get(f"/w/{workspace.slug}/").content.decode()


def test_a_form_without_a_csrf_token_is_refused(workspace: TenantRef, operator: Person, held: str) -> None:
    client = operator.sign_in(Client(enforce_csrf_checks=True))
    answer = client.post(f"/w/{workspace.slug}/reviews/{held}/decide/", _form(decision="approve", reason="x"))
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()
    assert _status(workspace, held) == "review"


def test_an_address_that_leads_nowhere_is_a_designed_page(workspace: TenantRef, operator: Person) -> None:
    answer = operator.sign_in(Client()).get(f"/w/{workspace.slug}/no/such/page/")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


def test_no_page_carries_inline_script_or_style(workspace: TenantRef, operator: Person, moving: str, held: str) -> None:
    client = operator.sign_in(Client())
    for path in (
        "",
        f"intents/{moving}/",
        "reviews/",
        "webhooks/",
        "first-intent/",
        "accounts/",
        "accounts/customer_balance/",
        "ledger/",
        "ledger/health/",
        "holds/",
    ):
        answer = client.get(f"/w/{workspace.slug}/{path}")
        text = answer.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert "<script>" not in text
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def _form(**fields: str) -> dict[str, str]:
    from zentra.core.ids import new_uuid

    return {"idempotency_key": str(new_uuid()), **fields}


def _status(workspace: TenantRef, intent_id: str) -> str:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT status FROM runtime_intent WHERE intent_id = %s", [intent_id])
        return str(cursor.fetchone()[0])


def _count(workspace: TenantRef, statement: str, *values: str) -> int:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return int(cursor.fetchone()[0])


def test_every_door_of_the_console_says_what_it_needs() -> None:
    from console.live.consumer import LiveConsumer
    from console.urls import urlpatterns
    from zentra.tenants.access import required_permission

    doors = {str(pattern.pattern): required_permission(pattern.callback) for pattern in urlpatterns}
    assert [path for path, needed in doors.items() if needed is None] == []
    assert required_permission(LiveConsumer) == "room.read"
