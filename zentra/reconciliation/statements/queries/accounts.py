"""Reconciled accounts."""

from zentra.core import ids
from zentra.reconciliation.statements.errors import AccountNotFound
from zentra.reconciliation.statements.models import ReconciledAccount
from zentra.reconciliation.statements.records import account_record
from zentra.reconciliation.statements.types import AccountKind, ReconciledAccountRecord


def list_reconciled_accounts(
    *, kind: AccountKind | None = None, includes_closed: bool = False
) -> list[ReconciledAccountRecord]:
    """Reconciled accounts by name; a workspace has a handful."""
    rows = ReconciledAccount.objects.order_by("name", "id")
    if kind is not None:
        rows = rows.filter(kind=kind)
    if not includes_closed:
        rows = rows.filter(closed_at__isnull=True)
    return [account_record(row) for row in rows]


def get_reconciled_account(*, account_id: str) -> ReconciledAccountRecord:
    """A reconciled account by its ``rca_…`` id; raises AccountNotFound, BadId."""
    ids.to_uuid(account_id, prefix="rca")
    row = ReconciledAccount.objects.filter(id=account_id).first()
    if row is None:
        raise AccountNotFound(f"There is no reconciled account {account_id}.", account_id=account_id)
    return account_record(row)


def find_reconciled_account(
    *, ledger_account_id: str | None = None, ledger_account_code: str | None = None, currency: str | None = None
) -> ReconciledAccountRecord | None:
    """The open reconciled account of a ledger account, by its id, or its code and currency; None if there is none."""
    rows = ReconciledAccount.objects.filter(closed_at__isnull=True)
    if ledger_account_id is not None:
        rows = rows.filter(ledger_account_id=ledger_account_id)
    if ledger_account_code is not None:
        rows = rows.filter(ledger_account_code=ledger_account_code)
    if currency is not None:
        rows = rows.filter(currency=currency)
    row = rows.order_by("id").first()
    return None if row is None else account_record(row)
