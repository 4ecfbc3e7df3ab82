"""The values that cross the review queue's door. Amounts are minor units, times aware UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

CaseKind = Literal["intent", "hold", "callback", "exception", "alert", "outcome_unknown"]
Queue = Literal["operations", "compliance"]
ReviewState = Literal["open", "approved", "declined", "resolved"]
AlertKind = Literal["rule", "limit", "screening", "aml", "system"]
AlertState = Literal["open", "cleared", "confirmed"]
AlertWord = Literal["cleared", "confirmed"]

CASE_KINDS: Final[tuple[str, ...]] = get_args(CaseKind)
QUEUES: Final[tuple[str, ...]] = get_args(Queue)
ALERT_KINDS: Final[tuple[str, ...]] = get_args(AlertKind)

QUEUE_OWNER: Final = "queue_reviews"
"""Who owns a case when a workspace has nobody who may: the queue itself, whose alarm rings. Never unowned."""


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A case as the desk shows it.

    ``owner`` is accountable, ``claimed_by`` works on it until ``claimed_until``, ``maker`` may not decide it.
    ``kind`` is the kind of intent and empty for other cases, ``subject`` what the case is about; ``intent_id`` and
    ``decision_id`` are empty, and the money is 0 of no currency, where there is none.
    """

    id: str
    case_kind: CaseKind
    subject: str
    intent_id: str
    decision_id: str
    party_id: str
    queue: Queue
    rule: str
    saw: str
    amount_minor: int
    currency: str
    kind: str
    lane: str
    score: int
    state: ReviewState
    owner: str
    maker: str
    edited_by: str | None
    claimed_by: str | None
    claimed_until: datetime | None
    snoozed_until: datetime | None
    snoozed_by: str | None
    escalation: int
    escalated_at: datetime | None
    escalated_by: str | None
    approvals_needed: int
    opened_at: datetime
    due_at: datetime
    breached_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    decided_role: str | None
    outcome_code: str
    reason_code: str
    note: str
    changed_at: datetime | None
    changed_by: str | None
    version: int

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == "open"

    @property
    def needs_two(self) -> bool:
        """Whether four eyes rule."""
        return self.approvals_needed > 1


@dataclass(frozen=True, slots=True)
class NewAlert:
    """What raises a case, or joins it. ``words`` are for people and never stand in event bytes; score 0 to 100."""

    kind: AlertKind
    name: str
    words: str = ""
    score: int = 0
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ReviewAlert:
    """One thing that raised a case, and what a person made of it."""

    id: str
    review_id: str
    kind: AlertKind
    name: str
    words: str
    score: int
    reference: str
    state: AlertState
    raised_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str


@dataclass(frozen=True, slots=True)
class ReviewApproval:
    """One person's approval, in its place (1 or 2)."""

    place: int
    by_user: str
    by_role: str
    at: datetime
    reason_code: str
    note: str


@dataclass(frozen=True, slots=True)
class ReviewNote:
    """What somebody said about a case."""

    id: str
    author: str
    text: str
    mentions: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewAttachment:
    """A file of a case; ``size`` in bytes, ``sha256`` as hex."""

    id: str
    name: str
    content_type: str
    size: int
    sha256: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One step of a case's history; ``words`` are what was said with it."""

    what: str
    by: str
    role: str
    at: datetime
    before: str
    after: str
    words: str


@dataclass(frozen=True, slots=True)
class SavedView:
    """A person's own view of a room: its filters, as the address has them."""

    id: str
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which cases; every field narrows, None does not.

    ``owners`` are the people of a team. ``mine`` is a person who owns or has claimed it; ``free_for`` one to whom it is
    open: unclaimed, its lease over, or claimed by them; ``needs_second`` has one approval of two. ``text`` is looked
    for at the start of the ids.
    """

    state: Literal["open", "closed", "approved", "declined", "resolved"] | None = None
    queue: str | None = None
    case_kind: str | None = None
    rule: str | None = None
    owner: str | None = None
    owners: tuple[str, ...] | None = None
    claimed_by: str | None = None
    mine: str | None = None
    free_for: str | None = None
    is_claimed: bool | None = None
    needs_second: bool | None = None
    breached: bool | None = None
    snoozed: bool | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """How many open cases there are, and how they stand to one person."""

    open: int
    free: int
    mine: int
    second: int
    snoozed: int
    claimed_by_others: int
    breached: int
    oldest_opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApprovalResult:
    """What an approval did: ``given`` of ``needed``; with ``is_final`` the case is approved."""

    review: ReviewRecord
    given: int
    needed: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class BulkAssigned:
    """What became of several: the cases that have the new owner, and the others with the code of their refusal."""

    assigned: tuple[ReviewRecord, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleStatistics:
    """How people judged what a rule raised in a span: of ``decided`` cases, ``confirmed`` were what it feared."""

    rule: str
    raised: int
    decided: int
    confirmed: int

    @property
    def precision_percent(self) -> int | None:
        """Confirmed of decided, whole percent; None when nothing was decided."""
        return round(100 * self.confirmed / self.decided) if self.decided else None
