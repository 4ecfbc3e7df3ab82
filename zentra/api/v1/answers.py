"""The shapes of answers, for the contract. Answers are built as plain documents; a test holds both to each other."""

from typing import Any, Literal

from pydantic import BaseModel


class StepAnswer(BaseModel):
    """A state and when it was reached (UTC)."""

    state: str
    at: str


class IntentSummary(BaseModel):
    """An intent as lists show it: where it stands now, and where its proof is. Amounts are minor units."""

    intent_id: str
    scope: str
    money_model: str
    schema_: str
    status: str
    final_state: str | None
    ledger_state: str | None
    event_stream: Literal["pending", "syncing", "synchronized", "degraded"]
    audit_packet: Literal["pending", "ready"]
    checks: list[str]
    mutations: int
    replays: int
    links: dict[str, str]
    id: str
    object: Literal["intent"]
    kind: str
    amount_minor: int
    currency: str
    debit_account: str
    credit_account: str
    corridor: dict[str, Any]
    rehearsal: bool
    primitives: dict[str, dict[str, Any]]
    workspace: str
    mode: Literal["sandbox", "live"]
    created_at: str
    updated_at: str
    metadata: dict[str, Any]

    model_config = {"alias_generator": lambda name: name.rstrip("_")}


class IntentAnswer(IntentSummary):
    """An intent with the states that it has reached."""

    path: list[StepAnswer]


class IntentPage(BaseModel):
    """Intents, newest first."""

    data: list[IntentSummary]
    next_cursor: str | None
    has_more: bool


class TimelineEvent(BaseModel):
    """One recorded event of an intent; ``delta_ms`` since the one before, ``sequence`` null until it has one."""

    id: str
    type: str
    announced_as: list[str]
    title: str
    stage: str
    occurred_at: str
    delta_ms: int
    actor: dict[str, Any]
    trace_id: str | None
    sequence: int | None
    data: dict[str, Any]


class TimelineAnswer(BaseModel):
    """What happened to one intent, oldest first."""

    object: Literal["timeline"]
    intent_id: str
    status: str
    path: list[StepAnswer]
    data: list[TimelineEvent]


class BalancesAnswer(BaseModel):
    """An account's balances in minor units, in its normal direction: available is posted less pending out."""

    posted_minor: int
    pending_minor: int
    available_minor: int
    pending_in_minor: int
    pending_out_minor: int
    lock_version: int | None
    as_of: str | None = None
    basis: Literal["effective", "recorded"] | None = None


class AccountEvidence(BaseModel):
    """What an account's creation leaves as proof."""

    account_id: str


class AccountAnswer(BaseModel):
    """A ledger account."""

    status: Literal["active", "frozen", "closed"]
    event: str
    evidence: AccountEvidence
    id: str
    object: Literal["account"]
    code: str
    name: str
    account_type: str
    type: str
    normal_balance: Literal["debit", "credit"]
    currency: str
    customer: str | None
    external_id: str | None
    floor_minor: int | None
    ceiling_minor: int | None
    limits_reason: str
    limits_changed_by: dict[str, Any] | None
    limits_changed_at: str | None
    category_id: str | None
    sequencing: Literal["immediate", "deferred"]
    state_reason: str
    state_changed_by: dict[str, Any] | None
    state_changed_at: str | None
    lock_version: int
    balances: BalancesAnswer
    workspace: str
    created_at: str
    updated_at: str
    metadata: dict[str, Any]


class AccountPage(BaseModel):
    """Accounts, newest first."""

    data: list[AccountAnswer]
    next_cursor: str | None
    has_more: bool


class EntryAnswer(BaseModel):
    """A debit or a credit of one account, in minor units."""

    id: str
    account_id: str
    account_code: str
    direction: Literal["debit", "credit"]
    amount_minor: int
    currency: str


class PostingEvidence(BaseModel):
    """What a posting leaves as proof."""

    debit_account: str
    credit_account: str
    minor_units: int
    posting_id: str
    correlation_id: str


class FxAnswer(BaseModel):
    """The rate of a posting over two currencies: ``quote`` units for one of ``base``, and whose word it is."""

    base: str
    quote: str
    rate: str
    source: str
    quoted_at: str | None


class PostingAnswer(BaseModel):
    """A balanced set of entries."""

    status: Literal["posted", "pending", "released"]
    event: str
    evidence: PostingEvidence
    id: str
    object: Literal["posting"]
    purpose: str
    currency: str
    amount_minor: int
    intent_id: str | None
    reverses_id: str | None
    corrects_id: str | None
    hold_id: str | None
    fx: FxAnswer | None
    description: str
    external_reference: str | None
    source_event_id: str | None
    decision_id: str | None
    entries: list[EntryAnswer]
    entry_hash: str
    effective_at: str
    recorded_at: str
    workspace: str
    metadata: dict[str, Any]


class PostingPage(BaseModel):
    """Postings, newest first."""

    data: list[PostingAnswer]
    next_cursor: str | None
    has_more: bool


class EventAnswer(BaseModel):
    """A recorded fact, as it is hashed and delivered, with its place in the log."""

    id: str
    type: str
    schema_: str
    occurred_at: str
    workspace: str
    actor: dict[str, Any]
    intent_id: str | None
    trace_id: str | None
    data: dict[str, Any]
    sequence: int

    model_config = {"alias_generator": lambda name: name.rstrip("_")}


class EventPage(BaseModel):
    """Events, oldest first."""

    data: list[EventAnswer]
    next_cursor: str | None
    has_more: bool


class FieldError(BaseModel):
    """One wrong field: by JSON pointer in the body, or by query parameter."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class Problem(BaseModel):
    """A refusal (RFC 9457). ``code`` is stable; other members explain it by numbers."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    request_id: str | None
    trace_id: str | None
    errors: list[FieldError] | None = None
