"""Every refusal of the ledger, and the table that turns the database's own into one of them.

The checks in ``operations`` come first because they can say more; the database makes each of them again for every
INSERT by whatever way, and its refusals arrive here by SQLSTATE (class ZL is ours) or by constraint name.
"""

import json
from typing import Any, Final

from django.db import DatabaseError

from zentra.core.errors import DomainError
from zentra.core.money import InvalidAmount


class UnbalancedPosting(DomainError):
    """Debits and credits of a currency differ."""

    code = "unbalanced_posting"
    title = "Debits and credits differ"


class IncompletePosting(DomainError):
    """A posting has fewer than two entries, or not the entries that it declares."""

    code = "incomplete_posting"
    title = "A posting has two entries or more, written with it"


class InvalidPosting(DomainError):
    """A field of the posting is not of its form: purpose, direction, floor, or a time without a zone."""

    code = "invalid_posting"
    title = "A field of the posting is malformed"


class UnknownAccount(DomainError):
    """An account that a request names does not exist in this workspace."""

    code = "unknown_account"
    title = "The account does not exist"


class AccountNotFound(DomainError):
    """The account that was asked for does not exist in this workspace."""

    code = "account_not_found"
    status = 404
    title = "There is no such account"


class PostingNotFound(DomainError):
    """The posting that was asked for does not exist in this workspace."""

    code = "posting_not_found"
    status = 404
    title = "There is no such posting"


class AccountFrozen(DomainError):
    """The account is frozen; nothing posts to it."""

    code = "account_frozen"
    status = 409
    title = "The account is frozen"


class AccountClosed(DomainError):
    """The account is closed for good."""

    code = "account_closed"
    status = 409
    title = "The account is closed"


class CurrencyMismatch(DomainError):
    """An entry is in another currency than its account."""

    code = "currency_mismatch"
    title = "The account holds another currency"


class InsufficientFunds(DomainError):
    """The posting would leave less than the floor available; the numbers are in ``extra``."""

    code = "insufficient_funds"
    status = 409
    title = "There is not enough available"


class BalanceOverflow(DomainError):
    """The balance would pass 2^53−1 minor units."""

    code = "balance_overflow"
    title = "The balance would be too large"


class ClosedPeriod(DomainError):
    """The effective date lies in a closed accounting period."""

    code = "period_closed"
    status = 409
    title = "The period is closed"


class FutureEffectiveDate(DomainError):
    """A posting cannot count from a moment that has not come yet."""

    code = "effective_in_future"
    title = "The effective date is in the future"


class AlreadyReversed(DomainError):
    """The posting has a reversal; there is only ever one."""

    code = "already_reversed"
    status = 409
    title = "The posting is already reversed"


class ReversalOfReversal(DomainError):
    """A reversal is not reversed; post the original again instead."""

    code = "reversal_of_reversal"
    status = 409
    title = "A reversal cannot be reversed"


class PostingConflict(DomainError):
    """The same step of an intent stands with other entries."""

    code = "posting_conflict"
    status = 409
    title = "The step was posted with other entries"


class LedgerImmutable(DomainError):
    """Something tried to change what the ledger keeps."""

    code = "ledger_immutable"
    status = 409
    title = "The ledger only ever adds"


class LedgerBusy(DomainError):
    """A lock was not free in time, or PostgreSQL ended a deadlock. Nothing was written; repeat the same call."""

    code = "ledger_busy"
    status = 503
    title = "The ledger is busy"
    retryable = True
    retry_after = 1


class AccountExists(DomainError):
    """The code is taken in this currency."""

    code = "account_exists"
    status = 409
    title = "An account with this code exists"


class UnknownAccountType(DomainError):
    """The account type is not one of the documents' words."""

    code = "unknown_account_type"
    title = "The account type is not known"


class InvalidAccount(DomainError):
    """A field of the account is not of its form."""

    code = "invalid_account"
    title = "A field of the account is malformed"


class CategoryExists(DomainError):
    """The code is taken by another category."""

    code = "category_exists"
    status = 409
    title = "A category with this code exists"


class UnknownCategory(DomainError):
    """A category that a request names does not exist in this workspace."""

    code = "unknown_category"
    title = "The category does not exist"


class InvalidCategory(DomainError):
    """A field of the category is not of its form."""

    code = "invalid_category"
    title = "A field of the category is malformed"


class UnknownChart(DomainError):
    """There is no template of a chart of accounts by this name."""

    code = "unknown_chart"
    title = "The chart template is not known"


class InvalidMonitor(DomainError):
    """A field of the balance monitor is not of its form."""

    code = "invalid_monitor"
    title = "A field of the balance monitor is malformed"


class MonitorNotFound(DomainError):
    """The balance monitor that was asked for does not exist in this workspace, or is removed."""

    code = "monitor_not_found"
    status = 404
    title = "There is no such balance monitor"


class CheckRunning(DomainError):
    """An integrity check of this workspace is running; its result comes in a moment."""

    code = "check_running"
    status = 409
    title = "An integrity check is running"


_BY_SQLSTATE: Final[dict[str, type[DomainError]]] = {
    "ZL001": UnbalancedPosting,
    "ZL002": IncompletePosting,
    "ZL003": UnknownAccount,
    "ZL004": AccountFrozen,
    "ZL005": CurrencyMismatch,
    "ZL006": InsufficientFunds,
    "ZL007": BalanceOverflow,
    "ZL008": ClosedPeriod,
    "ZL010": LedgerImmutable,
    "ZL011": AccountClosed,
    "ZL013": ReversalOfReversal,
    "ZL014": PostingNotFound,
    "22003": InvalidAmount,  # an amount that is no bigint
    "40001": LedgerBusy,
    "40P01": LedgerBusy,
    "55P03": LedgerBusy,
}
_BY_CONSTRAINT: Final[dict[str, type[DomainError]]] = {
    "ledger_account_code_once": AccountExists,
    "ledger_account_code_form": InvalidAccount,
    "ledger_account_floor_range": InvalidAccount,
    "ledger_account_type_word_known": UnknownAccountType,
    "ledger_entry_amount_range": InvalidAmount,
    "ledger_entry_direction_known": InvalidPosting,
    "ledger_entry_place_once": IncompletePosting,
    "ledger_posting_hash_length": InvalidPosting,
    "ledger_posting_not_future": FutureEffectiveDate,
    "ledger_posting_purpose_form": InvalidPosting,
    "ledger_posting_two_entries": IncompletePosting,
}


def refusal_of(error: DatabaseError) -> DomainError | None:
    """The refusal that a database error means; None when it is none of ours."""
    cause: Any = error.__cause__
    diagnostics = getattr(cause, "diag", None)
    if diagnostics is None:
        return None
    found = _BY_SQLSTATE.get(cause.sqlstate or "") or _BY_CONSTRAINT.get(diagnostics.constraint_name or "")
    if found is None:
        return None
    ours = (cause.sqlstate or "").startswith("ZL")
    numbers = json.loads(diagnostics.message_detail) if ours and diagnostics.message_detail else {}
    return found(_sentence(diagnostics.message_primary) if ours else "", **numbers)


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."
