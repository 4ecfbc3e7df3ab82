"""What can be done to reconciled accounts, their statements and imports."""

from zentra.reconciliation.statements.operations.accounts import (
    change_reconciled_account,
    close_reconciled_account,
    open_reconciled_account,
    save_mapping,
)
from zentra.reconciliation.statements.operations.imports import cancel_import, start_import

__all__ = [
    "cancel_import",
    "change_reconciled_account",
    "close_reconciled_account",
    "open_reconciled_account",
    "save_mapping",
    "start_import",
]
