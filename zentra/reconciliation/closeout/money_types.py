"""The daily proof of customers' money, as doors and pages see it. Minor units everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """An account's part in what is owed or held, positive towards its side.

    Without ``account_id``: the smaller accounts of a type together, ``accounts`` of them.
    """

    side: str  # owed or held
    account_type: str
    account_id: str | None
    account_code: str
    accounts: int
    amount_minor: int

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, and stands in packets and answers."""
        return {
            "side": self.side,
            "account_type": self.account_type,
            "account_id": self.account_id,
            "account": self.account_code,
            "accounts": self.accounts,
            "amount_minor": self.amount_minor,
        }


@dataclass(frozen=True, slots=True)
class BankWord:
    """A bank account at the end of a day: what the ledger says, and its bank; ``bank_minor`` is None where no
    statement covers the day.
    """

    account_id: str  # the reconciled account
    account_code: str
    ledger_minor: int
    bank_minor: int | None
    statement_id: str | None

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, and stands in packets and answers."""
        return {
            "account_id": self.account_id,
            "account": self.account_code,
            "ledger_minor": self.ledger_minor,
            "bank_minor": self.bank_minor,
            "statement_id": self.statement_id,
        }


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """What a proof says of a currency; ``held_minor`` − ``owed_minor`` = ``difference_minor``, below 0 it is missing.

    ``in_transit_minor`` is the part of what is held that is with the rails. ``bank_minor`` is the banks' own word, and
    ``bank_ledger_minor`` what the ledger says of the same accounts; both None unless every bank's statement says one.
    """

    currency: str
    owed_minor: int
    held_minor: int
    in_transit_minor: int
    advanced_minor: int
    bank_minor: int | None
    bank_ledger_minor: int | None
    parts: tuple[MoneyPart, ...]
    banks: tuple[BankWord, ...]

    def amounts(self) -> dict[str, int | None]:
        """Its amounts by name, as columns, events, packets and answers say them."""
        return {
            "owed_minor": self.owed_minor,
            "held_minor": self.held_minor,
            "in_transit_minor": self.in_transit_minor,
            "difference_minor": self.difference_minor,
            "advanced_minor": self.advanced_minor,
            "bank_minor": self.bank_minor,
            "bank_ledger_minor": self.bank_ledger_minor,
        }

    def facts(self) -> tuple[object, ...]:
        """Everything that it says; two that are equal are one proof."""
        return (*self.amounts().values(), self.parts, self.banks)

    @property
    def difference_minor(self) -> int:
        """What is there beyond what is owed; below 0 it is missing."""
        return self.held_minor - self.owed_minor

    @property
    def is_short(self) -> bool:
        """Whether something of what is owed is missing."""
        return self.difference_minor < 0

    @property
    def at_banks_minor(self) -> int:
        """What the ledger says is at banks."""
        return self.held_minor - self.in_transit_minor

    @property
    def bank_difference_minor(self) -> int | None:
        """The banks' word less the ledger's of the same accounts; None where there is no word of every bank."""
        if self.bank_minor is None or self.bank_ledger_minor is None:
            return None
        return self.bank_minor - self.bank_ledger_minor


@dataclass(frozen=True, slots=True)
class MoneyProofRecord(MoneyFigures):
    """The proof of a business day in a currency; a day has revisions where something came late for it."""

    id: str
    business_day: date
    revision: int
    period_id: str
    cut_off_at: datetime
    computed_at: datetime


def money_parts(*, stored: Mapping[str, Any]) -> tuple[tuple[MoneyPart, ...], tuple[BankWord, ...]]:
    """The parts of a row: by ledger account, and by bank account."""
    parts = tuple(
        MoneyPart(
            each["side"],
            each["account_type"],
            each["account_id"],
            each["account"],
            each["accounts"],
            each["amount_minor"],
        )
        for each in stored["parts"]
    )
    banks = tuple(
        BankWord(each["account_id"], each["account"], each["ledger_minor"], each["bank_minor"], each["statement_id"])
        for each in stored["banks"]
    )
    return parts, banks
