"""An empty workspace made from an export is the same; Beancount text of a ledger is accepted by its checker."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import operations
from ledger.types import Fx, Line
from tests.ledger.book import Book
from tests.ledger.filing import (
    balances_of,
    codes,
    counts,
    export,
    jsonl_of,
    rows_of,
    run,
)
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work


@pytest.fixture
def book(workspace: TenantRef) -> Book:
    book = Book(workspace)
    book.open("a")
    book.open("b")
    return book


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
