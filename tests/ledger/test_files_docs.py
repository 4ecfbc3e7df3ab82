"""The examples of docs/ledger-files.md can be imported, and every code that it could name is one that it names."""

from __future__ import annotations

import re

import pytest

from ledger.files import errors
from ledger.files.columns import CSV_COLUMNS, JSON_COLUMNS
from tests.ledger.book import Book
from tests.ledger.filing import codes, run
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef
from zentra.embedded.layout import CLONE

PAGE = (CLONE / "docs" / "ledger-files.md").read_text()
EXAMPLES = re.findall(r"^```(csv|jsonl) (accounts|postings)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
# Of the door, not of a row or file.
OF_DOORS = {
    "import_not_found", "import_finished", "import_moved", "import_unreadable", "import_row_refused",
    "export_not_found", "export_not_ready", "export_invalid",
}  # fmt: skip


def test_the_examples_can_be_imported(live_workspace: TenantRef) -> None:
    assert len(EXAMPLES) == 4
    for form, kind, content in EXAMPLES:
        record = run(live_workspace, content.encode(), kind=kind, form=form)
        assert (record.state, codes(live_workspace, record), record.rows_repeated) == ("done", [], 0)
    assert Book(live_workspace).drift() == {"USD": 0}


def test_every_code_of_a_file_or_row_is_explained() -> None:
    known = {
        each.code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, DomainError) and each is not DomainError
    }

    assert {code for code in known - OF_DOORS if f"`{code}`" not in PAGE} == set()
    assert known >= OF_DOORS


@pytest.mark.parametrize("columns", [CSV_COLUMNS, JSON_COLUMNS])
def test_every_column_is_explained(columns: dict[str, object]) -> None:
    for kind in ("accounts", "postings"):
        named = columns[kind]
        for column in (*named.required, *named.optional):  # type: ignore[attr-defined]
            assert column == "entries" or f"`{column}`" in PAGE
