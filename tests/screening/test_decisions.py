"""What screening knows reaches decisions: an unresolved hit holds an intent, a confirmed one declines it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policy.screening import operations, queries, tasks
from policy.screening.types import PartyRecord
from tests.people import Person
from tests.runtime.story import Story
from tests.screening.bureau import OFFICER
from tests.screening.shelf import Shelf, row, sdn
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

LISTED = "Zoltan Brevik-Okonjo"


@pytest.fixture
def story(workspace: TenantRef) -> Story:
    """Intents of a workspace that screens against a real list of one invented name."""
    shelf = Shelf(workspace)
    shelf.active(shelf.new_list(), sdn(row(1, "BREVIK-OKONJO, Zoltan", remarks="DOB 04 Mar 1971; nationality Norway.")))
    return Story(workspace)


def known(story: Story, reference: str, name: str = LISTED) -> PartyRecord:
    with tenant_work(story.ws):
        return operations.create_party(kind="person", reference=reference, name=name, actor=OFFICER, now=clock.now())


def say(story: Story, party: PartyRecord, state: str, actor: Person) -> None:
    with tenant_work(story.ws):
        (hit,) = queries.hits_of(party_id=party.id, state="open")
        operations.resolve_hit(
            hit_id=hit.id,
            state="cleared" if state == "cleared" else "confirmed",
            note="compared",
            actor=actor.actor(),
            now=clock.now(),
        )


def gate(story: Story, intent_id: str) -> tuple[str, str]:
    """(status, the rule that held or declined it)."""
    decided = next(
        event
        for event in (story.event(f"policy.{outcome}", intent_id) for outcome in _outcomes(story, intent_id))
        if event
    )
    return story.get(intent_id).status, str(decided["summary"])


def _outcomes(story: Story, intent_id: str) -> list[str]:
    return [
        name.removeprefix("policy.")
        for name in story.events(intent_id)
        if name in ("policy.accepted", "policy.review", "policy.declined")
    ]


def test_an_unresolved_customer_holds_a_confirmed_one_declines_and_a_cleared_one_passes(
    story: Story, compliance: Person
) -> None:
    story.wallet("wallet", holds=1_000_000, customer="cust_listed")
    party = known(story, "cust_listed")
    assert party.screening == "unresolved"

    story.create("held", debit_account="wallet", amount_minor=1_000)
    assert gate(story, "held") == ("review", "sanctions.unresolved")
    assert story.entries("held") == []

    say(story, party, "cleared", compliance)
    story.create("passed", debit_account="wallet", amount_minor=1_000)
    assert story.get("passed").status == "ledgered"

    # The entry changes: what was cleared is asked again, and holds again.
    shelf = Shelf(story.ws)
    with tenant_work(story.ws):
        list_id = queries.list_hits()[0].list_id
    shelf.active(list_id, sdn(row(1, "BREVIK-OKONJO, Zoltan", remarks="DOB 05 Mar 1971; nationality Norway.")))
    (batch,) = (ref for (ref,) in story.sql(
        "SELECT ref FROM public.work_item WHERE workspace_id = %s AND kind = 'screening.batch' AND done_at IS NULL",
        [story.ws.id],
    ))  # fmt: skip
    with tenant_work(story.ws):
        assert operations.screen_batch(batch_id=batch, now=clock.now()) == 1
    story.create("held_again", debit_account="wallet", amount_minor=1_000)
    assert gate(story, "held_again") == ("review", "sanctions.unresolved")

    say(story, party, "confirmed", compliance)
    story.create("declined", debit_account="wallet", amount_minor=1_000)
    assert gate(story, "declined") == ("declined", "sanctions.confirmed")
    assert story.entries("declined") == []


def test_a_payee_who_may_be_listed_holds_too(story: Story) -> None:
    known(story, "payee_listed")
    story.wallet("wallet", holds=1_000_000)

    story.create("to_them", kind="transfer", debit_account="wallet", payee="payee_listed", amount_minor=1_000)
    story.create("to_others", kind="transfer", debit_account="wallet", payee="payee_plain", amount_minor=1_000)

    assert gate(story, "to_them") == ("review", "sanctions.unresolved")
    assert story.get("to_others").status == "ledgered"


def test_an_expired_verification_holds_from_its_very_moment(story: Story) -> None:
    story.wallet("wallet", holds=1_000_000, customer="cust_plain")
    party = known(story, "cust_plain", "Ada Lovelace")
    soon = clock.now() + timedelta(milliseconds=1)
    with tenant_work(story.ws):
        operations.decide_kyc(
            party_id=party.id, state="verified", note="seen", valid_until=soon, actor=OFFICER, now=clock.now()
        )

    story.create("held", debit_account="wallet", amount_minor=1_000)
    assert gate(story, "held") == ("review", "kyc.expired")

    tasks.expire_verifications(story.ws)
    story.create("held_too", debit_account="wallet", amount_minor=1_000)
    assert gate(story, "held_too") == ("review", "kyc.expired")


def test_whoever_is_no_party_passes(story: Story) -> None:
    story.wallet("wallet", holds=1_000_000, customer="nobody_known")

    story.create("plain", debit_account="wallet", amount_minor=1_000)

    assert story.get("plain").status == "ledgered"


def test_an_intent_that_a_hit_holds_is_not_approved_before_the_hit_is_resolved(
    story: Story, compliance: Person, admin: Person
) -> None:
    from policy.reviews.operations import AlertsUnresolved

    story.wallet("wallet", holds=1_000_000, customer="cust_listed")
    party = known(story, "cust_listed")
    story.create("held", debit_account="wallet", amount_minor=1_000)

    with pytest.raises(AlertsUnresolved):
        story.approve(compliance.actor(), "held")
    assert story.get("held").status == "review"

    say(story, party, "cleared", compliance)
    assert story.approve(compliance.actor(), "held").status == "review", "four eyes rule over sanctions"
    assert story.approve(admin.actor(), "held").status == "ledgered"
