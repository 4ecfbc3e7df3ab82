"""The database holds what was sent to us: whoever goes round Python is refused."""

from __future__ import annotations

import pytest
from django.db import Error

from tests.reconciliation.banking import Bank, Ntry, Stmt, camt
from zentra.core import ids, schema
from zentra.core.tenancy import TenantRef

_ONE_MORE_LINE = (
    "INSERT INTO recon_line SELECT gen_random_uuid(), account_id, statement_id, 99, booked_on, value_on, 5, currency,"
    ' kind, reference, "references", batch, gross_minor, fee_minor, counterparty, description, is_reversal,'
    " fingerprint FROM recon_line LIMIT 1"
)


@pytest.fixture
def bank(workspace: TenantRef) -> Bank:
    bank = Bank(workspace)
    bank.open()
    bank.take(camt(Stmt(opening=5, entries=[Ntry(100), Ntry(200)])))
    return bank


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recon_line SET amount_minor = 1",
        "UPDATE recon_line SET reference = 'X'",
        "DELETE FROM recon_line",
        "DELETE FROM recon_line WHERE number = 1",
        "UPDATE recon_statement SET closing_minor = 1",
        "UPDATE recon_statement SET lines = 1",
        "UPDATE recon_statement SET is_complete = false",
        "UPDATE recon_statement SET external_id = 'X'",
        "DELETE FROM recon_statement",
        _ONE_MORE_LINE,
        "TRUNCATE recon_line",
        "TRUNCATE recon_statement",
        "DELETE FROM recon_import",
        "UPDATE recon_import_problem SET code = ''",
        "UPDATE recon_account SET ledger_account_id = gen_random_uuid()",
        "UPDATE recon_account SET currency = 'EUR'",
        "DELETE FROM recon_account",
    ],
)
def test_the_application_may_not(bank: Bank, statement: str) -> None:
    with pytest.raises(Error):
        bank.sql(statement)
    assert bank.sql("SELECT amount_minor FROM recon_line ORDER BY number") == [(100,), (200,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recon_line SET amount_minor = 1",
        "DELETE FROM recon_line",
        "TRUNCATE recon_line",
        "UPDATE recon_statement SET lines = 9",
        "DELETE FROM recon_statement",
        "TRUNCATE recon_statement",
    ],
)
def test_the_owner_is_refused_too(bank: Bank, statement: str) -> None:
    with schema.connect_as_owner() as owner:
        owner.execute(f'SET search_path TO "{bank.ws.schema}"')
        with pytest.raises(Exception, match="is refused"):
            owner.execute(statement)


def test_continuity_alone_may_be_judged_again(bank: Bank) -> None:
    bank.sql("UPDATE recon_statement SET continuity = 'gap', break_minor = 5")
    assert bank.statements()[0].continuity == "gap"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recon_statement SET continuity = 'maybe'",
        "UPDATE recon_account SET settle_days = 61",
        "UPDATE recon_import SET state = 'lost'",
        "UPDATE recon_account SET kind = 'till'",
    ],
)
def test_what_cannot_be_is_refused(bank: Bank, statement: str) -> None:
    with pytest.raises(Error):
        bank.sql(statement)


def test_a_line_of_no_money_and_one_beyond_what_numbers_hold_are_refused(bank: Bank) -> None:
    columns = (
        "id, account_id, statement_id, number, booked_on, value_on, amount_minor, currency, kind, reference,"
        ' "references", batch, counterparty, description, is_reversal, fingerprint'
    )
    for amount in (0, 2**53):
        with pytest.raises(Error, match="recon_line_amount_range"):
            bank.sql(
                f"INSERT INTO recon_line ({columns}) VALUES (%s, %s, %s, 1, '2026-04-01', '2026-04-01', %s, 'USD',"
                " '', '', '{}', '', '', '', false, '')",
                [ids.new_uuid(), ids.new_uuid(), ids.new_uuid(), amount],
            )
