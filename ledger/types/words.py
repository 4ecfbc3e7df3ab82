"""The words that fields of the ledger may have."""

from collections.abc import Mapping
from typing import Final, Literal

from zentra.core.money import MAX_AMOUNT_MINOR

Direction = Literal["debit", "credit"]

OPPOSITE: Final[Mapping[Direction, Direction]] = {"debit": "credit", "credit": "debit"}

AccountClass = Literal["asset", "liability", "equity", "income", "expense"]

AccountState = Literal["active", "frozen", "closed"]

Sequencing = Literal["immediate", "deferred"]

PostingState = Literal["posted", "pending", "released"]

HoldState = Literal["held", "captured", "released", "expired"]

Metric = Literal["available", "posted", "pending"]

CLASSES: Final = ("asset", "equity", "expense", "income", "liability")

ACCOUNT_STATES: Final = ("active", "closed", "frozen")

POSTING_STATES: Final = ("posted", "pending", "released")

HOLD_STATES: Final = ("held", "captured", "released", "expired")

# The lowest floor there can be: an entry that carries it waives the floor of its account.
NO_FLOOR: Final = -MAX_AMOUNT_MINOR

CURRENCY_FORM: Final = r"^[A-Z]{3}$"
