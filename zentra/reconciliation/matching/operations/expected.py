"""Money that somebody owes us, from the day it is known until it arrives or is missing."""

from datetime import date, datetime

from zentra.reconciliation.matching.types import ExpectedRecord


def expect(
    *,
    account_id: str,
    source: str,
    reference: str,
    amount_minor: int,
    currency: str,
    due_on: date,
    now: datetime,
    gross_minor: int | None = None,
    fee_minor: int | None = None,
) -> ExpectedRecord:
    """Note what is owed; the same again changes nothing, other figures raise ExpectedConflict."""
    raise NotImplementedError


def mark_missing(*, now: datetime) -> int:
    """Turn what is past its day into *missing*, with an exception each; how many."""
    raise NotImplementedError
