"""The shapes of an account's history, for the contract: entries, statements, the course of a balance."""

from typing import Literal

from pydantic import BaseModel

_ALIASES = {"alias_generator": lambda name: name.rstrip("_")}


class AccountEntryAnswer(BaseModel):
    """A numbered entry of an account, with the balance after it in the account's normal direction."""

    id: str
    object: Literal["entry"]
    posting_id: str
    account_id: str
    account_code: str
    direction: Literal["debit", "credit"]
    amount_minor: int
    currency: str
    state: Literal["posted", "pending", "released"]
    version: int | None
    balance_after_minor: int | None
    purpose: str
    description: str
    external_reference: str | None
    intent_id: str | None
    hold_id: str | None
    source_event_id: str | None
    decision_id: str | None
    entry_hash: str
    effective_at: str
    recorded_at: str


class EntryPage(BaseModel):
    """Entries of an account, newest first."""

    data: list[AccountEntryAnswer]
    next_cursor: str | None
    has_more: bool


class StatementLineAnswer(BaseModel):
    """A posted entry of a statement."""

    entry_id: str
    posting_id: str
    purpose: str
    description: str
    external_reference: str | None
    intent_id: str | None
    reverses_id: str | None
    direction: Literal["debit", "credit"]
    amount_minor: int
    balance_after_minor: int
    effective_at: str
    recorded_at: str


class StatementAnswer(BaseModel):
    """One page of a statement; opening, closing and totals are of the whole period."""

    object: Literal["statement"]
    account_id: str
    account_code: str
    account_name: str
    currency: str
    normal_balance: Literal["debit", "credit"]
    from_: str
    to: str
    opening_minor: int
    closing_minor: int
    debits_minor: int
    credits_minor: int
    entry_count: int
    pending_in_minor: int
    pending_out_minor: int
    is_tied_out: bool
    data: list[StatementLineAnswer]
    next_cursor: str | None
    has_more: bool

    model_config = _ALIASES  # type: ignore[assignment]  # pydantic's own way


class BalancePointAnswer(BaseModel):
    """What was there when a moment came."""

    at: str
    posted_minor: int
    available_minor: int


class BalanceHistoryAnswer(BaseModel):
    """The course of a balance, oldest first."""

    object: Literal["balance_history"]
    account_id: str
    currency: str
    basis: Literal["effective", "recorded"]
    data: list[BalancePointAnswer]
