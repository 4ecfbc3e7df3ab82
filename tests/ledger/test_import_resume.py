"""An import that is killed, repeated, raced or disturbed goes on after its last chunk; no row is written twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from ledger.errors import LedgerBusy
from ledger.files import imports, tasks
from ledger.files.errors import ImportMoved
from ledger.files.reading import read_chunk
from ledger.files.storage import open_stored
from ledger.files.types import Chunk, ImportRecord
from ledger.operations import cancel_import
from ledger.queries import get_import
from tests.ledger.book import Book, at_once
from tests.ledger.filing import codes, counts, csv_of, finish, jsonl_of, lines_of, posting, run, start
from zentra.core import clock
from zentra.core.queue import Defer, WorkItem
from zentra.core.queue.operations import claim
from zentra.core.queue.worker import run_item
from zentra.core.tenancy import tenant_work

ROWS = 2_300


class Killed(BaseException):
    """The process is gone."""


pytestmark = pytest.mark.usefixtures("a_and_b")


def many(rows: int = ROWS, amount: int = 3) -> bytes:
    return jsonl_of(posting(f"p{number}", amount) for number in range(rows))


def written(book: Book) -> int:
    """How many postings there are on the accounts of these tests."""
    return int(book.sql("SELECT count(*) FROM ledger_posting WHERE purpose = 'import'")[0][0])


def kill_after(monkeypatch: pytest.MonkeyPatch, chunks: int, *, where: str) -> None:
    """End the work after so many chunks: ``before`` the commit of the next one, or right ``after`` its own."""
    done = 0
    real = imports.write_chunk

    def write_chunk(**more: Any) -> ImportRecord:
        nonlocal done
        if where == "after" and done == chunks:
            raise Killed
        record = real(**more)
        done += 1
        if where == "before" and done > chunks:
            raise Killed
        return record

    monkeypatch.setattr(tasks, "write_chunk", write_chunk)


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_an_import_goes_on_where_it_was_killed(
    book: Book, monkeypatch: pytest.MonkeyPatch, where: str, chunks: int
) -> None:
    record = start(book.workspace, many(), form="jsonl")
    with monkeypatch.context() as patch:
        kill_after(patch, chunks, where=where)
        with pytest.raises(Killed):
            finish(book.workspace, record)
    with tenant_work(book.workspace):
        stopped = get_import(import_id=record.id)
    assert (stopped.state, stopped.rows_written, written(book)) == ("running", chunks * 500, chunks * 500)

    assert counts(finish(book.workspace, stopped)) == ("done", ROWS, ROWS, 0, 0)
    assert (written(book), book.net("b")) == (ROWS, ROWS * 3)


def test_a_csv_with_quoted_lines_goes_on_at_the_right_row(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        line
        for number in range(600)
        for line in (
            f'p{number},,"two\nlines",a,debit,1,USD',
            f"p{number},,,b,credit,{1 if number != 550 else 'x'},USD",
        )
    ]
    record = start(book.workspace, csv_of(*lines))
    with monkeypatch.context() as patch:
        kill_after(patch, 1, where="after")
        with pytest.raises(Killed):
            finish(book.workspace, record)
    record = finish(book.workspace, record)

    assert counts(record) == ("done", 1200, 1198, 0, 2)
    assert codes(book.workspace, record) == [(2 + 1100, "import_number_invalid")]


SCRIPT = """
import sys, django
django.setup()
from ledger.files import tasks
from zentra.core.tenancy import resolve
from uuid import UUID
print("ready", flush=True)
tasks.advance_import(ws=resolve(UUID(sys.argv[1])), import_id=sys.argv[2], seconds=300)
"""


def test_a_process_that_is_killed_in_the_middle_loses_and_doubles_nothing(book: Book) -> None:
    rows = 6_000
    record = start(book.workspace, many(rows), form="jsonl")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "zentra.settings"}
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(book.workspace.id), record.id],
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with tenant_work(book.workspace):
                now = get_import(import_id=record.id)
            if now.rows_written:
                break
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    finally:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()
    with tenant_work(book.workspace):
        stopped = get_import(import_id=record.id)
    assert 0 < stopped.rows_written < rows
    assert stopped.rows_written == written(book)

    # The dead process's transaction may hold its locks for a moment.
    finished = _until_free(book, stopped)
    assert counts(finished) == ("done", rows, rows, 0, 0)
    assert (written(book), book.net("b"), book.diverging()) == (rows, rows * 3, 0)


def _until_free(book: Book, record: ImportRecord) -> ImportRecord:
    for _ in range(100):
        try:
            return finish(book.workspace, record)
        except ImportMoved:
            time.sleep(0.05)
    raise AssertionError("The import stayed locked.")


def test_two_workers_at_one_import_write_each_row_once(book: Book) -> None:
    record = start(book.workspace, many(), form="jsonl")

    def work() -> ImportRecord:
        return _until_free(book, record)

    results = at_once([work] * 3, threads=3)

    assert [result for result in results if isinstance(result, Exception)] == []
    with tenant_work(book.workspace):
        assert counts(get_import(import_id=record.id)) == ("done", ROWS, ROWS, 0, 0)
    assert (written(book), book.net("b")) == (ROWS, ROWS * 3)


def test_a_worker_whose_lease_ran_out_cannot_write_its_chunk_again(book: Book) -> None:
    record = start(book.workspace, many(600), form="jsonl")
    with tenant_work(book.workspace):
        record = imports.begin_import(import_id=record.id, now=clock.now())
    with open_stored(record.storage_name, workspace=book.workspace) as source:
        stale = read_chunk(source, record=record)
    finish(book.workspace, record)
    before = book.contents()

    with tenant_work(book.workspace):
        assert imports.write_chunk(chunk=stale, now=clock.now()).state == "done"
    assert book.contents() == before


def test_a_chunk_that_somebody_took_first_is_not_written(book: Book) -> None:
    record = start(book.workspace, many(1200), form="jsonl")
    with tenant_work(book.workspace):
        record = imports.begin_import(import_id=record.id, now=clock.now())
    with open_stored(record.storage_name, workspace=book.workspace) as source:
        chunk = read_chunk(source, record=record)
    with tenant_work(book.workspace):
        imports.write_chunk(chunk=chunk, now=clock.now())

    with pytest.raises(ImportMoved), tenant_work(book.workspace):
        imports.write_chunk(chunk=chunk, now=clock.now())
    assert written(book) == 500


def test_two_imports_of_one_file_at_once_write_each_row_once(book: Book) -> None:
    records = [start(book.workspace, many(), form="jsonl") for _ in range(2)]

    results = at_once([lambda record=record: _until_free(book, record) for record in records], threads=2)  # type: ignore[misc]

    assert [result for result in results if isinstance(result, Exception)] == []
    with tenant_work(book.workspace):
        ended = [get_import(import_id=record.id) for record in records]
    assert sum(each.rows_written for each in ended) == ROWS
    assert sum(each.rows_repeated for each in ended) == ROWS
    assert (written(book), book.net("b")) == (ROWS, ROWS * 3)


def test_traffic_may_go_on_while_an_import_runs(book: Book) -> None:
    record = start(book.workspace, many(), form="jsonl")
    stop = threading.Event()
    moved = 0

    def traffic() -> int:
        nonlocal moved
        while not stop.is_set():
            try:
                book.move("b", "a", 1)
                moved += 1
            except LedgerBusy:
                continue
        return moved

    def work() -> ImportRecord:
        try:
            return _until_free(book, record)
        finally:
            stop.set()

    results = at_once([work, traffic], threads=2)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert book.net("b") == ROWS * 3 - moved
    assert book.diverging() == 0


def test_an_import_is_canceled_between_two_chunks(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    record = start(book.workspace, many(), form="jsonl")
    chunks = 0

    def read(*args: Any, **more: Any) -> Chunk:
        nonlocal chunks
        chunks += 1
        chunk = read_chunk(*args, **more)
        if chunks == 3:
            with tenant_work(book.workspace):
                cancel_import(import_id=record.id, now=clock.now())
        return chunk

    monkeypatch.setattr(tasks, "read_chunk", read)
    ended = finish(book.workspace, record)

    assert (ended.state, ended.rows_written, chunks) == ("canceled", 1000, 3)
    assert written(book) == 1000


# -- Through the queue -------------------------------------------------------------------------------------------------


def item_of(record: ImportRecord) -> WorkItem:
    """The work item of an import, claimed."""
    for item in claim(limit=100, now=clock.now()):
        if item.ref == record.id:
            return item
    raise AssertionError("The import is not in the queue.")


def test_the_queue_imports_what_was_started(book: Book) -> None:
    record = start(book.workspace, csv_of(*lines_of("one")))
    run_item(item_of(record))

    with tenant_work(book.workspace):
        assert get_import(import_id=record.id).state == "done"
        with connection.cursor() as cursor:
            cursor.execute("SELECT done_at IS NOT NULL FROM public.work_item WHERE ref = %s", [record.id])
            assert cursor.fetchall() == [(True,)]


def test_a_long_import_lets_others_work(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    record = start(book.workspace, many(1200), form="jsonl")
    item = item_of(record)
    monkeypatch.setattr("ledger.files.tasks.time.monotonic", iter(range(0, 10_000, 100)).__next__)

    with pytest.raises(Defer):
        tasks.run_import(item, book.workspace)
    assert written(book) == 500


def test_a_stored_file_that_changed_ends_the_import(book: Book) -> None:
    record = start(book.workspace, many(10), form="jsonl")
    Path(default_storage.path(record.storage_name)).write_bytes(many(10, amount=4))
    ended = finish(book.workspace, record)

    assert (ended.state, ended.rows_written) == ("failed", 0)
    assert "not the one" in ended.problem


def test_a_stored_file_that_is_gone_ends_the_import(book: Book) -> None:
    record = start(book.workspace, many(10), form="jsonl")
    default_storage.delete(record.storage_name)

    assert finish(book.workspace, record).state == "failed"


def test_a_busy_ledger_refuses_no_row(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: Any, **more: Any) -> None:
        raise LedgerBusy

    record = start(book.workspace, many(10), form="jsonl")
    with monkeypatch.context() as patch:
        patch.setattr("ledger.files.postings.post_items", busy)
        with pytest.raises(LedgerBusy):
            finish(book.workspace, record)

    assert counts(finish(book.workspace, record)) == ("done", 10, 10, 0, 0)


def test_ten_thousand_rows(book: Book) -> None:
    rows = 10_000
    bad = {17, 4_321, 9_999}
    content = jsonl_of(posting(f"p{number}", 0 if number in bad else 1) for number in range(rows))
    record = run(book.workspace, content, form="jsonl")

    assert counts(record) == ("done", rows, rows - 3, 0, 3)
    assert [row for row, _ in codes(book.workspace, record)] == [18, 4_322, 10_000]
    assert book.net("b") == rows - 3
    while book.sequence():
        pass
    assert (book.diverging(), set(book.drift().values())) == (0, {0})
