"""Importing: what is written, what is repeated, what is refused, and what is kept of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger import operations, queries
from ledger.files.errors import (
    ImportEmpty,
    ImportFinished,
    ImportHeaderInvalid,
    ImportNotFound,
    ImportNotUtf8,
    ImportTooLarge,
)
from tests.ledger.book import Book
from tests.ledger.filing import (
    codes,
    counts,
    csv_of,
    events_of,
    finish,
    jsonl_of,
    lines_of,
    posting,
    refusals,
    run,
    start,
)
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

pytestmark = pytest.mark.usefixtures("a_and_b")


# -- Postings ----------------------------------------------------------------------------------------------------------


def test_lines_of_a_csv_that_have_one_external_id_are_one_posting(book: Book) -> None:
    record = run(book.workspace, csv_of(*lines_of("one", 100), *lines_of("two", 250)))

    assert counts(record) == ("done", 4, 4, 0, 0)
    assert (book.net("a"), book.net("b")) == (-350, 350)
    assert record.percent == 100


def test_a_posting_keeps_what_its_row_says(book: Book) -> None:
    row = posting(
        "inv-7", 100, effective_at="2026-01-31T12:00:00+01:00", description="Rent", metadata={"lease": "L-1", "n": 2},
        purpose="rent.paid", external_reference="INV 7",
    )  # fmt: skip
    record = run(book.workspace, jsonl_of([row, posting("plain", 5)]), form="jsonl")

    with tenant_work(book.workspace):
        plain, stored = queries.list_postings(limit=2)
    assert stored.posted.effective_at == datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert (stored.asked.description, stored.asked.metadata) == ("Rent", {"lease": "L-1", "n": 2})
    assert (stored.posted.purpose, stored.facts.external_reference) == ("import.rent.paid", "INV 7")
    assert (plain.posted.purpose, plain.facts.external_reference) == ("import", "plain")
    assert stored.posted.correlation_id == record.id


def test_csv_and_jsonl_of_the_same_words_are_the_same_posting(book: Book) -> None:
    run(book.workspace, csv_of(*lines_of("one", 100)))
    same = posting("one", 100, effective_at="2026-01-31T13:00:00+01:00", description="moved")

    assert counts(run(book.workspace, jsonl_of([same]), form="jsonl")) == ("done", 1, 0, 1, 0)


def test_a_posting_over_two_currencies_keeps_its_rate(book: Book) -> None:
    for code in ("x", "y"):
        book.open(code, currency="EUR", account_type="position")
    header = "external_id,account,direction,amount_minor,currency,fx_rate,fx_source"
    lines = ("f,a,debit,108,USD,0.9259,ECB", "f,b,credit,108,USD,,", "f,x,debit,100,EUR,,", "f,y,credit,100,EUR,,")
    record = run(book.workspace, csv_of(*lines, header=header))

    assert codes(book.workspace, record) == []
    with tenant_work(book.workspace):
        fx = queries.list_postings(limit=1)[0].posted.fx
    assert fx is not None
    assert (fx.base, fx.quote, fx.rate, fx.source) == ("USD", "EUR", "0.9259", "ECB")


def test_each_posting_is_told_and_the_end_of_the_import_too(book: Book) -> None:
    record = run(book.workspace, csv_of(*lines_of("one"), *lines_of("two"), *lines_of("bad", 0)))

    told = events_of(book.workspace, "ledger.entry.posted")
    assert len([each for each in told if each["correlation_id"] == record.id]) == 2
    (ended,) = events_of(book.workspace, "ledger.import.completed")
    assert (ended["import_id"], ended["rows_written"], ended["rows_refused"]) == (record.id, 4, 2)


# -- Again -------------------------------------------------------------------------------------------------------------


def test_the_same_file_twice_writes_nothing_twice(book: Book) -> None:
    content = csv_of(*lines_of("one", 100), *lines_of("two", 250))
    run(book.workspace, content)
    before = book.contents()

    assert counts(run(book.workspace, content)) == ("done", 4, 0, 4, 0)
    *after, (events,) = book.contents()
    assert after == before[:-1]
    assert events == before[-1][0] + 1  # of the import itself


def test_the_same_external_id_with_another_content_is_refused_with_both_fingerprints(book: Book) -> None:
    run(book.workspace, csv_of(*lines_of("one", 100)))
    before = book.contents()
    record = run(book.workspace, csv_of(*lines_of("one", 101), *lines_of("two", 7)))

    (refusal,) = refusals(book.workspace, record)
    assert (refusal.row_number, refusal.code) == (2, "import_row_conflict")
    assert refusal.extra["first_fingerprint"] != refusal.extra["this_fingerprint"]
    assert str(refusal.extra["first_id"]).startswith("posting_")
    assert counts(record) == ("done", 4, 2, 0, 2)
    assert len(book.contents()) > len(before)


def test_an_external_id_that_comes_again_in_one_file_is_a_repeat_or_a_conflict(book: Book) -> None:
    rows = [posting("one", 1), posting("two", 2), posting("one", 1), posting("two", 3)]
    record = run(book.workspace, jsonl_of(rows), form="jsonl")

    assert counts(record) == ("done", 4, 2, 1, 1)
    assert codes(book.workspace, record) == [(4, "import_row_conflict")]
    assert book.net("b") == 3


def test_a_refused_row_is_written_once_its_cause_is_gone(book: Book) -> None:
    content = jsonl_of([posting("late", 40, credit="not_yet")])
    first = run(book.workspace, content, form="jsonl")
    book.open("not_yet")

    assert codes(book.workspace, first) == [(1, "unknown_account")]
    assert counts(run(book.workspace, content, form="jsonl")) == ("done", 1, 1, 0, 0)
    assert book.net("not_yet") == 40


# -- Refusals of the ledger --------------------------------------------------------------------------------------------


def test_refused_rows_leave_the_others_alone(book: Book) -> None:
    book.open("poor", floor=0)
    tomorrow = f"{datetime.now(UTC).year + 1}-01-01T00:00:00Z"
    unbalanced = posting("unbalanced", 5)
    unbalanced["entries"][0]["amount_minor"] = 6
    single = posting("single", 5)
    single["entries"].pop()
    rows = [
        posting("good", 1),
        unbalanced,
        single,
        posting("unknown", 5, debit="nobody"),
        posting("overdrawn", 5, debit="poor"),
        posting("future", 5, effective_at=tomorrow),
        posting("zero", 0),
        posting("better", 2),
    ]
    record = run(book.workspace, jsonl_of(rows), form="jsonl")

    assert counts(record) == ("done", 8, 2, 0, 6)
    assert codes(book.workspace, record) == [
        (2, "unbalanced_posting"),
        (3, "incomplete_posting"),
        (4, "unknown_account"),
        (5, "insufficient_funds"),
        (6, "effective_in_future"),
        (7, "invalid_amount"),
    ]
    numbers = {each.code: each.extra for each in refusals(book.workspace, record)}
    assert numbers["unbalanced_posting"]["debits_minor"] == 6
    assert numbers["insufficient_funds"]["account"] == "poor"
    assert (book.net("b"), book.diverging()) == (3, 0)


def test_a_hold_s_posting_is_not_imported(book: Book) -> None:
    record = run(book.workspace, jsonl_of([posting("p", 5, state="pending")]), form="jsonl")

    assert codes(book.workspace, record) == [(1, "import_posting_not_posted")]


# -- Dry run -----------------------------------------------------------------------------------------------------------


def test_a_dry_run_checks_everything_and_writes_nothing(book: Book) -> None:
    book.open("poor", floor=0)
    before = book.contents()
    content = jsonl_of([posting("one", 1), posting("short", 5, debit="poor"), posting("one", 2)])
    record = run(book.workspace, content, form="jsonl", is_dry_run=True)

    assert record.is_dry_run
    assert counts(record)[:2] == ("done", 3)
    assert (2, "insufficient_funds") in codes(book.workspace, record)
    assert book.contents() == before
    assert events_of(book.workspace, "ledger.import.completed") == []
    assert run(book.workspace, content, form="jsonl").rows_repeated == 0


def test_a_dry_run_of_accounts_opens_none(book: Book) -> None:
    header = "code,account_type,currency,opening_balance_minor"
    record = run(
        book.workspace, csv_of("new,bank,USD,5", "a,bank,USD,1", header=header), kind="accounts", is_dry_run=True
    )

    assert counts(record) == ("done", 2, 1, 0, 1)
    with tenant_work(book.workspace):
        assert "new" not in {account.code for account in queries.list_accounts(limit=100)}


# -- The import itself -------------------------------------------------------------------------------------------------


def test_nothing_is_started_of_a_file_that_cannot_be_imported(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def starting(content: bytes, **more: Any) -> None:
        start(book.workspace, content, **more)

    with pytest.raises(ImportEmpty):
        starting(b"")
    with pytest.raises(ImportNotUtf8):
        starting("external_id".encode("utf-16"))
    with pytest.raises(ImportNotUtf8):
        starting(b"\xef\xbb\xbf{}", form="jsonl")
    with pytest.raises(ImportHeaderInvalid) as found:
        starting(b"external_id;account\n1;2\n")
    assert found.value.extra["unknown"] == ["external_id;account"]
    with pytest.raises(ImportHeaderInvalid) as found:
        starting(b"external_id,account,account,currency,colour\n")
    assert found.value.extra["missing"] == ["direction", "amount_minor"]
    assert found.value.extra["twice"] == ["account"]
    assert found.value.extra["unknown"] == ["colour"]
    monkeypatch.setattr("ledger.files.storage.MAX_FILE_BYTES", 100)
    with pytest.raises(ImportTooLarge):
        starting(b"x" * 101)
    with tenant_work(book.workspace):
        assert queries.list_imports(limit=10) == []


def test_a_file_with_no_rows_is_done_at_once(book: Book) -> None:
    assert counts(run(book.workspace, csv_of())) == ("done", 0, 0, 0, 0)


def test_imports_are_listed_newest_first_and_paged(book: Book) -> None:
    made = [start(book.workspace, csv_of()).id for _ in range(3)]

    with tenant_work(book.workspace):
        first = queries.list_imports(limit=2)
        rest = queries.list_imports(limit=2, before=(first[-1].created_at, first[-1].id))
    assert [each.id for each in (*first, *rest)] == made[::-1]


def test_refusals_are_paged_in_the_order_of_the_file(book: Book) -> None:
    record = run(book.workspace, jsonl_of(posting(f"p{n}", 0) for n in range(5)), form="jsonl")

    with tenant_work(book.workspace):
        first = queries.list_refusals(import_id=record.id, limit=3)
        rest = queries.list_refusals(import_id=record.id, limit=3, after_row=first[-1].row_number)
    assert [each.row_number for each in (*first, *rest)] == [1, 2, 3, 4, 5]


def test_a_canceled_import_goes_no_further_and_an_ended_one_is_not_canceled(book: Book) -> None:
    record = start(book.workspace, csv_of(*lines_of("one")))
    with tenant_work(book.workspace):
        canceled = operations.cancel_import(import_id=record.id, now=clock.now())

    assert (canceled.state, finish(book.workspace, canceled).rows_read) == ("canceled", 0)
    assert book.net("a") == 0
    with tenant_work(book.workspace), pytest.raises(ImportFinished):
        operations.cancel_import(import_id=record.id, now=clock.now())


def test_the_uploader_s_file_name_is_only_ever_shown(book: Book) -> None:
    record = start(book.workspace, csv_of(), file_name="../../etc/pass\x00wd")

    assert record.file_name == "passwd"
    assert record.storage_name == f"{book.workspace.schema}/ledger/imports/{record.id}.csv"


def test_another_workspace_sees_neither_the_import_nor_its_file(book: Book, other_workspace: TenantRef) -> None:
    from ledger.files.errors import ImportUnreadable
    from ledger.files.storage import open_stored

    record = start(book.workspace, csv_of(*lines_of("one")))

    with tenant_work(other_workspace):
        with pytest.raises(ImportNotFound):
            queries.get_import(import_id=record.id)
        with pytest.raises(ImportNotFound):
            queries.list_refusals(import_id=record.id, limit=1)
        with pytest.raises(ImportNotFound):
            operations.cancel_import(import_id=record.id, now=clock.now())
        assert queries.list_imports(limit=5) == []
    with pytest.raises(ImportUnreadable):
        open_stored(record.storage_name, workspace=other_workspace)
    assert run(book.workspace, csv_of()).state == "done"
