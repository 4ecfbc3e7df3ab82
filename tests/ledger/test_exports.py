"""Exporting: what is in the file, that it is whole and stable, and that an empty workspace made from it is the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.urls import Resolver404, resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence.models import Event
from ledger import operations, queries
from ledger.errors import UnknownAccount
from ledger.files import exports, parts, selecting
from ledger.files.errors import ExportInvalid, ExportNotFound, ExportNotReady
from ledger.files.types import ExportRecord
from ledger.types import Fx, Line
from tests.ledger.book import Book, at_once
from tests.ledger.filing import (
    balances_of,
    codes,
    content_of,
    counts,
    export,
    finish_export,
    jsonl_of,
    run,
    start_export,
)
from zentra.core import actors, clock, ids
from zentra.core.money import UnknownCurrency
from zentra.core.queue.operations import claim
from zentra.core.queue.worker import run_item
from zentra.core.tenancy import TenantRef, tenant_work


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


def rows_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


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
    assert parts.list_parts(folder) == [record.file_name]


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


# -- There and back ----------------------------------------------------------------------------------------------------


def rich_ledger(book: Book) -> None:
    """A ledger with something of everything."""
    book.open("x", currency="EUR", account_type="position")
    book.open("y", currency="EUR", account_type="position")
    book.open("limited", floor=0)
    with tenant_work(book.workspace):
        unnamed = operations.open_account(
            account_type="merchant", currency="USD", actor=actors.LEDGER, now=clock.now(), name="No code"
        )
    book.move("bank", "limited", 5_000, description='=1+1, "quoted"\nand two lines', metadata={"a": 1, "b": None})
    posted = book.move("limited", unnamed.code, 1_200, external_reference="ref 1")
    book.reverse(posted)
    book.move("limited", unnamed.code, 700, effective_at=clock.now() - timedelta(days=40))
    book.post(
        [
            Line("a", "debit", 108, currency="USD"),
            Line("b", "credit", 108, currency="USD"),
            Line("x", "debit", 100, currency="EUR"),
            Line("y", "credit", 100, currency="EUR"),
        ],
        fx=Fx(base="EUR", quote="USD", rate="1.08", source="ECB", quoted_at=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    with tenant_work(book.workspace):
        operations.place_hold(
            account="limited", amount_minor=50, reference="h", source="test", actor=actors.LEDGER, now=clock.now(),
            correlation_id="req_test",
        )  # fmt: skip


def copy_into(target: TenantRef, source: TenantRef, form: Any, **filters: Any) -> None:
    """Bring a ledger's accounts and postings into another workspace."""
    accounts = run(target, export(source, kind="accounts", form=form), kind="accounts", form=form)
    assert codes(target, accounts) == []
    record = run(target, export(source, form=form, **filters), form=form)
    assert codes(target, record) == []
    assert (record.state, record.rows_repeated) == ("done", 0)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_empty_workspace_that_takes_an_export_in_has_equal_balances(
    book: Book, make_workspace: Callable[..., TenantRef], form: str
) -> None:
    rich_ledger(book)
    target = make_workspace(mode="live")
    copy_into(target, book.workspace, form, state="posted")

    expected = {(_name(code), currency): net for (code, currency), net in balances_of(book.workspace).items()}
    # Of a hold nothing is imported, and it has moved nothing that is posted.
    assert {key: net for key, net in balances_of(target).items() if net} == {
        key: net for key, net in expected.items() if net
    }
    assert Book(target).diverging() == 0
    again = run(target, export(book.workspace, form=form, state="posted"), form=form)
    assert again.rows_written == 0


def _name(code: str) -> str:
    return f"imported:{code}" if code.startswith("acct_") else code


def test_postings_of_holds_are_the_only_ones_refused_of_a_whole_export(
    book: Book, make_workspace: Callable[..., TenantRef]
) -> None:
    rich_ledger(book)
    target = make_workspace(mode="live")
    run(target, export(book.workspace, kind="accounts"), kind="accounts", form="jsonl")
    record = run(target, export(book.workspace), form="jsonl")

    assert {code for _, code in codes(target, record)} == {"import_posting_not_posted"}


