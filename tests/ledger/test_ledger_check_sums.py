"""The integrity check: what is changed behind the triggers is found, in everything that is kept summed up."""

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


@pytest.mark.parametrize(
    ("column", "change", "part", "expected", "found_value"),
    [
        ("balance_after_minor", "balance_after_minor + 1", "balance_after_minor", 800, 801),
        ("pending_debits_after", "7", "pending_debits_after", 0, 7),
        ("pending_credits_after", "7", "pending_credits_after", 0, 7),
    ],
)
def test_a_running_balance_that_was_changed_is_named_by_its_version(
    book: Book, acme: str, tamper: Tamper, column: str, change: str, part: str, expected: int, found_value: int
) -> None:
    tamper(f"UPDATE ledger_entry_position SET {column} = {change} WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["history_balance"]
    first = run.findings[0].first
    assert (first.subject["account_id"], first.subject["version"]) == (acme, 3)
    assert (first.expected[part], first.found[part]) == (expected, found_value)
    [(entry,)] = book.sql(
        "SELECT entry_id FROM ledger_entry_position WHERE account_id = %s AND version = 3", [key(acme)]
    )
    assert first.subject["entry_id"] == ids.to_public("entry", entry)


@pytest.mark.parametrize("part", ["posted_debits", "posted_credits", "pending_debits", "pending_credits", "version"])
def test_a_balance_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper, part: str) -> None:
    [(before,)] = tamper(
        f"UPDATE ledger_balance SET {part} = {part} + 1 WHERE account_id = %s RETURNING {part} - 1", key(acme)
    )

    balance = found(check(book))["balance"]

    name = "entries" if part == "version" else part
    assert balance.count == 1
    assert balance.first.subject == {"account_id": acme, "account": "acme"}
    assert (balance.first.expected[name], balance.first.found[name]) == (before, before + 1)


def test_a_balance_without_any_history_is_found(book: Book, tamper: Tamper) -> None:
    empty = book.open("empty", floor=0)
    tamper("UPDATE ledger_balance SET posted_credits = 9 WHERE account_id = %s", key(empty))

    run = check(book)

    assert found(run)["balance"].first.subject["account"] == "empty"
    assert found(run)["currency_sum"].first.found == {"sum_minor": 9}


@pytest.mark.parametrize(
    ("change", "part", "expected", "found_value"),
    [
        ("amount_minor = 101", "amount_minor", 100, 101),
        ("captured_minor = 41", "captured_minor", 40, 41),
        ("released_minor = 1", "released_minor", 0, 1),
        ("state = 'released'", "state", "held", "released"),
    ],
)
def test_a_hold_that_was_changed_is_found(
    book: Book, acme: str, tamper: Tamper, change: str, part: str, expected: object, found_value: object
) -> None:
    held = book.hold(acme, 100)
    book.capture(held.id, 40)
    tamper(f"UPDATE ledger_hold SET {change} WHERE id = %s", key(held.id))

    run = check(book)

    first = found(run)["hold"].first
    assert first.subject == {"hold_id": held.id, "reference": "order 1"}
    assert (first.expected[part], first.found[part]) == (expected, found_value)
    # A hold that calls itself released keeps nothing pending; its accounts still do.
    assert ("pending" in found(run)) == (part == "state")


def test_a_hold_that_was_deleted_is_found_with_what_it_holds(book: Book, acme: str, tamper: Tamper) -> None:
    held = book.hold(acme, 100)
    tamper("DELETE FROM ledger_hold WHERE id = %s", key(held.id))

    run = check(book)

    assert found(run)["hold"].first.subject["hold_id"] == held.id
    pending = next(row for row in found(run)["pending"].rows if row.subject["account_id"] == acme)
    assert (pending.expected["pending_debits"], pending.found["pending_debits"]) == (0, 100)


def test_a_sum_of_reversals_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 60)
    book.reverse(posted)
    tamper("UPDATE ledger_reversed SET reversed_minor = 59 WHERE posting_id = %s", key(posted.posting_id))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["reversal"]
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert (run.findings[0].first.expected, run.findings[0].first.found) == (
        {"reversed_minor": 60}, {"reversed_minor": 59},
    )  # fmt: skip


def test_more_reversed_than_was_posted_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    small, large = book.move("bank", "acme", 60), book.move("bank", "acme", 80)
    reversal = book.reverse(large)
    tamper("UPDATE ledger_posting SET reverses_id = %s WHERE id = %s", key(small.posting_id), key(reversal.posting_id))

    sentences = [row.sentence for row in found(check(book))["reversal"].rows]

    assert any("moved 60 on account acme by credit; its reversals took back 80" in sentence for sentence in sentences)


@pytest.mark.parametrize("grain", [300, 86_400])
@pytest.mark.parametrize("basis", ["effective", "recorded"])
def test_turnover_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper, basis: str, grain: int) -> None:
    book.sql("SELECT ledger_fold(%s, 4)", [key(acme)])
    assert check(book).state == "sound"
    tamper(
        "UPDATE ledger_turnover SET debits = debits + 5 WHERE account_id = %s AND basis = %s AND grain = %s",
        key(acme), basis, grain,
    )  # fmt: skip

    run = check(book)

    assert [finding.check for finding in run.findings] == ["turnover"]
    first = next(row for row in run.findings[0].rows if row.subject["grain"] == grain)
    assert (first.subject["account"], first.subject["basis"]) == ("acme", basis)
    if grain == 300:
        assert (first.expected["debits"], first.found["debits"]) == (300, 305)


def test_many_divergent_rows_are_counted_and_the_first_ones_named(book: Book, tamper: Tamper) -> None:
    accounts = [book.open(f"many-{number:02}", floor=0) for number in range(15)]
    tamper("UPDATE ledger_balance SET posted_credits = 1 WHERE account_id = ANY (%s)", [key(each) for each in accounts])

    balance = found(check(book))["balance"]

    assert balance.count == 15
    assert [row.subject["account_id"] for row in balance.rows] == accounts[:10]
