"""The shapes of the ledger's answers, for the contract: history, charts, holds, batches, files, checks."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.api.v1.answers import BalancesAnswer, FxAnswer, PostingAnswer, Problem

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


class MonitorAnswer(BaseModel):
    """A threshold on an account's balance; ``is_crossed`` at ``checked_version``."""

    id: str
    object: Literal["balance_monitor"]
    account_id: str
    account_code: str
    currency: str
    name: str
    metric: Literal["available", "posted", "pending"]
    comparison: Literal["above", "below"]
    threshold_minor: int
    is_crossed: bool
    checked_version: int
    crossed_at: str | None
    created_at: str
    removed_at: str | None


class MonitorList(BaseModel):
    """The balance monitors of an account, newest first."""

    data: list[MonitorAnswer]


class CategoryAnswer(BaseModel):
    """A category of the chart of accounts."""

    id: str
    object: Literal["account_category"]
    code: str
    name: str
    parent_id: str | None
    created_at: str


class CategoryList(BaseModel):
    """All categories, by code."""

    data: list[CategoryAnswer]


class RollUpAnswer(BaseModel):
    """What accounts hold together, in the direction of the side that all share, else credits − debits."""

    accounts: int
    normal_balance: Literal["debit", "credit"] | None
    posted_minor: int
    pending_minor: int
    available_minor: int
    net_minor: int


class CategoryNodeAnswer(BaseModel):
    """A category with its own accounts' balances, those of all below it, and its children."""

    id: str | None
    code: str
    name: str
    parent_id: str | None
    own: RollUpAnswer
    total: RollUpAnswer
    children: list["CategoryNodeAnswer"]


class CategoryTreeAnswer(BaseModel):
    """The chart of accounts in one currency, one snapshot: the net totals of all trees add up to zero."""

    object: Literal["account_category_tree"]
    currency: str
    as_of: str | None
    data: list[CategoryNodeAnswer]


class ChartTemplateAnswer(BaseModel):
    """A template of a chart of accounts."""

    name: str
    title: str
    description: str
    categories: list[dict[str, Any]]
    accounts: list[dict[str, Any]]


class ChartTemplateList(BaseModel):
    """The templates that there are."""

    data: list[ChartTemplateAnswer]


class AppliedChartAnswer(BaseModel):
    """What applying a template made, and what stood already."""

    object: Literal["applied_chart"]
    template: str
    currency: str
    categories_created: list[str]
    accounts_created: list[str]
    accounts_kept: list[str]


class TrialRowAnswer(BaseModel):
    """An account's balance in the column that it falls into."""

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    type: str
    state: str
    category_id: str | None
    debit_minor: int
    credit_minor: int


class TrialTotalAnswer(BaseModel):
    """The columns of one accounting class or category, everything below it included."""

    name: str
    code: str
    accounts: int
    depth: int
    debit_minor: int
    credit_minor: int


class TrialBalanceAnswer(BaseModel):
    """All accounts of a currency in two columns that must add up to the same."""

    object: Literal["trial_balance"]
    currency: str
    as_of: str | None
    basis: Literal["effective", "recorded"]
    is_balanced: bool
    difference_minor: int
    debit_minor: int
    credit_minor: int
    data: list[TrialRowAnswer]
    classes: list[TrialTotalAnswer]
    categories: list[TrialTotalAnswer]


class PreviewEntryAnswer(BaseModel):
    """An entry as it would be."""

    account_id: str
    account_code: str
    direction: Literal["debit", "credit"]
    amount_minor: int
    currency: str


class ResultingBalances(BalancesAnswer):
    """What an account would hold."""

    account_id: str
    account_code: str
    currency: str


class PreviewAnswer(BaseModel):
    """A posting as it would be and what its accounts would hold; nothing was written."""

    object: Literal["posting_preview"]
    status: Literal["posted", "pending"]
    dry_run: Literal[True]
    currency: str
    amount_minor: int
    effective_at: str
    fx: FxAnswer | None
    entries: list[PreviewEntryAnswer]
    balances: list[ResultingBalances]


class BatchItemAnswer(BaseModel):
    """What became of one posting of a batch; ``problem`` explains a refusal."""

    index: int
    status: Literal["posted", "replayed", "refused"]
    posting: PostingAnswer | None
    problem: Problem | None


class BatchAnswer(BaseModel):
    """What became of each posting of a batch, in its order."""

    object: Literal["posting_batch"]
    mode: Literal["all_or_nothing", "each"]
    posted: int
    replayed: int
    refused: int
    evidence: dict[str, list[str]]
    data: list[BatchItemAnswer]


