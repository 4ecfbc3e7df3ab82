"""Money that was exchanged: confirmed by what the statement says that was instructed, else left for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef

EUROS = {"original_amount_minor": 10_000, "original_currency": "EUR"}


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


def test_an_entry_in_the_original_currency_is_confirmed_with_the_statement_s_rate(bank: MatchBook) -> None:
    (line,) = bank.state({"amount": 10_850, "reference": "FX-1", "exchange_rate": "1.085", **EUROS})
    (entry,) = bank.post({"amount": 10_000, "reference": "FX-1", "currency": "EUR"})

    bank.run()

    (match,) = bank.matches()
    assert (match.rule, match.line_ids, match.entry_ids) == ("fx", (line,), (entry,))
    assert (match.explanation["rate"], match.explanation["source"]) == ("1.085", "statement")
    assert (match.explanation["original_minor"], match.explanation["original_currency"]) == (10_000, "EUR")
    assert bank.exceptions() == []


def test_a_posting_at_our_own_rate_agrees_with_the_bank_s_by_the_money_before_exchange(bank: MatchBook) -> None:
    bank.state({"amount": 10_850, "reference": "FX-1", **EUROS})
    bank.post({"amount": 10_800, "reference": "FX-1", **EUROS})

    bank.run()

    (match,) = bank.matches()
    assert (match.rule, match.explanation["rate"], match.explanation["source"]) == ("fx", "1.08500000", "amounts")
    assert match.difference_minor == -50


def test_a_rate_is_told_either_way_round_and_currencies_have_their_own_decimals(bank: MatchBook) -> None:
    yen = {"original_amount_minor": 15_000, "original_currency": "JPY", "exchange_rate": "150"}
    bank.state({"amount": 10_000, "reference": "FX-1", **yen})
    bank.post({"amount": 15_000, "reference": "FX-1", "currency": "JPY"})

    assert bank.run().matches == 1


@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        ([{}], [{"amount": 9_999}]),
        ([{}], [{"reference": "FX-2"}]),
        ([{}], [{"amount": -10_000}]),
        ([{"exchange_rate": "1.2"}], [{}]),
        ([{}, {}], [{}]),
        ([{}], [{}, {}]),
        ([{}], [{"amount": 10_500, "currency": "USD", **EUROS}]),
        ([{"original_amount_minor": None, "original_currency": ""}], [{}]),
    ],
    ids=["another amount", "another reference", "the other direction", "a rate that does not make the amount",
         "two lines", "two entries", "too far apart in one currency", "no original amount"],
)  # fmt: skip
def test_what_does_not_agree_before_exchange_is_left_for_people(
    bank: MatchBook, lines: list[dict[str, Any]], entries: list[dict[str, Any]]
) -> None:
    bank.state(*({"amount": 10_850, "reference": "FX-1", **EUROS, **each} for each in lines))
    bank.post(*({"amount": 10_000, "reference": "FX-1", "currency": "EUR", **each} for each in entries))

    assert bank.run().matches == 0
    assert len(bank.exceptions()) >= 1


def test_the_posting_s_metadata_tells_the_money_before_exchange(workspace: TenantRef) -> None:
    from ledger.operations import sequence_entries
    from tests.ledger.book import Book
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core import clock
    from zentra.reconciliation.matching import operations, queries

    bank, ledger = MatchBook(workspace), Book(workspace)
    ledger.open("a")
    for number, metadata in enumerate([EUROS, {"original_amount_minor": "much", "original_currency": "EUR"}, {}]):
        ledger.move("a", "bank", 500, external_reference=f"FX-{number}", metadata=metadata)
    bank.do(sequence_entries, now=clock.now())

    bank.do(operations.take_entries, account_id=bank.account, now=clock.now())

    found = bank.do(queries.list_entries, account_id=bank.account, limit=10, only="open")
    told = {each.reference: (each.original_amount_minor, each.original_currency) for each in found}
    assert (told["FX0"], told["FX1"], told["FX2"]) == ((-10_000, "EUR"), (None, ""), (None, ""))
