"""Exporting: what is in the file, that it is whole and stable, and that an empty workspace made from it is the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.urls import Resolver404, resolve

from evidence.models import Event
from ledger import operations, queries
from ledger.errors import UnknownAccount
from ledger.files import exports, parts, selecting
from ledger.files.errors import ExportInvalid, ExportNotFound, ExportNotReady
from ledger.files.types import ExportFilters, ExportRecord
from tests.ledger.book import Book, at_once
from tests.ledger.filing import (
    content_of,
    export,
    finish_export,
    rows_of,
    start_export,
)
from tests.people import Person
from zentra.core import clock
from zentra.core.money import UnknownCurrency
from zentra.core.queue.operations import claim
from zentra.core.queue.worker import run_item
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import Membership


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def book(workspace: TenantRef) -> Book:
    book = Book(workspace)
    book.open("a")
    book.open("b")
    return book


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three postings."""
    monkeypatch.setattr(selecting, "PAGE", 3)


def ids_of(content: bytes) -> list[str]:
    return [row["posting_id"] for row in rows_of(content)]


# -- What is in the file -----------------------------------------------------------------------------------------------


def test_an_export_holds_every_posting_with_all_its_entries_in_the_order_of_recording(book: Book) -> None:
    moved = [book.move("a", "b", amount).posting_id for amount in (1, 2, 3)]
    rows = rows_of(export(book.workspace))

    assert [row["posting_id"] for row in rows if row["purpose"] == "manual"] == moved
    assert rows == sorted(rows, key=lambda row: (row["recorded_at"], row["posting_id"]))
    last = rows[-1]
    assert last["external_id"] == last["posting_id"]
    assert [(e["account"], e["direction"], e["amount_minor"], e["currency"]) for e in last["entries"]] == [
        ("a", "debit", 3, "USD"),
        ("b", "credit", 3, "USD"),
    ]
    with tenant_work(book.workspace):
        assert last["entry_hash"] == queries.get_posting(posting_id=moved[-1]).posted.entry_hash


def test_a_csv_has_a_line_for_each_entry(book: Book) -> None:
    book.move("a", "b", 7, description="=HYPERLINK()", metadata={"k": "v"})
    rows = list(csv.DictReader(io.StringIO(export(book.workspace, form="csv").decode(), newline="")))

    first, second = rows[-2:]
    assert (first["external_id"], first["direction"], first["amount_minor"]) == (second["external_id"], "debit", "7")
    assert first["description"] == "'=HYPERLINK()"
    assert json.loads(first["metadata"]) == {"k": "v"}


def test_an_export_of_nothing_is_a_file_too(live_workspace: TenantRef) -> None:
    assert export(live_workspace) == b""
    assert export(live_workspace, form="csv").startswith(b"external_id,effective_at,")
    assert b"open Assets:USD:Bank USD" in export(live_workspace, form="beancount")


def test_accounts_are_exported_with_what_they_hold(book: Book) -> None:
    book.open("rich", floor=-5)
    book.move("a", "rich", 12)
    rows = {row["code"]: row for row in rows_of(export(book.workspace, kind="accounts"))}

    assert (rows["rich"]["posted_minor"], rows["rich"]["floor_minor"], rows["rich"]["sequencing"]) == (
        12,
        -5,
        "immediate",
    )
    assert {"bank", "opening_equity", "a"} <= set(rows)
    lines = list(csv.DictReader(io.StringIO(export(book.workspace, kind="accounts", form="csv").decode(), newline="")))
    assert {line["code"]: line["floor_minor"] for line in lines if line["code"] in ("rich", "bank")} == {
        "rich": "-5",
        "bank": "none",
    }


