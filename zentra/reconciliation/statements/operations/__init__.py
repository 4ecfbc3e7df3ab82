"""What can be done to reconciled accounts, their statements and imports."""

from zentra.reconciliation.statements.operations.accounts import (
    change_reconciled_account,
    close_reconciled_account,
    open_reconciled_account,
    save_mapping,
)
from zentra.reconciliation.statements.operations.imports import cancel_import, start_import
from zentra.reconciliation.statements.operations.settlements import (
    post_settlement_of,
    settle_waiting,
)

__all__ = [
    "cancel_import",
    "change_reconciled_account",
    "close_reconciled_account",
    "open_reconciled_account",
    "post_settlement_of",
    "save_mapping",
    "settle_waiting",
    "start_import",
]
