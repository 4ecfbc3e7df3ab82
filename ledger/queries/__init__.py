"""Everything that reads the ledger. Each function is one statement, so one snapshot, unless it says otherwise."""

from ledger.queries.accounts import find_account, get_account, is_account_id, list_accounts
from ledger.queries.balances import drift_by_currency, get_balances, list_balances
from ledger.queries.categories import (
    CategoryNode,
    CategoryRecord,
    RollUp,
    category_tree,
    find_category,
    list_categories,
)
from ledger.queries.checks import latest_check, list_checks
from ledger.queries.files import (
    get_export,
    get_import,
    list_exports,
    list_imports,
    list_refusals,
    open_export,
)
from ledger.queries.finding import list_accounts_in_tree, list_currencies, search_accounts, search_postings
from ledger.queries.flow import ledger_flow
from ledger.queries.histories import HistoryEntry, Stretch, history_after
from ledger.queries.holds import HoldOrder, get_hold, held_by_currency, hold_events, list_holds, read_holds
from ledger.queries.moments import Basis, Moment, Point, balance_as_of, balance_history, balances_as_of
from ledger.queries.monitors import MonitorRecord, get_monitor, list_monitors
from ledger.queries.postings import (
    StoredPosting,
    account_history,
    corrections_of,
    entries_of_intent,
    entries_of_posting,
    find_step_posting,
    get_posting,
    list_postings,
    postings_of_hold,
    postings_of_intent,
    reversals_of,
    verify_entry_hash,
)
from ledger.queries.statements import Statement, StatementLine, StatementSummary, statement, statement_lines_stream
from ledger.queries.trial import TrialBalance, TrialCategory, TrialClass, TrialRow, trial_balance

__all__ = [
    "Basis",
    "CategoryNode",
    "CategoryRecord",
    "HistoryEntry",
    "HoldOrder",
    "Moment",
    "MonitorRecord",
    "Point",
    "RollUp",
    "Statement",
    "StatementLine",
    "StatementSummary",
    "StoredPosting",
    "Stretch",
    "TrialBalance",
    "TrialCategory",
    "TrialClass",
    "TrialRow",
    "account_history",
    "balance_as_of",
    "balance_history",
    "balances_as_of",
    "category_tree",
    "corrections_of",
    "drift_by_currency",
    "entries_of_intent",
    "entries_of_posting",
    "find_account",
    "find_category",
    "find_step_posting",
    "get_account",
    "get_balances",
    "get_export",
    "get_hold",
    "get_import",
    "get_monitor",
    "get_posting",
    "held_by_currency",
    "history_after",
    "hold_events",
    "is_account_id",
    "latest_check",
    "ledger_flow",
    "list_accounts",
    "list_accounts_in_tree",
    "list_balances",
    "list_categories",
    "list_checks",
    "list_currencies",
    "list_exports",
    "list_holds",
    "list_imports",
    "list_monitors",
    "list_postings",
    "list_refusals",
    "open_export",
    "postings_of_hold",
    "postings_of_intent",
    "read_holds",
    "reversals_of",
    "search_accounts",
    "search_postings",
    "statement",
    "statement_lines_stream",
    "trial_balance",
    "verify_entry_hash",
]