class HoldEventAnswer(BaseModel):
    """One step of a hold."""

    kind: str
    amount_minor: int | None
    posting_id: str | None
    expires_at: str | None
    reason: str
    actor: dict[str, Any]
    recorded_at: str


class HoldAnswer(BaseModel):
    """Funds reserved and not settled yet, or a two-phase posting (``kind``). Amounts are minor units."""

    status: Literal["held", "captured", "released", "expired"]
    event: str
    evidence: dict[str, Any]
    id: str
    object: Literal["hold"]
    kind: Literal["hold", "posting"]
    reference: str
    source: str
    account_id: str
    account_code: str
    destination_id: str
    destination_code: str
    currency: str
    amount_minor: int
    captured_minor: int
    released_minor: int
    remaining_minor: int
    release_condition: str
    expires_at: str | None
    intent_id: str | None
    placed_by: dict[str, Any]
    placed_at: str
    closed_at: str | None
    release_posting_id: str | None
    reviewed_by: dict[str, Any] | None
    reviewed_at: str | None
    review_note: str
    workspace: str
    metadata: dict[str, Any]


class HoldPage(BaseModel):
    """Holds over all accounts."""

    data: list[HoldAnswer]
    next_cursor: str | None
    has_more: bool


class HoldDetailAnswer(HoldAnswer):
    """A hold with its steps and postings, oldest first."""

    events: list[HoldEventAnswer]
    postings: list[PostingAnswer]


class PostingDetailAnswer(PostingAnswer):
    """A posting with what followed from it; ``verified``: its hash is that of its stored rows, computed again."""

    verified: bool
    actor: dict[str, Any]
    idempotency_key: str | None
    reversed_minor: int
    reversals: list[PostingAnswer]
    corrections: list[PostingAnswer]
    hold: HoldAnswer | None


class CorrectionAnswer(BaseModel):
    """The two postings of a correction."""

    status: Literal["posted"]
    event: str
    evidence: dict[str, Any]
    object: Literal["correction"]
    reversal: PostingAnswer
    correction: PostingAnswer


class ImportAnswer(BaseModel):
    """An import; rows are rows of the file. A dry run writes nothing and counts what it would have written."""

    id: str
    object: Literal["ledger_import"]
    kind: Literal["accounts", "postings"]
    format: Literal["csv", "jsonl"]
    dry_run: bool
    status: Literal["queued", "running", "done", "failed", "canceled"]
    file_name: str
    sha256: str
    size_bytes: int
    read_bytes: int
    percent: int
    rows_read: int
    rows_written: int
    rows_repeated: int
    rows_refused: int
    problem: str
    created_at: str
    updated_at: str
    finished_at: str | None


class ImportPage(BaseModel):
    """Imports, newest first."""

    data: list[ImportAnswer]
    next_cursor: str | None
    has_more: bool


class ImportRefusalAnswer(BaseModel):
    """A refused row: its number as spreadsheets count, a code, a sentence, the numbers."""

    row_number: int
    code: str
    detail: str
    numbers: dict[str, Any]


class ImportRefusalPage(BaseModel):
    """Refused rows in the order of the file; ask on with ``after_row``."""

    data: list[ImportRefusalAnswer]
    next_after_row: int | None
    has_more: bool


class ExportAnswer(BaseModel):
    """An export; its file can be read when it is done."""

    id: str
    object: Literal["ledger_export"]
    kind: Literal["accounts", "postings"]
    format: Literal["csv", "jsonl", "beancount"]
    filters: dict[str, Any]
    status: Literal["queued", "running", "done", "failed"]
    file_name: str
    rows_total: int | None
    rows_written: int
    sha256: str | None
    size_bytes: int | None
    problem: str
    created_at: str
    finished_at: str | None
    links: dict[str, str]


class ExportPage(BaseModel):
    """Exports, newest first."""

    data: list[ExportAnswer]
    next_cursor: str | None
    has_more: bool


class CheckAnswer(BaseModel):
    """A run of the integrity check."""

    id: str
    object: Literal["ledger_check"]
    started_by: str
    status: str
    postings: int
    entries: int
    accounts: int
    findings: list[dict[str, Any]]
    started_at: str
    finished_at: str | None


class CheckPage(BaseModel):
    """Runs of the integrity check, newest first."""

    data: list[CheckAnswer]
    next_cursor: str | None
    has_more: bool
