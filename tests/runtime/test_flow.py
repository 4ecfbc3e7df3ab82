"""Which entries each stage makes, per kind: the table of the product, posted and read back."""

import pytest

from ledger.errors import InsufficientFunds
from tests.runtime.story import AMOUNT, Entry, Story
from zentra.runtime.types import ProviderOutcome

# Once more by hand: (purpose, debit, credit), and its mirror.
TABLE: dict[str, dict[str, list[tuple[str, str]]]] = {
    "payment": {
        "reserve": [("customer_balance", "reserved_balance")],
        "success": [("reserved_balance", "settlement_account"), ("rail_receivable", "customer_balance")],
        "settle": [("settlement_account", "merchant_balance")],
        "release": [("reserved_balance", "customer_balance")],
    },
    "transfer": {
        "reserve": [("customer_balance", "reserved_balance")],
        "success": [("reserved_balance", "settlement_account")],
        "settle": [("settlement_account", "payout_account"), ("payout_account", "rail_payable")],
        "release": [("reserved_balance", "customer_balance")],
    },
}


def entries(kind: str, *purposes: str) -> list[Entry]:
    """What the table says, in the order of the steps."""
    return [
        entry
        for purpose in purposes
        for debit, credit in TABLE[kind][purpose]
        for entry in ((purpose, "debit", debit, AMOUNT), (purpose, "credit", credit, AMOUNT))
    ]


@pytest.mark.parametrize("kind", TABLE)
def test_a_kind_posts_its_table_from_reserve_to_settlement(kind: str, sent: Story) -> None:
    sent.routed(kind=kind)
    assert sorted(sent.entries()) == sorted(entries(kind, "reserve"))

    sent.hear("succeeded")
    assert sorted(sent.entries()) == sorted(entries(kind, "reserve", "success"))

    sent.hear("settled")
    assert sorted(sent.entries()) == sorted(entries(kind, "reserve", "success", "settle"))
    assert set(sent.drift().values()) == {0}


@pytest.mark.parametrize("kind", TABLE)
@pytest.mark.parametrize("outcome", ["declined", "failed"])
def test_before_success_the_reserve_goes_back(kind: str, outcome: ProviderOutcome, sent: Story) -> None:
    sent.routed(kind=kind)

    sent.hear(outcome)

    assert sorted(sent.entries()) == sorted(entries(kind, "reserve", "release"))
    assert (sent.get().status, sent.get().failure) == ("failed", f"provider {outcome}")
    assert set(sent.drift().values()) == {0}


def test_a_payment_s_customer_may_go_negative_and_a_transfer_s_source_may_not(story: Story) -> None:
    poor = story.wallet("poor", holds=AMOUNT - 1)
    story.create("p1", kind="payment", debit_account=poor)

    with pytest.raises(InsufficientFunds):
        story.create("t1", kind="transfer", debit_account=story.wallet("poor2", holds=AMOUNT - 1))

    assert story.find("t1") is None
    assert story.entries("t1") == []
    story.create("t2", kind="transfer", debit_account=story.wallet("rich", holds=AMOUNT))
    assert set(story.drift().values()) == {0}


def test_an_intent_without_a_movement_rehearses_along_the_table(story: Story) -> None:
    intent = story.create(amount_minor=None, currency=None)

    assert intent.is_rehearsal
    assert sorted(story.entries()) == sorted(entries("payment", "reserve"))
