"""Accounts, what their types fix, and the chart that every workspace has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ledger.types.words import AccountClass, AccountState, Direction, Sequencing


@dataclass(frozen=True, slots=True)
class AccountType:
    """What a word of the documents fixes: the accounting class, the normal balance, the floor a new account gets."""

    type: AccountClass
    normal_balance: Direction
    floor_minor: int | None = None
    opened_by_callers: bool = True

    @property
    def sequencing(self) -> Sequencing:
        """Whether a new account of this type numbers its entries under its lock, or after their commit."""
        return "deferred" if self.floor_minor is None else "immediate"


# The flow's accounts are credit-normal: they are what we owe to somebody.
ACCOUNT_TYPES: Final[Mapping[str, AccountType]] = {
    "operating": AccountType("liability", "credit", floor_minor=0),
    "customer": AccountType("liability", "credit", floor_minor=0),
    "reserved": AccountType("liability", "credit"),
    "settlement": AccountType("liability", "credit"),
    "merchant": AccountType("liability", "credit"),
    "payout": AccountType("liability", "credit"),
    "fee": AccountType("expense", "debit"),
    "suspense": AccountType("liability", "credit"),
    "position": AccountType("asset", "debit"),
    "receivable": AccountType("asset", "debit", opened_by_callers=False),
    "bank": AccountType("asset", "debit", opened_by_callers=False),
    "payable": AccountType("liability", "credit", opened_by_callers=False),
    "equity": AccountType("equity", "credit", opened_by_callers=False),
    "income": AccountType("income", "credit"),
    "expense": AccountType("expense", "debit"),
}


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """One account that every workspace has per currency."""

    code: str
    name: str
    account_type: str
    opening_major: int = 0  # what a sandbox starts with, in whole units of the currency


# None of the chart has a floor: every posting of a workspace touches these, so none of them may be locked by one.
CHART: Final = (
    ChartAccount("customer_balance", "Customer balance", "customer", opening_major=10_000_000),
    ChartAccount("reserved_balance", "Reserved balance", "reserved"),
    ChartAccount("settlement_account", "Settlement account", "settlement"),
    ChartAccount("merchant_balance", "Merchant balance", "merchant", opening_major=1_000_000),
    ChartAccount("payout_account", "Payout account", "payout"),
    ChartAccount("rail_receivable", "Owed to us by rails", "receivable"),
    ChartAccount("bank", "Bank", "bank"),
    ChartAccount("fees", "Fees paid to rails", "fee"),
    ChartAccount("rail_payable", "Owed by us to rails", "payable"),
    ChartAccount("suspense", "Suspense", "suspense"),
    ChartAccount("opening_equity", "Opening equity", "equity"),
)


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as others see it."""

    id: str
    code: str
    name: str
    account_type: str
    type: AccountClass
    normal_balance: Direction
    currency: str
    customer: str | None
    external_id: str | None
    category_id: str | None
    sequencing: Sequencing
    floor_minor: int | None
    ceiling_minor: int | None
    limits_reason: str
    limits_changed_by: dict[str, Any] | None
    limits_changed_at: datetime | None
    state: AccountState
    state_reason: str
    state_changed_by: dict[str, Any] | None
    state_changed_at: datetime | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
