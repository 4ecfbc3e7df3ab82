"""``manage.py ledger_import`` and ``ledger_export``."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.ledger.book import Book
from tests.ledger.filing import csv_of, jsonl_of, lines_of, posting

pytestmark = pytest.mark.usefixtures("a_and_b")


def said(*words: str) -> tuple[str, str]:
    """What a command says, and how far it says it is."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as ended:
        out.write(f"status {ended.code}")
    return out.getvalue(), err.getvalue()


def test_a_file_is_imported_with_progress_and_once(book: Book, tmp_path: Path) -> None:
    file = tmp_path / "postings.csv"
    file.write_bytes(csv_of(*lines_of("one", 5), *lines_of("two", 6)))
    command = ("ledger_import", "--workspace", book.workspace.slug, "--kind", "postings", "--file", str(file))

    dry, _ = said(*command, "--dry-run")
    first, progress = said(*command)
    second, _ = said(*command)

    assert "4 written, 0 repeated, 0 refused (dry run: nothing was written)" in dry
    assert "done, 4 rows: 4 written" in first
    assert "100 %" in progress
    assert "0 written, 4 repeated" in second
    assert book.net("b") == 11


def test_refused_rows_are_printed_and_the_status_says_so(book: Book, tmp_path: Path) -> None:
    file = tmp_path / "postings.jsonl"
    file.write_bytes(jsonl_of([posting("one", 5), posting("two", 0)]))
    out, _ = said("ledger_import", "--workspace", book.workspace.slug, "--kind", "postings", "--file", str(file))

    assert "row 2: invalid_amount: amount_minor must be positive, not 0." in out
    assert out.endswith("status 1")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--workspace", "nowhere", "--kind", "postings", "--file", "x.csv"), "There is no workspace nowhere"),
        (("--kind", "postings", "--file", "x.txt"), "not named .csv or .jsonl"),
        (("--kind", "postings", "--file", "x.csv"), "No such file"),
    ],
)
def test_what_cannot_be_imported_is_said(book: Book, words: tuple[str, ...], problem: str) -> None:
    here = () if "--workspace" in words else ("--workspace", book.workspace.slug)
    with pytest.raises(CommandError, match=problem):
        said("ledger_import", *here, *words)


def test_an_export_appears_when_it_is_complete(book: Book, tmp_path: Path) -> None:
    book.move("a", "b", 7, description="seven")
    file = tmp_path / "ledger.jsonl"
    command = ("ledger_export", "--workspace", book.workspace.slug, "--account", "b", "--file", str(file))
    out, _ = said(*command)

    assert "done, rows 1," in out
    assert b'"description": "seven"' in file.read_bytes()
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(CommandError, match="exists already"):
        said(*command)
