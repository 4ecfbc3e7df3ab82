"""Typed answers about rules, decisions, cases and parties. Amounts are minor units, times RFC 3339 in UTC."""

from typing import Any

from zentra.sdk._records import Record


class RuleSet(Record):
    """A published version of the rules. ``document`` is there when one was asked for, not in lists."""

    __slots__ = ()

    version: int
    status: str
    published_at: str
    published_by: str
    editors: list[str]
    note: str
    digest: str
    document: dict[str, Any]


class RuleSetDiff(Record):
    """What differs between two versions."""

    __slots__ = ()

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    settings: list[str]


class RuleSetDraft(Record):
    """Rules being written; ``version`` counts changes. ``document`` is not in lists."""

    __slots__ = ()

    id: str
    name: str
    status: str
    based_on: int
    editors: list[str]
    edited_at: str
    edited_by: str
    version: int
    document: dict[str, Any]


class RuleTest(Record):
    """What a draft would have decided about a past intent, beside what was decided (``was``)."""

    __slots__ = ()

    intent_id: str
    was: str
    outcome: str
    gate: str
    score: int
    lane: str
    rules: list[dict[str, Any]]


class Decision(Record):
    """What policy decided about an intent. ``rules``, each with its tree and what it saw, are not in lists."""

    __slots__ = ()

    id: str
    intent_id: str
    rule_set: int
    outcome: str
    lane: str
    score: int
    gate: str
    tags: list[str]
    four_eyes: bool
    decided_at: str
    duration_us: int | None
    rules: list[dict[str, Any]]


class LimitUsage(Record):
    """How much of a limit a subject has used."""

    __slots__ = ()

    limit: str
    by: str
    subject: str
    currency: str | None
    used: int
    cap: int
    percent: int
    resets_at: str | None


class PolicyList(Record):
    """A list that rules ask by its name."""

    __slots__ = ()

    id: str
    name: str
    kind: str
    value_type: str
    description: str
    item_count: int
    version: int


class PolicyListItem(Record):
    """A value of a list."""

    __slots__ = ()

    id: str
    list_id: str
    value: str
    note: str
    status: str
    expires_at: str | None


class AddedItems(Record):
    """The values that were not on the list before."""

    __slots__ = ()

    added: int
    data: list[dict[str, Any]]


class Review(Record):
    """A case of the review queue. ``alerts``, ``approvals`` and ``notes`` are not in lists."""

    __slots__ = ()

    id: str
    kind: str
    subject: str
    intent_id: str | None
    queue: str
    status: str
    rule: str
    saw: str
    amount_minor: int | None
    currency: str | None
    owner: str
    claimed_by: str | None
    approvals_needed: int
    opened_at: str
    due_at: str
    alerts: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    notes: list[dict[str, Any]]


class Party(Record):
    """A person or company that intents name by ``reference``. Names and documents are not in lists."""

    __slots__ = ()

    id: str
    kind: str
    reference: str
    name: str
    country: str
    born_on: str | None
    status: str
    kyc_status: str
    kyc_expires_at: str | None
    screening: str
    risk: str
    segment: str
    version: int
    names: list[dict[str, Any]]
    identifiers: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    verifications: list[dict[str, Any]]


class PartyDocument(Record):
    """A document that was seen."""

    __slots__ = ()

    id: str
    type: str
    number_hint: str
    expires_on: str | None


class Verification(Record):
    """One verification of a party by a vendor."""

    __slots__ = ()

    id: str
    party_id: str
    vendor: str
    status: str


class Screening(Record):
    """What one screening of a party found."""

    __slots__ = ()

    party_id: str
    screening: str
    new_hits: list[str]
    hits: list[dict[str, Any]]


class ScreeningHit(Record):
    """A match with an entry of a watchlist, and the parts of its score."""

    __slots__ = ()

    id: str
    party_id: str
    list_id: str
    entry_uid: str
    score: int
    parts: list[dict[str, Any]]
    status: str


class Watchlist(Record):
    """A watchlist and how many entries its active version has."""

    __slots__ = ()

    id: str
    name: str
    source: str
    is_active: bool
    active_version: int | None
    entries: int


class WatchlistVersion(Record):
    """A version of a watchlist: how far its import is, and what it changes."""

    __slots__ = ()

    id: str
    number: int
    status: str
    percent: int
    entries: int
    added: int
    changed: int
    removed: int
