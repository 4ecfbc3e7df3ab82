"""Every refusal of the ledger, and the table that turns the database's own into one of them.

The checks in ``operations`` come first because they can say more; the database makes each of them again for every
INSERT by whatever way, and its refusals arrive here by SQLSTATE (class ZL is ours) or by constraint name.
"""

import json
from collections.abc import Mapping
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


class EmptyPosting(IncompletePosting):
    """A posting without entries."""

    code = "empty_posting"
    title = "A posting has entries"


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
    """All of the posting is reversed; its reversals are in ``extra``."""

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


class InvalidPeriod(DomainError):
    """A period does not end after it starts."""

    code = "invalid_period"
    title = "The period ends before it starts"


class StatementTooLong(DomainError):
    """A statement has more lines than a document for people can carry; the same as CSV has no limit."""

    code = "statement_too_long"
    title = "The statement has too many lines for a PDF"


class InvalidRate(DomainError):
    """The rate is no positive decimal, of other currencies than the entries, or does not give their amounts."""

    code = "invalid_rate"
    title = "The rate does not fit the entries"


class ConditionFailed(DomainError):
    """A balance condition of the request would not hold; the balance that would result is in ``extra``."""

    code = "balance_condition_failed"
    status = 409
    title = "A balance condition is not met"


class StaleAccount(DomainError):
    """The account has moved on since the version that the request names; read it again and decide anew."""

    code = "stale_account_version"
    status = 409
    title = "The account has another version"


class BalanceLimitExceeded(DomainError):
    """The account would hold more than its limit, what is pending in included."""

    code = "balance_limit_exceeded"
    status = 409
    title = "The account would hold too much"


class LimitsNotAllowed(DomainError):
    """Limits need an account whose entries are sequenced at once; a deferred (hot) account has none."""

    code = "limits_not_allowed"
    status = 409
    title = "This account cannot have limits"


class AccountNotEmpty(DomainError):
    """An account is closed when nothing is posted or pending on it."""

    code = "account_not_empty"
    status = 409
    title = "The account is not empty"


class OverReversal(DomainError):
    """More would be reversed than is left of the posting; what is left is in ``extra``."""

    code = "over_reversal"
    status = 409
    title = "More would be reversed than was posted"


class PostingNotPosted(DomainError):
    """Only what is posted can be reversed; what is pending is released."""

    code = "posting_not_posted"
    status = 409
    title = "The posting is not posted"


class PostingNotPending(DomainError):
    """Only what is pending can be posted or voided; what is posted is reversed."""

    code = "posting_not_pending"
    status = 409
    title = "The posting is not pending"


class HoldNotFound(DomainError):
    """The hold that was asked for does not exist in this workspace."""

    code = "hold_not_found"
    status = 404
    title = "There is no such hold"


class HoldClosed(DomainError):
    """The hold has ended: captured, released or expired."""

    code = "hold_closed"
    status = 409
    title = "The hold has ended"


class OverCapture(DomainError):
    """More would be captured than is held; what is left is in ``extra``."""

    code = "over_capture"
    status = 409
    title = "More would be captured than is held"


class OverRelease(DomainError):
    """More would be released than is held; what is left is in ``extra``."""

    code = "over_release"
    status = 409
    title = "More would be released than is held"


class InvalidHold(DomainError):
    """A field of the hold is not of its form, or the change does not fit its kind."""

    code = "invalid_hold"
    title = "A field of the hold is malformed"


class BatchTooLarge(DomainError):
    """A batch has 1 to 1,000 postings."""

    code = "batch_size"
    title = "A batch has 1 to 1,000 postings"


class BatchRefused(DomainError):
    """One posting of an all-or-nothing batch was refused, so none was written; its place and code are in ``extra``."""

    code = "batch_refused"
    status = 409
    title = "A posting of the batch was refused"


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
    "ZL015": ConditionFailed,
    "ZL016": OverReversal,
    "ZL017": AlreadyReversed,
    "ZL018": PostingNotPosted,
    "ZL019": HoldClosed,
    "ZL020": OverRelease,
    "ZL021": BalanceLimitExceeded,
    "ZL022": AccountNotEmpty,
    "ZL023": HoldNotFound,
    "ZL024": StaleAccount,
    "ZL025": AccountNotFound,
    "22003": InvalidAmount,  # an amount that is no bigint
    "22021": InvalidPosting,  # a text with what no text has, such as NUL
    "22P05": InvalidPosting,  # the same inside metadata
    "40001": LedgerBusy,
    "40P01": LedgerBusy,
    "55P03": LedgerBusy,
}
_BY_CONSTRAINT: Final[dict[str, type[DomainError]]] = {
    "ledger_account_code_once": AccountExists,
    "ledger_account_code_form": InvalidAccount,
    "ledger_account_floor_range": InvalidAccount,
    "ledger_account_ceiling_range": InvalidAccount,
    "ledger_account_limits_order": InvalidAccount,
    "ledger_account_deferred_unlimited": LimitsNotAllowed,
    "ledger_hold_within_amount": OverCapture,
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
    return _refusal(
        cause.sqlstate or "", diagnostics.constraint_name, diagnostics.message_primary, diagnostics.message_detail
    )


def refusal_of_words(words: Mapping[str, Any]) -> DomainError:
    """The refusal that ``ledger_post_each`` tells of one posting."""
    found = _refusal(words["sqlstate"], words["constraint"], words["message"], words["detail"])
    return found or InvalidPosting(_sentence(str(words["message"])))


def batch_refused(place: int, error: DomainError) -> BatchRefused:
    """The refusal of a whole batch because of its posting at ``place``, from 0."""
    sentence = f"Posting {place} of the batch: {error.detail}"
    return BatchRefused(sentence, index=place, refused_code=error.code, numbers=error.extra)


def _refusal(sqlstate: str, constraint: str | None, message: str | None, detail: str | None) -> DomainError | None:
    found = _BY_SQLSTATE.get(sqlstate) or _BY_CONSTRAINT.get(constraint or "")
    if found is None:
        return None
    ours = sqlstate.startswith("ZL")
    numbers = json.loads(detail) if ours and detail else {}
    return found(_sentence(message or "") if ours else "", **numbers)


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."
