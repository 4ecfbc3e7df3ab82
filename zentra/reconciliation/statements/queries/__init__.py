"""What can be asked of reconciled accounts, imports, statements and lines."""

from zentra.reconciliation.statements.queries.accounts import (
    find_reconciled_account,
    get_reconciled_account,
    list_reconciled_accounts,
)
from zentra.reconciliation.statements.queries.imports import get_import, list_imports, list_problems
from zentra.reconciliation.statements.queries.mappings import guess_mapping, preview_mapping
from zentra.reconciliation.statements.queries.settlements import find_settlement, list_settlements
from zentra.reconciliation.statements.queries.statements import (
    get_line,
    get_lines,
    get_statement,
    latest_statements,
    list_lines,
    list_statements,
)

__all__ = [
    "find_reconciled_account",
    "find_settlement",
    "get_import",
    "get_line",
    "get_lines",
    "get_reconciled_account",
    "get_statement",
    "guess_mapping",
    "latest_statements",
    "list_imports",
    "list_lines",
    "list_problems",
    "list_reconciled_accounts",
    "list_settlements",
    "list_statements",
    "preview_mapping",
]
