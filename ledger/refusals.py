"""What the database's refusals mean: the table that turns each into a typed error.

The checks in ``operations`` come first because they can say more; the database makes each of them again for every
INSERT by whatever way, and its refusals arrive here by SQLSTATE (class ZL is ours) or by constraint name.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError

from ledger.errors import (
    AccountClosed,
    AccountExists,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    AlreadyReversed,
    BalanceLimitExceeded,
    BalanceOverflow,
    ClosedPeriod,
    ConditionFailed,
    CurrencyMismatch,
    FutureEffectiveDate,
    HoldClosed,
    HoldNotFound,
    IncompletePosting,
    InsufficientFunds,
    InvalidAccount,
    InvalidPosting,
    LedgerBusy,
    LedgerImmutable,
    LimitsNotAllowed,
    OverCapture,
    OverRelease,
    OverReversal,
    PeriodNeedsTwo,
    PeriodOverlaps,
    PeriodSoftClosed,
    PostingNotFound,
    PostingNotPending,
    PostingNotPosted,
    ReversalOfReversal,
    StaleAccount,
    StalePeriodState,
    UnbalancedPosting,
    UnknownAccount,
    UnknownAccountType,
)
from zentra.core import ids
from zentra.core.errors import DomainError
from zentra.core.money import InvalidAmount

_PREFIXES: Final = {"posting_id": "posting", "reverses_id": "posting", "hold_id": "hold", "account_id": "acct"}
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
    "ZL012": PostingNotPending,
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
    "ZL026": PeriodSoftClosed,
    "ZL027": StalePeriodState,
    "ZL028": PeriodNeedsTwo,
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
    "ledger_period_no_overlap": PeriodOverlaps,
    "ledger_period_start_once": PeriodOverlaps,
    "ledger_posting_hash_length": InvalidPosting,
    "ledger_posting_not_future": FutureEffectiveDate,
    "ledger_posting_purpose_form": InvalidPosting,
    "ledger_posting_two_entries": IncompletePosting,
}


@contextmanager
def refusals_meant() -> Iterator[None]:
    """Whatever the database refuses inside is raised as what it means; what is none of ours, as it is."""
    try:
        yield
    except DatabaseError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


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


def _refusal(sqlstate: str, constraint: str | None, message: str | None, detail: str | None) -> DomainError | None:
    found = _BY_SQLSTATE.get(sqlstate) or _BY_CONSTRAINT.get(constraint or "")
    if found is None:
        return None
    ours = sqlstate.startswith("ZL")
    numbers = _with_public_ids(json.loads(detail)) if ours and detail else {}
    return found(_sentence(message or "") if ours else "", **numbers)


def _with_public_ids(numbers: dict[str, Any]) -> dict[str, Any]:
    """The database knows ids as uuids; people know them by their prefix."""
    return {
        name: ids.to_public(_PREFIXES[name], UUID(value)) if value is not None and name in _PREFIXES else value
        for name, value in numbers.items()
    }


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."
