"""Everything that reads the ledger. Each function is one statement, so one snapshot, unless it says otherwise."""

from ledger.queries.accounts import find_account, get_account, is_account_id, list_accounts
from ledger.queries.balances import drift_by_currency, get_balances, list_balances
from ledger.queries.flow import ledger_flow
from ledger.queries.moments import Basis, Moment, Point, balance_as_of, balance_history, balances_as_of
from ledger.queries.postings import (
    account_history,
    entries_of_intent,
    get_posting,
    list_postings,
    postings_of_intent,
    verify_entry_hash,
)

__all__ = [
    "Basis",
    "Moment",
    "Point",
    "account_history",
    "balance_as_of",
    "balance_history",
    "balances_as_of",
    "drift_by_currency",
    "entries_of_intent",
    "find_account",
    "get_account",
    "get_balances",
    "get_posting",
    "is_account_id",
    "ledger_flow",
    "list_accounts",
    "list_balances",
    "list_postings",
    "postings_of_intent",
    "verify_entry_hash",
]
