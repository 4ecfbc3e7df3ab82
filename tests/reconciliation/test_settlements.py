"""A rail's payout reaches the ledger once: by the rail's own report, or by a person; else it says why."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import Error

from ledger.operations import freeze_account, open_account, unfreeze_account
from ledger.queries import find_account
from tests.people import Person
from tests.reconciliation.banking import IBAN, Bank, Ntry, Stmt, camt, report
from tests.reconciliation.matchbook import MatchBook
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.queue import Defer, WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import collecting, operations, queries, tasks
from zentra.reconciliation.statements.collecting import Source
from zentra.reconciliation.statements.errors import (
    AccountInvalid,
    SettlementNeedsPerson,
    SettlementNotFound,
    SettlementSettled,
    StatementFileKnown,
)
from zentra.reconciliation.statements.tasks import advance_import, settle
from zentra.reconciliation.statements.types import ImportRecord, ReconciledAccountRecord, SettlementRecord
from zentra.routing.providers.sandbox_books import Announced
from zentra.tenants.operations import issue_key

FROM_THE_RAIL = ("rail_a/rail_1", "1/rail_a-b1")


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    """A workspace to which files are sent by a key that may import."""
    return Bank(workspace, actor=key_of(workspace))


def key_of(workspace: TenantRef) -> Actor:
    """A key of the workspace that may import and nothing else."""
    issued = issue_key(workspace=workspace, name="imports", scopes=["reconciliation.import"], now=clock.now())
    return Actor(kind="key", id=issued.id, role="key", credential=issued.id)


@pytest.fixture
def rail(bank: Bank) -> ReconciledAccountRecord:
    return bank.open("rail_receivable", kind="rail", external_id="rails")


def send(bank: Bank, rail: ReconciledAccountRecord, content: bytes) -> ImportRecord:
    """Somebody sends a report."""
    return bank.take(content, form="settlement", account=rail.id)


def collect(bank: Bank, rail: ReconciledAccountRecord, content: bytes) -> ImportRecord:
    """The collector fetches a report from the rail."""
    return bank.take(content, form="settlement", account=rail.id, collected=FROM_THE_RAIL)


def settlements(bank: Bank) -> list[SettlementRecord]:
    with tenant_work(bank.ws):
        return queries.list_settlements(states=("awaiting_person", "waiting", "posted", "conflict"))


def the_settlement(bank: Bank) -> SettlementRecord:
    (one,) = settlements(bank)
    return one


def confirm(bank: Bank, who: Actor, statement_id: str) -> SettlementRecord:
    with tenant_work(bank.ws):
        return operations.post_settlement_of(statement_id=statement_id, actor=who, now=clock.now())


def posted(bank: Bank) -> int:
    return int(bank.sql("SELECT count(*) FROM ledger_posting WHERE purpose = 'settlement.batch'")[0][0])


def work(bank: Bank, kind: str) -> list[str]:
    rows = bank.sql("SELECT ref FROM public.work_item WHERE kind = %s AND workspace_id = %s", [kind, bank.ws.id])
    return [ref for (ref,) in rows]


def retry(bank: Bank, statement_id: str) -> None:
    """What a worker does of it."""
    settle(WorkItem(ids.new_uuid(), bank.ws.id, "recon.settle", statement_id, clock.now(), 1, ids.new_uuid()), bank.ws)


def set_frozen(bank: Bank, code: str, *, is_frozen: bool) -> None:
    with tenant_work(bank.ws):
        act = freeze_account if is_frozen else unfreeze_account
        account = find_account(ref=code, currency="USD")
        act(account_id=account.id, reason="a test", actor=actors.LEDGER, now=clock.now())


# Who lets money move


def test_a_report_that_somebody_sent_moves_no_money(bank: Bank, rail: ReconciledAccountRecord) -> None:
    record = send(bank, rail, report(("invented", 900_000, 0)))

    assert (record.state, record.lines_written) == ("done", 2)
    assert bank.codes(record, warnings=True) == ["settlement_awaits_person"]
    one = the_settlement(bank)
    assert (one.state, one.is_collected, one.net_minor) == ("awaiting_person", False, 900_000)
    assert (posted(bank), bank.events("settlement.posted")) == (0, [])
    assert (work(bank, "recon.expect"), work(bank, "recon.settle")) == ([], [])


def test_a_person_lets_it_be_posted(bank: Bank, rail: ReconciledAccountRecord, finance: Person) -> None:
    send(bank, rail, report(("ref-1", 10_000, 165)))
    statement = the_settlement(bank).statement_id

    one = confirm(bank, finance.actor(), statement)

    assert (one.state, posted(bank), one.confirmed_by) == ("posted", 1, finance.actor().as_dict())
    assert bank.events("settlement.posted")[0]["posting_id"] == one.posting_id
    assert work(bank, "recon.expect") == [statement]
    with pytest.raises(SettlementSettled):
        confirm(bank, finance.actor(), statement)


def test_a_key_lets_nothing_be_posted(bank: Bank, rail: ReconciledAccountRecord) -> None:
    send(bank, rail, report(("ref-1", 10_000, 165)))

    with pytest.raises(SettlementNeedsPerson):
        confirm(bank, bank.actor, the_settlement(bank).statement_id)

    assert (the_settlement(bank).state, posted(bank)) == ("awaiting_person", 0)


def test_a_person_who_may_not_post_lets_nothing_be_posted(
    bank: Bank, rail: ReconciledAccountRecord, auditor: Person
) -> None:
    send(bank, rail, report(("ref-1", 10_000, 165)))

    with pytest.raises(SettlementNeedsPerson):
        confirm(bank, auditor.actor(), the_settlement(bank).statement_id)

    assert (the_settlement(bank).state, posted(bank)) == ("awaiting_person", 0)


def test_what_the_rail_itself_gives_out_is_posted_with_its_report(bank: Bank, rail: ReconciledAccountRecord) -> None:
    record = collect(bank, rail, report(("ref-1", 10_000, 165)))

    assert (the_settlement(bank).state, posted(bank), bank.codes(record, warnings=True)) == ("posted", 1, [])
    assert work(bank, "recon.expect") == [the_settlement(bank).statement_id]


def test_only_the_collector_says_that_a_file_came_from_the_rail(bank: Bank, rail: ReconciledAccountRecord) -> None:
    import io

    with pytest.raises(ValueError, match="collector"), tenant_work(bank.ws):
        operations.start_import(
            account_id=rail.id, format="settlement", is_dry_run=False, file_name="x", content=io.BytesIO(b"x"),
            actor=bank.actor, now=clock.now(), collected=FROM_THE_RAIL,
        )  # fmt: skip


def test_two_people_at_once_post_it_once(
    bank: Bank, rail: ReconciledAccountRecord, finance: Person, admin: Person
) -> None:
    send(bank, rail, report(("ref-1", 10_000, 165)))
    statement = the_settlement(bank).statement_id

    def act(who: Actor) -> str:
        from django.db import connection

        try:
            return confirm(bank, who, statement).state
        except SettlementSettled:
            return "settled"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, [finance.actor(), admin.actor()])) == ["posted", "settled"]
    assert posted(bank) == 1


def test_a_statement_without_a_payout_has_nothing_to_settle(bank: Bank, rail: ReconciledAccountRecord) -> None:
    bank.open()
    bank.take(camt(Stmt(entries=[Ntry(100)])))
    send(bank, rail, report(("ref-1", 10_000, 165), has_payout=False))

    for statement in bank.statements():
        with tenant_work(bank.ws):
            assert queries.find_settlement(statement_id=statement.id) is None
        with pytest.raises(SettlementNotFound):
            confirm(bank, Actor(kind="user", id="usr_1", role="finance"), statement.id)


@pytest.mark.parametrize("code", ["bank", "fees"])
def test_a_rail_owes_a_receivable_and_nothing_else(bank: Bank, code: str) -> None:
    with pytest.raises(AccountInvalid, match="receivable"):
        bank.open(code, kind="rail", external_id="rails")


# What the ledger refuses


def test_what_the_ledger_refuses_stands_waits_and_is_posted_later(bank: Bank, rail: ReconciledAccountRecord) -> None:
    set_frozen(bank, "rail_receivable", is_frozen=True)
    record = collect(bank, rail, report(("ref-1", 10_000, 165)))
    one = the_settlement(bank)

    assert (record.state, len(bank.statements())) == ("done", 1)
    assert bank.codes(record, warnings=True) == ["settlement_not_posted"]
    assert (one.state, one.reason_code, one.tries) == ("waiting", "account_frozen", 1)
    assert one.reason
    assert one.next_try_at is not None
    assert one.next_try_at > clock.now()
    assert work(bank, "recon.settle") == work(bank, "recon.expect") == [one.statement_id]

    with pytest.raises(Defer, match="account_frozen") as later:
        retry(bank, one.statement_id)
    assert later.value.until == the_settlement(bank).next_try_at
    assert the_settlement(bank).tries == 2

    set_frozen(bank, "rail_receivable", is_frozen=False)
    retry(bank, one.statement_id)
    retry(bank, one.statement_id)
    one = the_settlement(bank)
    assert (one.state, one.reason_code, one.reason, one.next_try_at) == ("posted", "", "", None)
    assert (posted(bank), len(bank.events("settlement.posted"))) == (1, 1)


def test_a_person_need_not_wait_for_the_next_try(bank: Bank, rail: ReconciledAccountRecord, finance: Person) -> None:
    set_frozen(bank, "rail_receivable", is_frozen=True)
    collect(bank, rail, report(("ref-1", 10_000, 165)))
    set_frozen(bank, "rail_receivable", is_frozen=False)

    assert confirm(bank, finance.actor(), the_settlement(bank).statement_id).state == "posted"


def test_what_a_person_let_be_posted_waits_for_another_when_that_one_may_no_more(
    bank: Bank, rail: ReconciledAccountRecord, finance: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_frozen(bank, "rail_receivable", is_frozen=True)
    send(bank, rail, report(("ref-1", 10_000, 165)))
    statement = the_settlement(bank).statement_id
    assert confirm(bank, finance.actor(), statement).reason_code == "account_frozen"
    set_frozen(bank, "rail_receivable", is_frozen=False)
    monkeypatch.setattr("zentra.reconciliation.statements.operations.settlements.may_still", lambda **_: False)

    retry(bank, statement)

    assert (the_settlement(bank).state, the_settlement(bank).confirmed_by, posted(bank)) == ("awaiting_person", None, 0)


# The same batch again


def test_two_payouts_in_one_report_are_refused(bank: Bank, rail: ReconciledAccountRecord) -> None:
    content = report(("ref-1", 10_000, 165))
    payout = next(row for row in content.splitlines(keepends=True) if row.startswith(b"payout"))
    twice = content.replace(payout, payout * 2).replace(b"trailer,2,", b"trailer,3,")

    record = collect(bank, rail, twice)

    assert (record.state, bank.codes(record)) == ("failed", ["payout_repeated"])
    assert (bank.statements(), posted(bank)) == ([], 0)


def test_a_batch_that_the_rail_tells_with_other_numbers_is_refused_visibly(
    bank: Bank, rail: ReconciledAccountRecord
) -> None:
    collect(bank, rail, report(("ref-1", 10_000, 165)))
    again = collect(bank, rail, report(("ref-1", 9_000, 165)))

    assert (again.state, again.problem_code) == ("failed", "duplicate_statement")
    assert bank.problems(again)[0].extra["told"] != bank.problems(again)[0].extra["known"]
    assert (posted(bank), len(settlements(bank))) == (1, 1)


def test_what_somebody_sent_is_not_in_the_way_of_what_the_rail_says(
    bank: Bank, rail: ReconciledAccountRecord, finance: Person
) -> None:
    send(bank, rail, report(("invented", 900_000, 0)))
    record = collect(bank, rail, report(("ref-1", 10_000, 165)))

    theirs, ours = settlements(bank)
    assert (record.state, ours.state, ours.gross_minor) == ("done", "posted", 10_000)
    assert (theirs.state, theirs.reason_code, theirs.is_collected) == ("conflict", "posting_conflict", False)
    assert str(ours.posting_id) in theirs.reason
    assert len(bank.statements()) == 2  # nothing is lost: both stand to be seen
    with pytest.raises(SettlementSettled):
        confirm(bank, finance.actor(), theirs.statement_id)
    assert posted(bank) == 1


def test_what_a_person_let_be_posted_before_the_rail_said_otherwise_shows(
    bank: Bank, rail: ReconciledAccountRecord, finance: Person
) -> None:
    send(bank, rail, report(("invented", 900_000, 0)))
    confirm(bank, finance.actor(), the_settlement(bank).statement_id)
    record = collect(bank, rail, report(("ref-1", 10_000, 165)))

    assert bank.codes(record, warnings=True) == ["settlement_differs"]
    assert [one.state for one in settlements(bank)] == ["posted", "conflict"]


# What the collector knows


class Books:
    """A rail whose list and files are these."""

    def __init__(self, files: dict[int, tuple[str, bytes]]) -> None:
        self.files = files

    def list_reports(self, *, rail: str, connection_id: str, after: int) -> Sequence[Announced]:
        return [Announced(name, number, "USD") for number, (name, _) in self.files.items() if number > after]

    def read_report(self, *, rail: str, batch: str) -> bytes:
        return next(content for name, content in reversed(self.files.values()) if name == batch)


def fetch(bank: Bank, rail: ReconciledAccountRecord, books: Any) -> list[str]:
    """What the collector does after a restart; its imports are finished."""
    collecting._read_to.clear()
    source = Source("http://sandbox", "rail_a", "rail_1", (("USD", rail.id),))
    started = collecting._collect(bank.ws, source, books, clock.now())
    for import_id in started:
        advance_import(ws=bank.ws, import_id=import_id)
    return started


def test_a_file_of_the_same_name_that_somebody_uploads_hides_nothing(bank: Bank, rail: ReconciledAccountRecord) -> None:
    bank.take(report(("x", 5, 1), batch="other"), form="settlement", account=rail.id, file_name="rail_a-b1.csv")
    books = Books({1: ("rail_a-b1", report(("ref-1", 10_000, 165)))})

    assert len(fetch(bank, rail, books)) == 1
    assert posted(bank) == 1
    assert fetch(bank, rail, books) == []


def test_the_very_same_that_somebody_sent_before_is_posted_when_the_rail_says_it(
    bank: Bank, rail: ReconciledAccountRecord
) -> None:
    content = report(("ref-1", 10_000, 165))
    send(bank, rail, content)
    books = Books({1: ("rail_a-b1", content)})

    assert len(fetch(bank, rail, books)) == 1
    theirs, ours = settlements(bank)
    assert (ours.state, ours.is_collected, posted(bank)) == ("posted", True, 1)
    assert work(bank, "recon.expect") == [ours.statement_id]
    # What somebody sent is not offered for posting any more: it says the same.
    assert (theirs.state, theirs.is_collected, theirs.confirmed_by) == ("posted", False, None)
    assert (theirs.posting_id, theirs.posted_with) == (ours.posting_id, ours.statement_id)
    assert fetch(bank, rail, books) == []


def test_a_file_that_was_sent_twice_does_not_keep_the_rails_own_out(bank: Bank, rail: ReconciledAccountRecord) -> None:
    content = report(("ref-1", 10_000, 165))
    send(bank, rail, content + b"\n")
    assert bank.codes(send(bank, rail, content), warnings=True) == ["statement_repeated"]

    assert len(fetch(bank, rail, Books({1: ("rail_a-b1", content)}))) == 1

    assert ([one.is_collected for one in settlements(bank)], posted(bank)) == ([False, True], 1)


def test_the_rails_own_is_whole_while_somebodys_is_half_read(
    bank: Bank, rail: ReconciledAccountRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "CHUNK_LINES", 10)
    content = report(*[(f"ref-{place}", 1_000 + place, 10) for place in range(25)])
    sent = bank.start(content, form="settlement", account=rail.id)
    bank.advance(sent, seconds=0)

    ours = collect(bank, rail, content)
    sent = bank.advance(sent)

    assert (ours.state, sent.state) == ("done", "done")
    counted = "SELECT s.is_collected, s.is_complete, s.lines, count(*) FROM recon_line l JOIN recon_statement s"
    assert bank.sql(f"{counted} ON s.id = l.statement_id GROUP BY s.id ORDER BY s.is_collected") == [
        (False, True, 26, 26), (True, True, 26, 26),
    ]  # fmt: skip
    assert (posted(bank), {one.state for one in settlements(bank)}) == (1, {"posted"})


def test_a_file_that_is_none_keeps_no_other_out(bank: Bank, rail: ReconciledAccountRecord) -> None:
    books = Books({1: ("empty", b""), 2: ("rail_a-b1", report(("ref-1", 10_000, 165)))})

    assert len(fetch(bank, rail, books)) == 1
    assert posted(bank) == 1


def test_the_same_bytes_for_another_account_hide_nothing(bank: Bank, rail: ReconciledAccountRecord) -> None:
    content = report(("ref-1", 10_000, 165))
    with tenant_work(bank.ws):
        open_account(
            account_type="receivable", currency="USD", code="other_receivable", actor=actors.LEDGER, now=clock.now()
        )
    other = bank.open("other_receivable", kind="rail", external_id="other")
    bank.take(content, form="settlement", account=other.id)

    assert len(fetch(bank, rail, Books({1: ("rail_a-b1", content)}))) == 1
    assert posted(bank) == 1
    with pytest.raises(StatementFileKnown):
        send(bank, rail, content)


def test_what_comes_anew_under_an_old_name_is_fetched(bank: Bank, rail: ReconciledAccountRecord) -> None:
    books = Books({1: ("rail_a-b1", report(("ref-1", 10_000, 165)))})
    fetch(bank, rail, books)
    books.files[2] = ("rail_a-b1", report(("ref-1", 9_000, 165)))

    (again,) = fetch(bank, rail, books)
    with tenant_work(bank.ws):
        assert queries.get_import(import_id=again).problem_code == "duplicate_statement"


# Rows


def test_a_payment_that_its_fee_eats_up_is_a_line(bank: Bank, rail: ReconciledAccountRecord) -> None:
    record = collect(bank, rail, report(("eaten", 165, 165), ("ref-2", 10_000, 165), ("nothing", 0, 0)))

    (statement,) = bank.statements()
    lines = bank.lines(statement)
    assert (record.state, [(line.amount_minor, line.gross_minor) for line in lines]) == (
        "done", [(0, 165), (9_835, 10_000), (-9_835, -10_165)],
    )  # fmt: skip
    assert the_settlement(bank).gross_minor == 10_165


def test_a_batch_that_fees_eat_up_wholly_is_posted(bank: Bank, rail: ReconciledAccountRecord) -> None:
    collect(bank, rail, report(("eaten", 165, 165)))

    assert (the_settlement(bank).state, the_settlement(bank).net_minor, posted(bank)) == ("posted", 0, 1)


def test_a_payment_that_costs_more_than_it_brings_is_a_line(bank: Bank, rail: ReconciledAccountRecord) -> None:
    record = collect(bank, rail, report(("micro", 20, 30), ("ref-2", 10_000, 165)))

    assert (record.state, the_settlement(bank).net_minor, posted(bank)) == ("done", 9_825, 1)


def test_the_sign_of_a_row_is_that_of_its_gross(bank: Bank, rail: ReconciledAccountRecord) -> None:
    content = report(("ref-1", 10_000, 165)).replace(b"payment,", b"refund,", 1)

    assert "direction_differs" in bank.codes(send(bank, rail, content))


def test_a_payout_of_nothing_does_not_hide_what_is_owed(bank: Bank, rail: ReconciledAccountRecord) -> None:
    content = report(("ref-1", 10_000, 165)).replace(b"USD,-10000,-165,-9835", b"USD,0,0,0")

    assert bank.codes(send(bank, rail, content)) == ["batch_sum_differs"]
    assert bank.statements() == []


def test_a_payout_that_moves_nothing_of_what_the_rail_owes_waits_for_no_entry(
    bank: Bank, rail: ReconciledAccountRecord
) -> None:
    collect(bank, rail, report(("paid", 10_000, 165), ("paid", -10_000, 0)))

    (statement,) = bank.statements()
    assert [line.kind for line in bank.lines(statement, only="open")] == ["payment", "refund"]
    assert (the_settlement(bank).state, the_settlement(bank).net_minor, posted(bank)) == ("posted", -165, 1)


def test_lines_of_other_gross_and_fee_are_others(bank: Bank, rail: ReconciledAccountRecord) -> None:
    send(bank, rail, report(("ref-1", 10_001, 166)))
    collect(bank, rail, report(("ref-1", 10_000, 165)))

    assert bank.sql("SELECT count(DISTINCT fingerprint) FROM recon_line") == [(4,)]


def test_closeout_is_told_of_the_months_that_came_in(bank: Bank) -> None:
    bank.open(external_id=IBAN)
    bank.take(camt(Stmt(entries=[Ntry(100)])))

    assert work(bank, "closeout.make_periods") == [bank.statements()[0].id]


# What the database holds


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recon_settlement SET state = 'posted', posting_id = gen_random_uuid()",
        "UPDATE recon_settlement SET state = 'waiting'",
        "UPDATE recon_settlement SET gross_minor = gross_minor + 1, net_minor = net_minor + 1",
        "UPDATE recon_settlement SET state = 'lost'",
        "DELETE FROM recon_settlement",
        "TRUNCATE recon_settlement",
    ],
)
def test_the_database_lets_no_file_move_money(bank: Bank, rail: ReconciledAccountRecord, statement: str) -> None:
    send(bank, rail, report(("ref-1", 10_000, 165)))

    with pytest.raises(Error):
        bank.sql(statement)
    assert the_settlement(bank).state == "awaiting_person"


def test_what_is_posted_stays_posted(bank: Bank, rail: ReconciledAccountRecord) -> None:
    collect(bank, rail, report(("ref-1", 10_000, 165)))

    with pytest.raises(Error, match="is refused"):
        bank.sql("UPDATE recon_settlement SET state = 'waiting', posting_id = NULL")
    with pytest.raises(Error):
        bank.sql("UPDATE recon_settlement SET is_collected = false")


def test_a_payment_that_its_fee_eats_up_is_matched_by_its_gross(workspace: TenantRef) -> None:
    book = MatchBook(workspace, kind="rail", code="rail_receivable", settle_days=3)
    (line,) = book.state({"amount": 0, "gross": 165, "reference": "eaten", "batch": "b-1", "kind": "payment"})
    (entry,) = book.post({"amount": 165, "reference": "eaten"})

    book.run()

    (match,) = book.matches()
    assert (match.line_ids, match.entry_ids, match.fee_minor) == ((line,), (entry,), 165)
    assert book.exceptions() == []
