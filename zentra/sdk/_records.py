"""Typed answers: read a field as an attribute or as an item; fields that a newer server adds are readable too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar


@dataclass(frozen=True, slots=True)
class AnswerInfo:
    """What came beside the body: HTTP status, correlation ids, and whether this is a replay of an earlier answer."""

    status: int
    request_id: str | None
    trace_id: str | None
    version: str | None
    replayed: bool


class Record(Mapping[str, Any]):
    """One JSON object of the API: ``record.status`` is ``record["status"]``, and objects inside it are records."""

    __slots__ = ("_fields", "answer")

    answer: AnswerInfo | None

    def __init__(self, fields: Mapping[str, Any], answer: AnswerInfo | None = None) -> None:
        self._fields = dict(fields)
        self.answer = answer

    def __getitem__(self, name: str) -> Any:
        return _wrap(self._fields[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")
        return _wrap(self._fields[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        # A record ends up in logs; a secret that is answered once must not end there with it.
        shown = {name: "•••" if name == "secret" else value for name, value in self._fields.items()}
        return f"{type(self).__name__}({shown!r})"

    def to_dict(self) -> dict[str, Any]:
        """The plain JSON object."""
        return dict(self._fields)


def _wrap(value: Any) -> Any:
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list):
        return [_wrap(item) for item in value]
    return value


class Intent(Record):
    """A runtime intent: where it is, what it moved, and where its proof stands. Amounts are minor units."""

    __slots__ = ()

    id: str
    intent_id: str
    scope: str
    money_model: str
    schema: str
    status: str
    final_state: str | None
    ledger_state: str | None
    event_stream: str
    audit_packet: str
    checks: list[str]
    path: list[Record]
    mutations: int
    replays: int
    links: Record
    kind: str
    amount_minor: int
    currency: str
    workspace: str
    mode: str
    created_at: str
    metadata: Record


class Balances(Record):
    """What an account holds, or held ``as_of`` a moment: minor units in its normal direction."""

    __slots__ = ()

    posted_minor: int
    pending_minor: int
    available_minor: int
    pending_in_minor: int
    pending_out_minor: int
    lock_version: int | None


class Account(Record):
    """A ledger account, with its balances in minor units where it was read (``balances``)."""

    __slots__ = ()

    id: str
    code: str
    name: str
    account_type: str
    type: str
    normal_balance: str
    currency: str
    customer: str | None
    external_id: str | None
    category_id: str | None
    sequencing: str
    floor_minor: int | None
    ceiling_minor: int | None
    status: str
    state_reason: str
    lock_version: int
    event: str
    evidence: Record
    balances: Record


class Entry(Record):
    """An entry of an account with its ``version`` and the balance after it."""

    __slots__ = ()

    id: str
    posting_id: str
    direction: str
    amount_minor: int
    currency: str
    version: int
    balance_after_minor: int
    effective_at: str
    recorded_at: str


class Statement(Record):
    """A statement: ``data`` has one page of its lines, the figures are of the whole period."""

    __slots__ = ()

    account_id: str
    currency: str
    opening_minor: int
    closing_minor: int
    debits_minor: int
    credits_minor: int
    entry_count: int
    is_tied_out: bool
    data: list[Record]
    next_cursor: str | None
    has_more: bool


class Posting(Record):
    """One balanced set of entries. ``evidence.minor_units`` is what moved."""

    __slots__ = ()

    id: str
    status: str
    event: str
    evidence: Record
    purpose: str
    currency: str
    amount_minor: int
    hold_id: str | None
    reverses_id: str | None
    corrects_id: str | None
    fx: Record | None
    description: str
    external_reference: str | None
    entry_hash: str
    effective_at: str
    recorded_at: str
    entries: list[Record]


class PostingDetail(Posting):
    """A posting with what followed from it; ``verified``: its hash is that of its stored rows."""

    __slots__ = ()

    verified: bool
    reversed_minor: int
    reversals: list[Record]
    corrections: list[Record]
    hold: Record | None


class Preview(Record):
    """A posting as it would be; ``balances`` has what each of its accounts would hold."""

    __slots__ = ()

    status: str
    currency: str
    amount_minor: int
    entries: list[Record]
    balances: list[Record]


class BatchResult(Record):
    """What became of each posting of a batch: ``data[i].status`` is posted, replayed or refused."""

    __slots__ = ()

    mode: str
    posted: int
    replayed: int
    refused: int
    data: list[Record]


class Correction(Record):
    """The reversal and the new posting of a correction."""

    __slots__ = ()

    reversal: Record
    correction: Record
    evidence: Record


class Hold(Record):
    """Funds reserved and not settled yet, in minor units."""

    __slots__ = ()

    id: str
    kind: str
    status: str
    event: str
    evidence: Record
    reference: str
    source: str
    account_id: str
    destination_id: str
    currency: str
    amount_minor: int
    captured_minor: int
    released_minor: int
    remaining_minor: int
    expires_at: str | None
    placed_at: str


class Event(Record):
    """A recorded fact: the same object in a webhook, in ``events.list`` and as a leaf of the evidence log."""

    __slots__ = ()

    id: str
    type: str
    schema: str
    occurred_at: str
    workspace: str
    actor: Record
    intent_id: str | None
    trace_id: str | None
    data: Record


class Timeline(Record):
    """The stages and events of one intent, oldest first."""

    __slots__ = ()

    intent_id: str
    data: list[Record]


@dataclass(frozen=True, slots=True)
class Packet:
    """An audit packet as it was sealed: a zip that ``python -m evidence.verifier`` checks offline."""

    intent_id: str
    content: bytes
    filename: str
    revision: int | None
    answer: AnswerInfo


R = TypeVar("R", bound=Record)


class Page(Generic[R]):
    """One page of a list. Iterate it for its items; ``next_cursor`` leads to the next while ``has_more``."""

    __slots__ = ("answer", "data", "has_more", "next_cursor")

    def __init__(self, *, data: list[R], next_cursor: str | None, has_more: bool, answer: AnswerInfo) -> None:
        self.data = data
        self.next_cursor = next_cursor
        self.has_more = has_more
        self.answer = answer

    @classmethod
    def read(cls, body: Mapping[str, Any], answer: AnswerInfo, record: type[R]) -> Self:
        """A page from its JSON, each item as a ``record``."""
        return cls(
            data=[record(item) for item in body["data"]],
            next_cursor=body.get("next_cursor"),
            has_more=body.get("has_more") is True,
            answer=answer,
        )

    def __iter__(self) -> Iterator[R]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Page({len(self.data)} items, has_more={self.has_more})"