def test_an_import_into_its_own_workspace_writes_new_postings_once(book: Book) -> None:
    book.move("a", "b", 5)
    content = export(book.workspace, account_id="b")
    first, second = (run(book.workspace, content, form="jsonl") for _ in range(2))

    assert (counts(first), counts(second)) == (("done", 1, 1, 0, 0), ("done", 1, 0, 1, 0))


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=30)
NAME = st.text("abc_=-", min_size=1, max_size=5)
VALUE = st.one_of(TEXT, st.integers(-5, 5), st.none(), st.booleans())
MOMENT = st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1))  # noqa: DTZ001  # the zone is written behind it
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXT,
        "metadata": st.dictionaries(NAME, VALUE, max_size=3),
        "effective_at": MOMENT.map(lambda moment: f"{moment.isoformat()}Z"),
        "purpose": st.from_regex(r"[a-z][a-z0-9_.:-]{0,20}", fullmatch=True),
    },
)  # fmt: skip


def _posting(key: str, pairs: list[tuple[int, int, int]], words: dict[str, Any]) -> dict[str, Any]:
    entries = [
        {"account": f"acc{place}", "direction": direction, "amount_minor": amount, "currency": "USD"}
        for debit, credit, amount in pairs
        for place, direction in ((debit, "debit"), (credit, "credit"))
    ]
    return {"external_id": key, "entries": entries, **words}


PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 10**12)), min_size=1, max_size=4)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_whatever_is_imported_comes_back_as_it_was(make_workspace: Callable[..., TenantRef], form: str) -> None:
    """For any postings: import, export, import elsewhere, export again: the same words and the same balances."""
    source, target = make_workspace(mode="live"), make_workspace(mode="live")
    for workspace in (source, target):
        for place in range(4):
            Book(workspace).open(f"acc{place}")

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(PAIRS, WORDS), min_size=1, max_size=8))
    def comes_back(drawn: list[tuple[list[tuple[int, int, int]], dict[str, Any]]]) -> None:
        begun = clock.now()
        batch = ids.new_id("req")
        rows = [_posting(f"{batch}-{number}", pairs, words) for number, (pairs, words) in enumerate(drawn)]
        record = run(source, jsonl_of(rows), form="jsonl")
        assert codes(source, record) == []
        first = export(source, form=form, recorded_from=begun)
        copied = run(target, first, form=form)
        assert codes(target, copied) == []
        there = {row["external_reference"]: row for row in rows_of(export(target, recorded_from=begun))}
        for row in rows_of(export(source, recorded_from=begun)):
            found = there[row["external_reference"]]
            same = ("description", "metadata", "effective_at", "purpose")
            assert {name: row[name] for name in same} == {name: found[name] for name in same}
            assert _movements(row) == _movements(found)
        assert balances_of(source) == balances_of(target)

    comes_back()


def _movements(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(e["account"], e["direction"], e["amount_minor"], e["currency"]) for e in row["entries"]]


# -- Beancount ---------------------------------------------------------------------------------------------------------


def test_beancount_text_names_every_account_once_and_balances(book: Book) -> None:
    rich_ledger(book)
    book.open("a.b")
    book.open("a:b")
    text = export(book.workspace, form="beancount").decode()
    opened = [line.split()[2] for line in text.splitlines() if line[10:16] == " open "]

    assert len(opened) == len(set(opened))
    assert "Liabilities:USD:A-b" in opened
    assert "Liabilities:USD:A-b-2" in opened
    assert "is pending and moves no balance" in text
    assert '"=1+1, \\"quoted\\" and two lines"' in text
    assert "Assets:USD:Bank  50.00 USD" in text


def test_bean_check_accepts_it(book: Book, tmp_path: Path) -> None:
    """Beancount is GPL: it runs as a program of its own, where it is installed, and is never imported."""
    checker = shutil.which("bean-check") or shutil.which("bean-check", path=str(Path(sys.executable).parent))
    if checker is None:
        pytest.skip("bean-check is not installed: pip install beancount in an environment of its own puts it on PATH")
    rich_ledger(book)
    for code in ("a.b", "a:b", "0", "_", "Ünï".encode("ascii", "ignore").decode() + "-"):
        book.open(code)
    book.move("a.b", "0", 7, description='back\\slash "and quote"', effective_at=datetime(1950, 1, 1, tzinfo=UTC))
    file = tmp_path / "ledger.beancount"
    file.write_bytes(export(book.workspace, form="beancount"))
    checked = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
