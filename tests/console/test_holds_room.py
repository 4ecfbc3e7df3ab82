"""The Holds room: what is held over all accounts, one hold's steps, and what people do with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.queries import latest_events
from ledger.operations import place_hold
from ledger.queries import get_balances, get_hold
from tests.console.test_accounts_room import form, opened, paid_in, read
from tests.console.test_pages import make
from tests.people import join
from zentra.core.actors import LEDGER
from zentra.core.clock import now
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


def held(
    workspace: TenantRef, reference: str, amount_minor: int, *, hours: float | None = 48, late: bool = False
) -> str:
    """A hold on ada's account; a late one ran out an hour ago, and nobody has noticed yet."""
    placed_at = now() - timedelta(hours=3) if late else now()
    with tenant_work(workspace):
        placed = place_hold(
            account="ada",
            amount_minor=amount_minor,
            reference=reference,
            source="authorization",
            release_condition="check-out",
            expires_at=None if hours is None else placed_at + timedelta(hours=2 if late else hours),
            actor=LEDGER,
            now=placed_at,
            correlation_id="test",
        )
    return placed.hold.id


@pytest.fixture
def hold(workspace: TenantRef) -> str:
    """12,000 of ada's 50,000 are held for two days."""
    opened(workspace, "ada")
    paid_in(workspace, "ada", 50_000)
    return held(workspace, "booking-1", 12_000)


def available(workspace: TenantRef) -> int:
    with tenant_work(workspace):
        return get_balances(account="ada", currency="USD").available_minor


def test_holds_are_listed_by_age_expiry_and_source_with_their_totals(
    workspace: TenantRef, auditor: Person, hold: str
) -> None:
    late, endless = held(workspace, "late-1", 500, late=True), held(workspace, "endless-1", 300, hours=None)
    text = read(auditor, "holds/")
    assert "12,800" in text  # held now, of all
    assert "overdue" in text
    assert "never" in text
    assert text.index(late) < text.index(hold)  # the oldest first
    assert f'id="{endless}"' not in read(auditor, "holds/?order=expiry")
    only_late = read(auditor, "holds/?due=overdue")
    assert f'id="{late}"' in only_late
    assert f'id="{hold}"' not in only_late
    assert f'id="{hold}"' not in read(auditor, "holds/?source=dispute")
    assert f'id="{hold}"' not in read(auditor, "holds/?state=captured")
    assert "Nothing is held here" in read(auditor, "holds/?account=merchant_balance")
    assert "There is no account" in read(auditor, "holds/?account=nobody")


def test_holds_go_on_where_the_page_ended_and_cost_the_same(workspace: TenantRef, auditor: Person, hold: str) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/holds/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(55):
        held(workspace, f"many-{number:02d}", 10)
    with CaptureQueriesContext(connection) as many:
        text = client.get(address).content.decode()
    assert len(many) == len(few) <= 30
    assert "many-54" not in text
    link = text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "many-54" in client.get(link).content.decode()


def test_a_hold_is_given_back_with_a_reason_once(workspace: TenantRef, operator: Person, hold: str) -> None:
    client, address = operator.sign_in_with_code(Client()), f"/w/{workspace.slug}/holds/{hold}/release/"
    assert "Something is missing" in client.post(address, form(amount_minor="12000"), follow=True).content.decode()
    said = form(amount_minor="5000", reason="room not used")
    for _ in range(2):
        client.post(address, said)
    assert available(workspace) == 43_000
    assert "room not used" in read(operator, f"holds/{hold}/")
    client.post(address, form(reason="the rest"))
    assert available(workspace) == 50_000
    late = client.post(address, form(reason="again"), follow=True).content.decode()
    assert "The hold has ended" in late


def test_a_part_is_captured_and_too_much_is_refused(workspace: TenantRef, finance: Person, hold: str) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/holds/{hold}/capture/"
    refused = client.post(address, form(amount_minor="12001", reason="x"), follow=True).content.decode()
    assert "More would be captured than is held" in refused
    client.post(address, form(amount_minor="4000", reason="first night", rest="release"))
    with tenant_work(workspace):
        record = get_hold(hold_id=hold)
    assert (record.captured_minor, record.released_minor, record.state) == (4_000, 8_000, "captured")
    assert available(workspace) == 46_000


def test_a_hold_is_extended_and_marked_as_reviewed(workspace: TenantRef, operator: Person, hold: str) -> None:
    client, here = operator.sign_in(Client()), f"/w/{workspace.slug}/holds/{hold}/"
    until = now() + timedelta(days=9)
    client.post(f"{here}extend/", form(expires_at=f"{until:%Y-%m-%dT%H:%M}", reason="guest stays"))
    client.post(f"{here}review/", form(reason="called the merchant"))
    text = read(operator, f"holds/{hold}/")
    for said in ("guest stays", "called the merchant", "hold.extended", "hold.reviewed", "expires in 8 d"):
        assert said in text, said
    assert (
        "day and a time"
        in client.post(f"{here}extend/", form(expires_at="soon", reason="x"), follow=True).content.decode()
    )
    past = client.post(f"{here}extend/", form(expires_at="2020-01-01T00:00", reason="x"), follow=True)
    assert "A field of the hold is malformed" in past.content.decode()


def test_what_intents_have_reserved_stands_beside_holds(
    workspace: TenantRef, auditor: Person, developer: Person
) -> None:
    make(workspace, developer, "intent_open")
    text = read(auditor, "holds/?tab=reserved")
    assert f"/w/{workspace.slug}/intents/intent_open/" in text
    assert "125,000" in text


def test_who_may_only_read_sees_no_actions_and_is_refused(workspace: TenantRef, hold: str) -> None:
    person = join(workspace, role="support")
    client, here = person.sign_in(Client()), f"/w/{workspace.slug}/holds/{hold}/"
    text = read(person, f"holds/{hold}/")
    for act in ("release", "capture", "extend", "review"):
        assert f"/{act}/" not in text
        assert client.post(f"{here}{act}/", form(reason="mine")).status_code == 403
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    assert available(workspace) == 38_000


def test_an_outsider_is_told_nothing_of_holds(workspace: TenantRef, outsider: Person, hold: str) -> None:
    client = outsider.sign_in(Client())
    for path in ("", "?tab=reserved", f"{hold}/"):
        answer = client.get(f"/w/{workspace.slug}/holds/{path}")
        assert answer.status_code == 404
        assert "booking-1" not in answer.content.decode()
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"


def test_a_hold_that_is_not_there_is_said_so(workspace: TenantRef, auditor: Person) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/holds/{new_id('hold')}/")
    assert answer.status_code == 404
    assert "There is no such hold" in answer.content.decode()
