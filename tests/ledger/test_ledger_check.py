"""The integrity check: what is changed behind the triggers is found, in postings, entries and their histories."""

from __future__ import annotations

from functools import partial

import pytest

from tests.ledger.book import Book
from tests.ledger.tampered import Tamper, check, found, key, open_acme, tamper_with
from zentra.core import ids


@pytest.fixture
def tamper(book: Book) -> Tamper:
    """`tamper(statement, *values)`: change what stands, behind every trigger."""
    return partial(tamper_with, book)


@pytest.fixture
def acme(book: Book) -> str:
    """An account with a floor and five entries: +1000 −100 −100 −100 −100."""
    return open_acme(book)


def test_an_amount_that_was_changed_is_found_in_posting_hash_and_history(book: Book, tamper: Tamper) -> None:
    book.open("acme", floor=0)
    book.move("bank", "acme", 10)
    posted = book.move("bank", "acme", 1000)
    book.move("bank", "acme", 10)
    book.sequence()
    tamper(
        "UPDATE ledger_entry SET amount_minor = 1001 WHERE posting_id = %s AND direction = 'credit'",
        key(posted.posting_id),
    )

    run = check(book)

    assert run.state == "diverged"
    first = run.first
    assert first is not None
    assert first.subject == {"posting_id": posted.posting_id, "currency": "USD"}
    assert (first.expected, first.found) == ({"difference_minor": 0}, {"difference_minor": 1})
    assert [finding.check for finding in run.findings] == [
        "posting_balanced", "entry_hash", "entry_place", "history_balance", "balance",
    ]  # fmt: skip
    step = found(run)["history_balance"].first
    assert (step.subject["account"], step.subject["version"]) == ("acme", 2)
    assert (step.expected["balance_after_minor"], step.found["balance_after_minor"]) == (1011, 1010)
    assert found(run)["history_balance"].count == 1


def test_words_that_were_changed_are_found_by_the_hash_alone(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5, description="rent")
    tamper("UPDATE ledger_posting SET description = 'gift' WHERE id = %s", key(posted.posting_id))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_hash"]
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert run.findings[0].first.found == {"entry_hash": posted.entry_hash}


def test_a_posting_that_cannot_be_read_back_is_named_and_stops_nothing(book: Book, acme: str, tamper: Tamper) -> None:
    broken, other = book.move("bank", "acme", 5), book.move("bank", "acme", 6)
    tamper("""UPDATE ledger_posting SET actor = '{"who": "nobody"}' WHERE id = %s""", key(broken.posting_id))
    tamper("UPDATE ledger_posting SET description = 'gift' WHERE id = %s", key(other.posting_id))

    rows = found(check(book))["entry_hash"].rows

    assert [row.subject["posting_id"] for row in rows] == [broken.posting_id, other.posting_id]


def test_an_entry_that_was_deleted_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper("DELETE FROM ledger_entry WHERE posting_id = %s AND direction = 'credit'", key(posted.posting_id))

    run = check(book)

    assert run.findings[0].check == "posting_complete"
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert (run.findings[0].first.expected["entries"], run.findings[0].first.found["entries"]) == (2, 1)
    assert found(run)["history_balance"].first.subject["version"] == 6
    assert "no such entry" in found(run)["history_balance"].first.sentence


def test_an_entry_of_another_time_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper(
        "UPDATE ledger_entry SET effective_at = effective_at - interval '1 day' WHERE id = %s",
        key(posted.entries[1].id),
    )

    run = check(book)

    assert run.findings[0].check == "posting_complete"
    assert run.findings[0].first.found["of_other_times"] == 1


def test_an_entry_of_no_posting_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper("DELETE FROM ledger_posting WHERE id = %s", key(posted.posting_id))

    rows = found(check(book))["posting_complete"].rows

    assert {row.subject["entry_id"] for row in rows} == {entry.id for entry in posted.entries}


def test_entries_without_postings_are_all_counted_and_the_first_ones_named(book: Book, tamper: Tamper) -> None:
    entries = [entry.id for _ in range(6) for entry in book.move("bank", "suspense", 5).entries]
    tamper("DELETE FROM ledger_posting WHERE purpose = 'manual'")

    complete = found(check(book))["posting_complete"]

    assert complete.count == 12
    assert [row.subject["entry_id"] for row in complete.rows] == entries[:10]


def test_an_entry_in_another_currency_than_its_account_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_account SET currency = 'EUR' WHERE id = %s", key(acme))

    finding = found(check(book))["entry_account"]

    assert finding.count == 5
    assert (finding.first.expected, finding.first.found) == ({"currency": "USD"}, {"currency": "EUR"})


def test_a_delta_that_was_changed_is_found_at_its_entry(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_entry_position SET delta_minor = -101 WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_place"]
    first = run.findings[0].first
    assert (first.subject["version"], first.expected["delta_minor"], first.found["delta_minor"]) == (3, -100, -101)


def test_a_gap_in_a_history_is_named(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("DELETE FROM ledger_entry_position WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    gap = found(run)["history_gap"].first
    assert (gap.subject["account"], gap.expected["version"], gap.found["version"]) == ("acme", 3, 4)
    place = found(run)["entry_place"].first
    assert (place.expected, place.found) == ({"places": 1}, {"places": 0})
    balance = found(run)["balance"].first
    assert (balance.expected["entries"], balance.found["entries"]) == (4, 5)


def test_an_entry_in_another_account_s_history_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    other = book.open("other", floor=0)
    tamper(
        "UPDATE ledger_entry_position SET account_id = %s, version = 1 WHERE account_id = %s AND version = 5",
        key(other),
        key(acme),
    )

    run = check(book)

    assert found(run)["entry_place"].first.found == {"account_id": other}
    assert {row.subject["account"] for row in found(run)["balance"].rows} == {"acme", "other"}


def test_an_entry_that_has_its_place_and_waits_as_well_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper(
        "INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor)"
        " SELECT account_id, entry_id, delta_minor FROM ledger_entry_position WHERE account_id = %s AND version = 2",
        key(acme),
    )

    run = check(book)

    assert found(run)["entry_place"].first.found == {"places": 2}
    assert found(run)["currency_sum"].first.found == {"sum_minor": -100}


def test_what_waits_for_nothing_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor) VALUES (%s, %s, 0)", key(acme),
           ids.new_uuid())  # fmt: skip

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_place"]
    assert run.findings[0].first.subject["account_id"] == acme
