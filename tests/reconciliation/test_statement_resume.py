"""An import that is killed, raced, canceled or disturbed goes on after its last chunk; no line is written twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from tests.ledger.book import at_once
from tests.reconciliation.banking import IBAN, Bank, Ntry, Stmt, Tx, camt
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import operations, queries, tasks
from zentra.reconciliation.statements.errors import ImportFinished, ImportMoved, StatementFileKnown
from zentra.reconciliation.statements.types import ImportRecord

LINES = 45


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is ten lines."""
    monkeypatch.setattr(tasks, "CHUNK_LINES", 10)


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    return bank


def statement(number: int = 1, *, lines: int = LINES, **more: Any) -> Stmt:
    entries = [Ntry(100 + place, [Tx(f"E-{number}-{place}", 100 + place)]) for place in range(lines)]
    return Stmt(id=f"S-{number}", sequence=number, entries=entries, **more)


def counts(record: ImportRecord) -> tuple[int, int, int, int]:
    return record.lines_read, record.lines_written, record.lines_repeated, record.lines_refused


def written(bank: Bank) -> list[int]:
    return [number for (number,) in bank.sql("SELECT number FROM recon_line ORDER BY statement_id, number")]


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int, *, when: str) -> None:
    """Die ``before`` or ``after`` the so-many-th call of a function; before its commit in both cases of ``after``."""
    real, calls = getattr(tasks, name), 0

    def dies(**more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            raise Killed
        answer = real(**more)
        if calls == call and when == "inside":
            raise Killed  # the transaction ends without a commit
        return answer

    monkeypatch.setattr(tasks, name, dies)


@pytest.mark.parametrize("when", ["before", "inside"])
@pytest.mark.parametrize(
    ("name", "call"), [("write_chunk", 1), ("write_chunk", 3), ("finish_statement", 1), ("finish_import", 1)]
)
def test_a_killed_import_goes_on(bank: Bank, monkeypatch: pytest.MonkeyPatch, when: str, name: str, call: int) -> None:
    record = bank.start(camt(statement()))
    with monkeypatch.context() as patch:
        kill_at(patch, name, call, when=when)
        with pytest.raises(Killed):
            bank.advance(record)
    before = bank.get(record)
    assert before.state == "running"

    done = bank.advance(record)

    assert done.state == "done"
    assert counts(done) == (LINES, LINES, 0, 0)
    assert written(bank) == list(range(1, LINES + 1))
    assert len(bank.statements()) == 1
    assert len(bank.events("statement.imported")) == 1


def test_it_lets_others_work_in_between(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    seen = [bank.advance(record, seconds=0) for _ in range(5)]
    assert [one.lines_written for one in seen] == [10, 20, 30, 40, 45]
    assert bank.statements() != []
    assert bank.advance(record).state == "done"


def test_a_statement_in_the_middle_is_nobodys_business_yet(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    bank.advance(record, seconds=0)
    assert bank.statements() == []
    assert bank.sql("SELECT count(*) FROM recon_line") == [(10,)]
    assert bank.sql("SELECT count(*) FROM recon_open_line") == [(0,)]


def test_a_refused_statement_in_slices_is_taken_away_wholly(bank: Bank) -> None:
    record = bank.start(camt(statement(1), statement(2, opening=1, closing=2), statement(3, lines=3)))
    while not record.is_finished:
        record = bank.advance(record, seconds=0)
    assert (record.statements, record.statements_refused) == (2, 1)
    assert counts(record) == (93, 48, 0, 45)
    assert bank.codes(record) == ["balance_mismatch"]
    assert bank.sql("SELECT count(*) FROM recon_line") == [(48,)]
    assert bank.sql("SELECT count(*) FROM recon_open_line") == [(48,)]


def test_a_bad_line_far_down_in_slices_refuses_its_statement_once(bank: Bank) -> None:
    bad = statement()
    bad = Stmt(id="S-1", entries=[*bad.entries, Ntry(5, currency="EUR"), *statement(2, lines=15).entries], totals="")
    record = bank.start(camt(bad))
    while not record.is_finished:
        record = bank.advance(record, seconds=0)
    assert counts(record) == (61, 0, 0, 61)
    assert [(one.place, one.code) for one in bank.problems(record)] == [("Stmt 1/Ntry 46", "currency_differs")]
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_dry_run_counts_the_same_in_slices(bank: Bank, seconds: float) -> None:
    record = bank.start(camt(statement(1), statement(2, closing=1)), is_dry_run=True)
    while not record.is_finished:
        record = bank.advance(record, seconds=seconds)
    assert counts(record) == (90, 45, 0, 45)


def test_many_workers_write_each_line_once(bank: Bank) -> None:
    record = bank.start(camt(statement(1), statement(2, opening=5_490)))

    def work() -> str:
        try:
            return bank.advance(record).state
        except ImportMoved:
            return "moved"

    at_once([work] * 4, threads=4)
    done = bank.advance(record)
    assert done.state == "done"
    assert counts(done) == (90, 90, 0, 0)
    assert sorted(written(bank)) == sorted([*range(1, 46), *range(1, 46)])


def test_of_the_same_file_at_once_one_is_taken(bank: Bank) -> None:
    content = camt(statement())

    def start() -> str:
        try:
            return bank.start(content).state
        except StatementFileKnown:
            return "known"

    assert sorted(map(str, at_once([start] * 4, threads=4))) == ["known", "known", "known", "queued"]


def test_the_same_statement_in_two_files_at_once_is_written_once(bank: Bank) -> None:
    first, second = bank.start(camt(statement(1))), bank.start(camt(statement(1), before="<!-- again -->"))
    bank.advance(first, seconds=0)
    with pytest.raises(ImportMoved):
        bank.advance(second)
    assert bank.advance(first).state == "done"
    assert counts(bank.advance(second)) == (45, 0, 45, 0)


def rename(bank: Bank, external_id: str) -> None:
    """Somebody says otherwise how the bank's files name the account."""
    with tenant_work(bank.ws):
        account = queries.list_reconciled_accounts()[0]
        operations.change_reconciled_account(account_id=account.id, version=account.version, external_id=external_id,
                                            actor=bank.actor, now=clock.now())  # fmt: skip


def test_an_account_that_changes_meanwhile_leaves_nothing_begun_behind(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    bank.advance(record, seconds=0)
    rename(bank, "OTHER")

    failed = bank.advance(record)
    assert (failed.state, bank.codes(failed)) == ("failed", ["account_unknown"])
    assert counts(failed) == (45, 0, 0, 45)
    assert bank.sql("SELECT count(*) FROM recon_line UNION ALL SELECT count(*) FROM recon_statement") == [(0,), (0,)]

    rename(bank, IBAN)
    assert bank.take(camt(statement())).state == "done"
    assert written(bank) == list(range(1, 46))


def test_an_import_does_not_go_on_with_another_account(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    bank.advance(record, seconds=0)
    rename(bank, "OTHER")
    bank.open("fees", external_id=IBAN)

    assert bank.codes(bank.advance(record)) == ["account_differs"]
    assert (bank.statements(), written(bank)) == ([], [])


def test_what_an_ended_import_left_begun_is_in_nobodys_way(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    bank.advance(record, seconds=0)
    bank.sql("UPDATE recon_import SET state = 'failed', finished_at = now()")

    assert bank.take(camt(statement()), is_dry_run=True).state == "done"
    assert len(written(bank)) == 10  # which a dry run does not touch
    assert bank.take(camt(statement())).state == "done"
    assert written(bank) == list(range(1, 46))


def test_a_canceled_import_leaves_complete_statements_alone(bank: Bank) -> None:
    record = bank.start(camt(statement(1, lines=5), statement(2, opening=510)))
    for _ in range(3):
        bank.advance(record, seconds=0)
    with tenant_work(bank.ws):
        canceled = operations.cancel_import(import_id=record.id, now=clock.now())
    assert (canceled.state, canceled.lines_written) == ("canceled", 5)
    assert canceled.lines_read == canceled.lines_written + canceled.lines_refused
    assert len(bank.statements()) == 1
    assert bank.sql("SELECT count(*) FROM recon_line") == [(5,)]
    assert bank.advance(record) == canceled
    with tenant_work(bank.ws), pytest.raises(ImportFinished):
        operations.cancel_import(import_id=record.id, now=clock.now())


def test_a_stored_file_that_changed_is_refused(bank: Bank) -> None:
    record = bank.start(camt(statement()))
    bank.advance(record, seconds=0)
    Path(default_storage.path(record.storage_name)).write_bytes(camt(statement(lines=44)))
    failed = bank.advance(record)
    assert (failed.state, failed.problem_code) == ("failed", "statement_file_unreadable")
    assert bank.sql("SELECT count(*) FROM recon_line") == [(0,)]


def test_a_worker_that_is_killed_for_real_is_gone_on_from(bank: Bank) -> None:
    record = bank.start(camt(statement(lines=400)))
    worker = subprocess.Popen(  # our own module
        [sys.executable, "-m", "tests.reconciliation.importing_worker", str(bank.ws.id), record.id],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    for _ in range(3):
        assert worker.stdout.readline() == "chunk\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert 0 < bank.get(record).lines_written < 400
    deadline = time.monotonic() + 20
    while True:
        try:
            done = bank.advance(record)
            break
        except ImportMoved:  # its connection may hold the row for a moment
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert counts(done) == (400, 400, 0, 0)
    assert written(bank) == list(range(1, 401))
