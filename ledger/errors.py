"""Every refusal of the ledger; ``ledger.refusals`` turns the database's own into one of them."""

from zentra.core.errors import DomainError


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


class PeriodSoftClosed(DomainError):
    """The effective date lies in a period that takes adjustments only."""

    code = "period_soft_closed"
    status = 409
    title = "The period takes adjustments only"


class StalePeriodState(DomainError):
    """The period is not in the state that the change starts from; ``state`` says what it is."""

    code = "stale_period_state"
    status = 409
    title = "The period was changed in the meantime"


class PeriodNeedsTwo(DomainError):
    """A locked period is re-opened by another person than the one who asked for it, and for a time only."""

    code = "period_needs_second_person"
    status = 403
    title = "A second person re-opens a locked period"


class PeriodOverlaps(DomainError):
    """Two periods would share a moment."""

    code = "period_overlaps"
    status = 409
    title = "The period overlaps another one"


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
    status = 404
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


def batch_refused(place: int, error: DomainError) -> BatchRefused:
    """The refusal of a whole batch because of its posting at ``place``, from 0."""
    sentence = f"Posting {place} of the batch: {error.detail}"
    return BatchRefused(sentence, index=place, refused_code=error.code, numbers=error.extra)
