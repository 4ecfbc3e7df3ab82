"""Matches that people make, decide and undo; the database holds each rule against whoever goes round Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, connections

if TYPE_CHECKING:
    from tests.people import Person
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef
    from zentra.reconciliation.matching.types import MatchRecord


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


def match(bank: MatchBook, how: str, lines: list[str], entries: list[str], by: Person, reason: str = "") -> MatchRecord:
    from zentra.core import clock
    from zentra.reconciliation.matching import operations

    made: MatchRecord = bank.do(
        getattr(operations, f"{how}_match"), account_id=bank.account, line_ids=lines, entry_ids=entries,
        actor=by.actor(), reason=reason, now=clock.now(),
    )  # fmt: skip
    return made


def decide(bank: MatchBook, how: str, match_id: str, by: Person, **more: Any) -> MatchRecord:
    from zentra.core import clock
    from zentra.reconciliation.matching import operations

    made: MatchRecord = bank.do(
        getattr(operations, f"{how}_match"), match_id=match_id, actor=by.actor(), now=clock.now(), **more
    )
    return made


def test_a_person_confirms_what_agrees(bank: MatchBook, finance: Person) -> None:
    lines = bank.state({"amount": 60}, {"amount": 40, "reference": "A"})
    entries = bank.post({"amount": 90}, {"amount": 10})
    bank.run()

    made = match(bank, "confirm", lines, entries, finance)

    assert (made.state, made.how, made.line_minor, made.entry_minor) == ("confirmed", "manual", 100, 100)
    assert (set(made.line_ids), set(made.entry_ids)) == (set(lines), set(entries))
    assert bank.exceptions() == []
    assert {row.resolution for row in bank.exceptions(state="resolved")} == {"matched"}


def test_what_differs_is_refused_with_the_difference(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching.errors import MatchDiffers

    lines, entries = bank.state({"amount": 95}), bank.post({"amount": 100})

    with pytest.raises(MatchDiffers) as refused:
        match(bank, "confirm", lines, entries, finance)

    assert refused.value.extra["difference_minor"] == 5
    assert bank.pairs() == set()


def test_gross_and_net_agree_with_the_fee_between(bank: MatchBook, finance: Person) -> None:
    lines, entries = bank.state({"amount": 97, "gross": 100}), bank.post({"amount": 100})

    made = match(bank, "confirm", lines, entries, finance)

    assert (made.fee_minor, made.difference_minor) == (3, 0)


def test_two_entries_that_cancel_each_other_out_need_no_line(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching.errors import EmptyMatch

    entries = bank.post({"amount": 50}, {"amount": -50}, {"amount": 7})
    for alone in (entries[:1], entries[1:], []):
        with pytest.raises(EmptyMatch):
            match(bank, "confirm", [], alone, finance)

    assert match(bank, "confirm", [], entries[:2], finance).entries == 2


def test_nothing_is_matched_twice(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching.errors import AlreadyMatched

    lines, entries = bank.state({"amount": 5}), bank.post({"amount": 5}, {"amount": 5})
    match(bank, "confirm", lines, entries[:1], finance)

    with pytest.raises(AlreadyMatched):
        match(bank, "confirm", lines, entries[1:], finance)


def test_currencies_and_accounts_are_not_mixed(bank: MatchBook, finance: Person) -> None:
    from tests.reconciliation.matchbook import MatchBook as Book
    from zentra.reconciliation.matching.errors import MixedCurrencies, OtherAccount

    lines, entries = bank.state({"amount": 5, "currency": "EUR"}), bank.post({"amount": 5})
    with pytest.raises(MixedCurrencies):
        match(bank, "confirm", lines, entries, finance)
    other = Book(bank.ws, kind="rail", code="rail_receivable")
    with pytest.raises(OtherAccount):
        match(bank, "confirm", lines, other.post({"amount": 5}), finance)


def test_a_small_difference_is_forced_with_a_reason(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching.errors import ReasonMissing

    lines, entries = bank.state({"amount": 99, "reference": "A"}), bank.post({"amount": 100, "reference": "A"})
    with pytest.raises(ReasonMissing):
        match(bank, "force", lines, entries, finance, reason="  ")

    made = match(bank, "force", lines, entries, finance, reason="rounded by the bank")

    assert (made.state, made.how, made.difference_minor) == ("confirmed", "forced", 1)


def forced(bank: MatchBook, by: Person) -> MatchRecord:
    lines = bank.state({"amount": 10_000_000, "reference": "A"})
    entries = bank.post({"amount": 30_000_000, "reference": "A"})
    bank.run()
    return match(bank, "force", lines, entries, by, reason="the rest comes tomorrow")


def test_a_large_difference_waits_for_a_second_person(bank: MatchBook, finance: Person, admin: Person) -> None:
    from zentra.reconciliation.matching.errors import ProposerApproves, StaleMatch

    made = forced(bank, finance)
    assert made.state == "proposed"
    assert [row.state for row in bank.exceptions(state=None)] == ["waiting"]
    bank.run()
    assert [row.state for row in bank.exceptions(state=None)] == ["waiting"]
    with pytest.raises(ProposerApproves):
        decide(bank, "approve", made.id, finance)

    approved = decide(bank, "approve", made.id, admin)

    assert (approved.state, (approved.decided_by or {})["id"]) == ("confirmed", admin.id)
    assert [row.resolution for row in bank.exceptions(state="resolved")] == ["matched"]
    with pytest.raises(StaleMatch):
        decide(bank, "decline", made.id, admin, reason="no")


def test_a_declined_match_frees_what_it_held(bank: MatchBook, finance: Person, admin: Person) -> None:
    made = forced(bank, finance)

    declined = decide(bank, "decline", made.id, admin, reason="wrong customer")

    assert (declined.state, declined.undone_reason) == ("declined", "wrong customer")
    assert [row.state for row in bank.exceptions(state=None)] == ["open"]
    assert bank.run().lines == 1


def test_an_undone_match_is_history_and_no_rule_makes_it_again(bank: MatchBook, finance: Person) -> None:
    from zentra.reconciliation.matching import queries

    lines, entries = bank.state({"amount": 5, "reference": "A"}), bank.post({"amount": 5, "reference": "A"})
    bank.run()
    (made,) = bank.matches()

    undone = decide(bank, "undo", made.id, finance, reason="another A")
    run = bank.run()

    assert (undone.state, run.lines, run.matches) == ("undone", 1, 0)
    assert bank.kinds() == {lines[0]: "line_only"}
    match(bank, "confirm", lines, entries, finance)
    history = bank.do(queries.matches_of, line_id=lines[0])
    assert [each.state for each in history] == ["confirmed", "undone"]
    assert bank.do(queries.get_entry, entry_id=entries[0]).match_id == history[0].id


def test_many_people_at_once_match_a_line_once(bank: MatchBook, finance: Person) -> None:
    from zentra.core.errors import DomainError

    lines, entries = bank.state({"amount": 5}), bank.post(*[{"amount": 5}] * 6)

    def attempt(entry: str) -> bool:
        try:
            match(bank, "confirm", lines, [entry], finance)
        except DomainError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(attempt, entries)) == [False] * 5 + [True]
    assert len(bank.pairs()) == 1


def test_a_run_beside_another_is_refused_and_not_waited_for(bank: MatchBook) -> None:
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.errors import RunInProgress
    from zentra.reconciliation.matching.locks import lock_account

    def other() -> None:
        try:
            bank.run()
        finally:
            connections.close_all()

    with tenant_work(bank.ws), ThreadPoolExecutor(1) as pool:
        lock_account(account_id=bank.account)
        with pytest.raises(RunInProgress):
            pool.submit(other).result()


SETS = {
    "a match is rewritten": "UPDATE recon_match SET line_minor = line_minor + 1",
    "a match is taken away": "DELETE FROM recon_match",
    "a confirmed match is proposed again": "UPDATE recon_match SET state = 'proposed'",
    "an item is taken away": "DELETE FROM recon_match_item",
    "an item names another line": "UPDATE recon_match_item SET line_id = gen_random_uuid()",
    "an entry is changed": "UPDATE recon_entry SET amount_minor = 1",
    "rules are changed": "UPDATE recon_rule_set SET rules = '[]'",
}


@pytest.mark.parametrize("statement", SETS.values(), ids=list(SETS))
def test_history_is_refused_to_whoever_goes_round_python(bank: MatchBook, statement: str) -> None:
    from psycopg import errors

    from zentra.core import schema
    from zentra.reconciliation.matching.queries import default_rules

    bank.rules(*default_rules(kind="bank"))
    bank.state({"amount": 5, "reference": "A"})
    bank.post({"amount": 5, "reference": "A"})
    bank.run()

    with schema.connect_as_owner() as owner:
        owner.execute(f'SET search_path = "{bank.ws.schema}"')
        with pytest.raises(errors.DatabaseError) as refused:
            owner.execute(statement)
    assert (refused.value.sqlstate or "").startswith("ZR")


def test_the_database_holds_one_standing_match_and_four_eyes(bank: MatchBook, finance: Person) -> None:
    from zentra.core.tenancy import tenant_work

    made = forced(bank, finance)
    with (
        pytest.raises(IntegrityError, match="recon_match_four_eyes"),
        tenant_work(bank.ws),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE recon_match SET state = 'confirmed', decided_by = made_by, decided_at = now()")
    with (
        pytest.raises(IntegrityError, match="recon_line_matched_once"),
        tenant_work(bank.ws),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO recon_match_item (match_id, place, line_id, entry_id, stands)"
            " SELECT gen_random_uuid(), 0, line_id, NULL, true FROM recon_match_item WHERE line_id IS NOT NULL"
        )
    assert made.state == "proposed"


def test_what_could_be_the_other_side_is_told_part_by_part_and_confirmed_by_nobody(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import queries

    (line,) = bank.state({"amount": 10_000, "reference": "INV20260042", "counterparty": "Acme GmbH"})
    near, far, _ = bank.post(
        {"amount": 10_000, "reference": "INV20260024"},
        {"amount": 10_000, "reference": "ZZ9"},
        {"amount": 77, "reference": "QQ"},
    )
    bank.run()

    first, second = bank.do(queries.suggest, line_id=line)[:2]

    assert (first.entry_ids, second.entry_ids) == ((near,), (far,))
    assert first.score > second.score > 0
    assert [part.name for part in first.parts] == ["reference", "amount", "date", "counterparty"]
    assert first.score == pytest.approx(sum(part.score * part.weight for part in first.parts), abs=0.001)
    assert first.difference_minor == 0
    back = bank.do(queries.suggest, entry_id=near)
    assert back[0].line_ids == (line,)
    assert bank.pairs() == set()
    groups = bank.do(queries.suggest, line_id=bank.state({"amount": 30, "reference": "G"})[0])
    assert all(suggestion.score < 1 for suggestion in groups)


def test_parts_of_one_reference_are_suggested_together(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import queries

    (line,) = bank.state({"amount": 95, "reference": "R1"})
    entries = bank.post({"amount": 60, "reference": "R1"}, {"amount": 40, "reference": "R1"})

    best = bank.do(queries.suggest, line_id=line)[0]

    assert (set(best.entry_ids), best.difference_minor) == (set(entries), 5)


def test_suggestions_of_several_are_those_of_each(bank: MatchBook) -> None:
    from zentra.core import ids
    from zentra.reconciliation.matching import queries

    lines = bank.state(*({"amount": amount, "reference": f"PAYOUT{amount}"} for amount in (95, 300, 7_000)))
    entries = bank.post(*({"amount": amount + 1, "reference": f"PAYOUT{amount}X"} for amount in (95, 300, 7_000)))
    gone = ids.new_id("lin")

    told = bank.do(queries.suggest_each, line_ids=[*lines, gone], entry_ids=entries, limit=3)

    assert set(told) == {*lines, *entries}
    assert all(told[line] == bank.do(queries.suggest, line_id=line, limit=3) for line in lines)
    assert all(told[entry] == bank.do(queries.suggest, entry_id=entry, limit=3) for entry in entries)
    assert [told[line][0].entry_ids for line in lines] == [(entry,) for entry in entries]
