"""What an exception lacks in the ledger, and the two lines that would give it."""

from dataclasses import dataclass
from typing import Final, Literal

from django.db import connection

from ledger.queries import find_account
from zentra.core import ids
from zentra.reconciliation.matching.desk.types import AdjustmentLine, ExceptionRecord

_NO_MONEY: Final = frozenset({"date_differs", "continuity_break", "currency_differs"})
_RECEIVABLE: Final = "rail_receivable"
"""Where money that has not come is still owed while nobody has booked it to the bank."""


@dataclass(frozen=True, slots=True)
class Gap:
    """By how much the ledger account has to change, signed in its normal direction; 0 where no posting would help."""

    account: str
    amount_minor: int
    currency: str
    normal: Literal["debit", "credit"]


def gap_of(found: ExceptionRecord) -> Gap:
    """What the ledger lacks: the line's money less the entry's, or less what was expected and never came."""
    account, amount = found.ledger_account_code, 0
    if found.kind == "missing" and found.entry_id is None:
        account, amount = _RECEIVABLE, -abs(_expected_minor(found))
    elif found.kind == "split_mismatch" and {"lines_minor", "entries_minor"} <= found.facts.keys():
        amount = int(found.facts["lines_minor"]) - int(found.facts["entries_minor"])  # of all parts, not of this one
    elif found.kind not in _NO_MONEY:
        amount = _line_minor(found) - _entry_minor(found)
    side = find_account(ref=account, currency=found.currency)
    return Gap(account, amount, found.currency, side.normal_balance)


def _line_minor(found: ExceptionRecord) -> int:
    return _one("SELECT coalesce(gross_minor, amount_minor) FROM recon_line WHERE id = %s", "lin", found.line_id)


def _entry_minor(found: ExceptionRecord) -> int:
    return _one("SELECT amount_minor FROM recon_entry WHERE entry_id = %s", "entry", found.entry_id)


def _expected_minor(found: ExceptionRecord) -> int:
    amount = _one(
        "SELECT coalesce(gross_minor, amount_minor) FROM recon_expected WHERE id = %s", "exd", found.expected_id
    )
    return amount or found.amount_minor


def _one(statement: str, prefix: str, public_id: str | None) -> int:
    if public_id is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids.to_uuid(public_id, prefix=prefix)])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def lines_for(gap: Gap, *, against: str) -> tuple[AdjustmentLine, ...]:
    """Debit and credit of the gap's amount between its account and another one; empty when there is no gap."""
    if gap.amount_minor == 0 or gap.account == against:
        return ()
    is_debit = (gap.amount_minor > 0) == (gap.normal == "debit")
    amount = abs(gap.amount_minor)
    first, second = (gap.account, against) if is_debit else (against, gap.account)
    return AdjustmentLine(first, "debit", amount), AdjustmentLine(second, "credit", amount)
