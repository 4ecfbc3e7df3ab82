"""``manage.py import_statement`` stays with a file to its end and says what was wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.reconciliation.banking import Bank, Ntry, Stmt, camt
from zentra.core.tenancy import TenantRef


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    return bank


def run(bank: Bank, path: Path, *words: str) -> str:
    out = io.StringIO()
    command = ("import_statement", "--workspace", bank.ws.slug, "--file", str(path), *words)
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_file_is_imported_to_its_end(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "april.xml"
    path.write_bytes(camt(Stmt(entries=[Ntry(100), Ntry(5)])))
    assert "2 lines: 2 written" in run(bank, path, "--dry-run")
    assert bank.statements() == []
    assert "done, 1 statements, 0 refused; 2 lines: 2 written" in run(bank, path)
    with pytest.raises(CommandError, match="imported before"):
        run(bank, path)


def test_what_was_refused_is_said(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "april.xml"
    path.write_bytes(camt(Stmt(entries=[Ntry(100)], closing=99)))
    with pytest.raises(SystemExit):
        run(bank, path)
    with pytest.raises(CommandError):
        run(bank, tmp_path / "nothing.xml")
    with pytest.raises(CommandError):
        call_command("import_statement", "--workspace", "nobody", "--file", str(path))
