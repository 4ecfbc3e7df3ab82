"""The shapes of what is done about postings, for the contract: previews, batches, holds, corrections."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.api.v1.answers import BalancesAnswer, FxAnswer, PostingAnswer, Problem


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