def test_filters_choose_whole_postings(book: Book) -> None:
    book.open("e1", currency="EUR")
    book.open("e2", currency="EUR")
    start = clock.now()
    old = book.move("a", "b", 1, effective_at=start - timedelta(days=30)).posting_id
    new = book.move("a", "b", 2).posting_id
    euros = book.move("e1", "e2", 3, currency="EUR").posting_id
    bank = book.move("bank", "a", 4).posting_id

    def found(**filters: Any) -> list[str]:
        return ids_of(export(book.workspace, recorded_from=start, **filters))

    assert found() == [old, new, euros, bank]
    assert found(effective_to=start) == [old]
    assert found(effective_from=start) == [new, euros, bank]
    assert found(currency="EUR") == [euros]
    assert found(account_id="bank") == [bank]
    with tenant_work(book.workspace):
        account = queries.find_account(ref="b").id
    assert found(account_id=account) == [old, new]
    assert found(state="pending") == []
    assert found(recorded_to=start + timedelta(microseconds=1)) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"kind": "accounts", "form": "beancount"}, ExportInvalid),
        ({"kind": "accounts", "account_id": "a"}, ExportInvalid),
        ({"form": "xml"}, ExportInvalid),
        ({"kind": "holds"}, ExportInvalid),
        ({"state": "gone"}, ExportInvalid),
        ({"currency": "usd"}, UnknownCurrency),
        ({"account_id": "nobody"}, UnknownAccount),
        ({"effective_from": datetime(2026, 1, 1)}, ExportInvalid),  # noqa: DTZ001
        ({"recorded_from": clock.now(), "recorded_to": datetime(2026, 1, 1, tzinfo=UTC)}, ExportInvalid),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused(book: Book, asked: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        start_export(book.workspace, **asked)
    with tenant_work(book.workspace):
        assert queries.list_exports(limit=5) == []


# -- Whole and stable --------------------------------------------------------------------------------------------------


def test_size_and_digest_are_those_of_the_file_and_the_end_is_told(book: Book) -> None:
    book.move("a", "b", 1)
    record = finish_export(book.workspace, start_export(book.workspace))
    content = content_of(book.workspace, record)

    assert (record.state, record.size_bytes, record.sha256) == (
        "done",
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    assert record.rows_written == record.rows_total == len(rows_of(content))
    with tenant_work(book.workspace):
        (event,) = Event.objects.filter(type="ledger.export.ready")
        _file, name = queries.open_export(export_id=record.id)
        _file.close()
    data = json.loads(bytes(event.body))["data"]
    assert (data["export_id"], data["rows"], data["sha256"], data["format"]) == (
        record.id, record.rows_written, record.sha256, "jsonl",
    )  # fmt: skip
    assert name.startswith("postings-")
    assert name.endswith(".jsonl")


def test_what_is_recorded_after_the_request_is_not_in_it(book: Book) -> None:
    before = book.move("a", "b", 1).posting_id
    record = start_export(book.workspace)
    after = book.move("a", "b", 2).posting_id
    found = ids_of(content_of(book.workspace, finish_export(book.workspace, record)))

    assert before in found
    assert after not in found


@pytest.mark.usefixtures("small_pages")
def test_parts_come_together_without_a_trace(book: Book) -> None:
    for amount in range(1, 12):
        book.move("a", "b", amount)
    record = finish_export(book.workspace, start_export(book.workspace, form="csv"))
    content = content_of(book.workspace, record).decode()

    assert content.count("external_id,effective_at") == 1
    assert len(list(csv.DictReader(io.StringIO(content, newline="")))) > 22
    folder = record.storage_name.rsplit("/", 1)[0]
    assert parts.list_files(folder) == [record.file_name]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_an_export_goes_on_where_it_was_killed(
    book: Book, monkeypatch: pytest.MonkeyPatch, where: str, kept: int
) -> None:
    for amount in range(1, 15):
        book.move("a", "b", amount)
    record = start_export(book.workspace)
    done = 0
    real = exports._move

    def move(*args: Any, **more: Any) -> bool:
        nonlocal done
        if where == "before" and done == kept:
            raise Killed  # the part is written and nobody knows of it
        moved = real(*args, **more)
        done += 1
        if where == "after" and done > kept:
            raise Killed
        return moved

    with monkeypatch.context() as patch:
        patch.setattr(exports, "_move", move)
        with pytest.raises(Killed):
            finish_export(book.workspace, record)
    with tenant_work(book.workspace):
        stopped = queries.get_export(export_id=record.id)
    assert (stopped.state, stopped.rows_written) == ("running", 3 * (kept + (where == "after")))
    with tenant_work(book.workspace), pytest.raises(ExportNotReady):
        queries.open_export(export_id=record.id)

    resumed = content_of(book.workspace, finish_export(book.workspace, stopped))
    again = content_of(book.workspace, finish_export(book.workspace, start_export(book.workspace)))
    assert resumed == again


@pytest.mark.usefixtures("small_pages")
def test_an_export_whose_parts_are_gone_begins_anew(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    for amount in range(1, 10):
        book.move("a", "b", amount)
    record = start_export(book.workspace)
    lost = False
    real = exports._finish

    def finish(ws: TenantRef, current: ExportRecord) -> ExportRecord:
        nonlocal lost
        if not lost:
            lost = True
            default_storage.delete(current.storage_name)
        return real(ws, current)

    monkeypatch.setattr(exports, "_finish", finish)
    record = finish_export(book.workspace, record)

    assert record.rows_written == len(rows_of(content_of(book.workspace, record)))


@pytest.mark.usefixtures("small_pages")
def test_a_posting_that_commits_late_is_not_missing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was recorded before the request and commits after the file has passed its place."""
    early = clock.now()
    for amount in range(1, 8):
        book.move("a", "b", amount)
    record = start_export(book.workspace)
    late: list[str] = []
    real = exports._finish

    def finish(ws: TenantRef, current: ExportRecord) -> ExportRecord:
        if not late:
            late.append(book.move("a", "b", 99, at=early).posting_id)
        return real(ws, current)

    monkeypatch.setattr(exports, "_finish", finish)
    found = ids_of(content_of(book.workspace, finish_export(book.workspace, record)))

    assert late[0] in found
    assert len(found) == len(set(found))


@pytest.mark.usefixtures("small_pages")
def test_two_workers_at_one_export_make_one_file(book: Book) -> None:
    for amount in range(1, 30):
        book.move("a", "b", amount)
    record = start_export(book.workspace)

    def work() -> ExportRecord:
        for _ in range(50):
            try:
                return finish_export(book.workspace, record)
            except exports.ExportMoved:
                continue
        raise AssertionError("It never ended.")

    results = at_once([work] * 3, threads=3)

    assert [each for each in results if isinstance(each, Exception)] == []
    with tenant_work(book.workspace):
        assert Event.objects.filter(type="ledger.export.ready").count() == 1
        ended = queries.get_export(export_id=record.id)
    found = ids_of(content_of(book.workspace, ended))
    assert len(found) == len(set(found)) == ended.rows_total


def test_the_queue_makes_what_was_asked_for(book: Book) -> None:
    record = start_export(book.workspace)
    for item in claim(limit=100, now=clock.now()):
        if item.ref == record.id:
            run_item(item)

    with tenant_work(book.workspace):
        assert queries.get_export(export_id=record.id).state == "done"


def test_exports_are_listed_newest_first_and_paged(book: Book) -> None:
    made = [start_export(book.workspace).id for _ in range(3)]

    with tenant_work(book.workspace):
        first = queries.list_exports(limit=2)
        rest = queries.list_exports(limit=2, before=(first[-1].created_at, first[-1].id))
    assert [each.id for each in (*first, *rest)] == made[::-1]


def test_another_workspace_sees_neither_the_export_nor_its_file(book: Book, other_workspace: TenantRef) -> None:
    record = finish_export(book.workspace, start_export(book.workspace))

    with tenant_work(other_workspace):
        with pytest.raises(ExportNotFound):
            queries.get_export(export_id=record.id)
        with pytest.raises(ExportNotFound):
            queries.open_export(export_id=record.id)
        assert queries.list_exports(limit=5) == []


def test_files_have_no_url_and_only_their_owner_reads_them(book: Book) -> None:
    record = finish_export(book.workspace, start_export(book.workspace))
    path = Path(default_storage.path(record.storage_name))

    for address in (
        default_storage.url(record.storage_name),
        f"/{record.storage_name}",
        f"/files/{record.storage_name}",
    ):
        with pytest.raises(Resolver404):
            resolve(f"/{address.lstrip('/')}")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.usefixtures("small_pages")
def test_an_export_ends_at_its_next_part_when_its_asker_may_not_export_any_more(
    book: Book, finance: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in range(1, 8):
        book.move("a", "b", amount)
    with tenant_work(book.workspace):
        asked = operations.start_export(
            kind="postings", format="csv", filters=ExportFilters(), actor=finance.actor(), now=clock.now()
        )
    first = exports.advance_export(ws=book.workspace, export_id=asked.id, until=0)
    assert (first.state, first.rows_written) == ("running", 3)
    Membership.objects.filter(workspace_id=book.workspace.id, user_id=finance.id).update(role="viewer")

    ended = finish_export(book.workspace, first)

    assert (ended.state, ended.problem, ended.storage_name) == ("failed", exports.NOT_ANY_MORE, "")
    assert default_storage.listdir(exports._folder(book.workspace, ended))[1] == []
    with tenant_work(book.workspace):
        (denied,) = [json.loads(bytes(each.body)) for each in Event.objects.filter(type="access.denied")]
        with pytest.raises(ExportNotReady):
            queries.open_export(export_id=asked.id)
    assert (denied["data"]["action"], denied["actor"]["id"]) == ("ledger.export", finance.id)
