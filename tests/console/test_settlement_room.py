"""A rail's payout that waits for a person: its statement says so, and a person with a code lets it be posted."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.console.test_accounts_room import form, read
from tests.console.test_step_up_money import ASKED
from tests.reconciliation.banking import Bank, report
from tests.reconciliation.test_settlements import key_of, set_frozen, the_settlement

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    """A report of 900,000 that a key sent."""
    made = Bank(workspace, actor=key_of(workspace))
    rail = made.open("rail_receivable", kind="rail", external_id="rails")
    made.take(report(("invented", 900_000, 0)), form="settlement", account=rail.id)
    return made


def test_the_statement_says_that_it_waits_and_only_who_may_post_has_the_form(
    bank: Bank, finance: Person, auditor: Person
) -> None:
    path = f"reconciliation/statements/{the_settlement(bank).statement_id}/"
    shown = read(auditor, path)
    assert "waits for a person" in shown
    assert "nothing of it is in the ledger" in shown
    assert "act-settle" not in shown
    assert "Post this settlement" in read(finance, path)
    assert "Settlements that wait" in read(auditor, "reconciliation/expected/")


def test_it_is_posted_with_a_code_and_once(bank: Bank, finance: Person) -> None:
    one = the_settlement(bank)
    address = f"/w/{bank.ws.slug}/reconciliation/statements/{one.statement_id}/settle/"
    client = finance.sign_in(Client())
    asked = client.post(address, form())
    assert (asked.status_code, ASKED in asked.content.decode()) == (403, True)
    assert the_settlement(bank).state == "awaiting_person"
    done = client.post(address, {**form(), "step_up_code": finance.totp_code()}, follow=True)
    assert "is posted" in done.content.decode()
    assert the_settlement(bank).state == "posted"
    twice = client.post(address, form())
    assert twice.status_code == 409
    assert "is posted" in html.unescape(twice.content.decode())
    assert "Settlements that wait" not in read(finance, "reconciliation/expected/")


def test_what_the_ledger_refuses_says_why_and_may_be_tried_again(bank: Bank, finance: Person) -> None:
    one = the_settlement(bank)
    path = f"reconciliation/statements/{one.statement_id}/"
    set_frozen(bank, "bank", is_frozen=True)
    client = finance.sign_in_with_code(Client())
    done = client.post(f"/w/{bank.ws.slug}/{path}settle/", form(), follow=True)
    assert "The ledger refused" in done.content.decode()
    assert "Try to post it again" in done.content.decode()
    set_frozen(bank, "bank", is_frozen=False)
    assert "is posted" in client.post(f"/w/{bank.ws.slug}/{path}settle/", form(), follow=True).content.decode()
