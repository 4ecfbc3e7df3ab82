"""Rules, decisions, cases and parties in the synchronous client. A key reads and proposes; people decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from zentra.sdk import _policy_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._paging import each
from zentra.sdk._policy_records import (
    AddedItems,
    Decision,
    LimitUsage,
    Party,
    PartyDocument,
    PolicyList,
    PolicyListItem,
    Review,
    RuleSet,
    RuleSetDiff,
    RuleSetDraft,
    RuleTest,
    Screening,
    ScreeningHit,
    Verification,
    Watchlist,
    WatchlistVersion,
)
from zentra.sdk._records import Page
from zentra.sdk._session import SyncSession

Body = Mapping[str, Any]


class RuleSets:
    """``zentra.rule_sets``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, version: int | str = "live") -> RuleSet:
        """One version with its document; ``live`` is the one in force."""
        return self._session.send(calls.get_rule_set(version))

    def diff(self, version: int | str, *, against: int | str = "live") -> RuleSetDiff:
        """What differs between two versions."""
        return self._session.send(calls.diff_rule_sets(version, against))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[RuleSet]:
        """One page of versions, newest first."""
        return self._session.send(calls.list_rule_sets(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[RuleSet]:
        """Every version, page by page."""
        return each(self._session, lambda cursor: calls.list_rule_sets(limit=limit, cursor=cursor, **filters))


class RuleSetDrafts:
    """``zentra.rule_set_drafts``: rules are proposed here, and published by a second person in the console."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def create(self, body: Body | None = None, /, **fields: Any) -> RuleSetDraft:
        """Begin a draft; without a document it is a copy of the rules in force."""
        return self._session.send(calls.create_draft(merge_body(body, fields)))

    def get(self, draft_id: str) -> RuleSetDraft:
        """One draft with its document."""
        return self._session.send(calls.get_draft(draft_id))

    def change(self, draft_id: str, body: Body | None = None, /, **fields: Any) -> RuleSetDraft:
        """Change a draft that was read at ``version``."""
        return self._session.send(calls.change_draft(draft_id, merge_body(body, fields)))

    def validate(self, draft_id: str, /, **fields: Any) -> RuleSetDraft:
        """Check a draft; raises InvalidRequest with every error and its place."""
        return self._session.send(calls.end_draft(draft_id, "validate", fields))

    def discard(self, draft_id: str, /, **fields: Any) -> RuleSetDraft:
        """Give a draft up."""
        return self._session.send(calls.end_draft(draft_id, "discard", fields))

    def test(self, draft_id: str, *, intent_id: str) -> RuleTest:
        """What the draft would have decided about a past intent."""
        return self._session.send(calls.test_draft(draft_id, intent_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[RuleSetDraft]:
        """One page of drafts, the last edited first; the filter is state."""
        return self._session.send(calls.list_drafts(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[RuleSetDraft]:
        """Every draft, page by page."""
        return each(self._session, lambda cursor: calls.list_drafts(limit=limit, cursor=cursor, **filters))


class Decisions:
    """``zentra.decisions``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, decision_id: str) -> Decision:
        """One decision with every rule, its tree and what it saw."""
        return self._session.send(calls.get_decision(decision_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Decision]:
        """One page of decisions, newest first; filters are outcome, lane, gate, rule_set, intent_id."""
        return self._session.send(calls.list_decisions(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[Decision]:
        """Every decision, page by page."""
        return each(self._session, lambda cursor: calls.list_decisions(limit=limit, cursor=cursor, **filters))


class Limits:
    """``zentra.limits``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[LimitUsage]:
        """One page of who has used how much of the limits in force; the filter is name."""
        return self._session.send(calls.list_limits(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[LimitUsage]:
        """Every use, page by page."""
        return each(self._session, lambda cursor: calls.list_limits(limit=limit, cursor=cursor, **filters))


class PolicyLists:
    """``zentra.policy_lists``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self) -> Page[PolicyList]:
        """Every list, by name."""
        return self._session.send(calls.list_lists())

    def create(self, body: Body | None = None, /, **fields: Any) -> PolicyList:
        """Make a list."""
        return self._session.send(calls.create_list(merge_body(body, fields)))

    def get(self, list_id: str) -> PolicyList:
        """One list, by its id or its name."""
        return self._session.send(calls.get_list(list_id))

    def items(
        self, list_id: str, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[PolicyListItem]:
        """One page of what is on a list, newest first; filters are state and prefix."""
        return self._session.send(calls.list_items(list_id, limit=limit, cursor=cursor, **filters))

    def add(self, list_id: str, /, *values: str, **fields: Any) -> AddedItems:
        """Put values on a list, with ``note`` and ``expires_at``."""
        return self._session.send(calls.add_items(list_id, {"values": [*values], **fields}))

    def remove(self, item_id: str) -> PolicyListItem:
        """Take a value off its list."""
        return self._session.send(calls.remove_item(item_id))


class Reviews:
    """``zentra.reviews``: the cases, to be read; people decide them."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, review_id: str) -> Review:
        """One case with its alerts, approvals and notes."""
        return self._session.send(calls.get_review(review_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Review]:
        """One page of cases, what is due first on top; filters are state, queue, kind, rule, owner, breached."""
        return self._session.send(calls.list_reviews(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[Review]:
        """Every case, page by page."""
        return each(self._session, lambda cursor: calls.list_reviews(limit=limit, cursor=cursor, **filters))


class Parties:
    """``zentra.parties``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def create(self, body: Body | None = None, /, **fields: Any) -> Party:
        """Keep a party; it is screened at once."""
        return self._session.send(calls.create_party(merge_body(body, fields)))

    def get(self, party_id: str) -> Party:
        """One party with its names, identifiers, documents and verifications."""
        return self._session.send(calls.get_party(party_id))

    def change(self, party_id: str, body: Body | None = None, /, **fields: Any) -> Party:
        """Change what is known of a party that was read at ``version``."""
        return self._session.send(calls.change_party(party_id, merge_body(body, fields)))

    def close(self, party_id: str, /, *, version: int, reason: str) -> Party:
        """Close a party."""
        return self._session.send(calls.tell_party(party_id, "close", {"version": version, "reason": reason}))

    def add_name(self, party_id: str, /, **fields: Any) -> Party:
        """Add another name."""
        return self._session.send(calls.tell_party(party_id, "names", fields))

    def add_identifier(self, party_id: str, /, **fields: Any) -> Party:
        """Add another number."""
        return self._session.send(calls.tell_party(party_id, "identifiers", fields))

    def add_document(self, party_id: str, /, **fields: Any) -> PartyDocument:
        """Keep that a document was seen."""
        return self._session.send(calls.add_document(party_id, fields))

    def verify(self, party_id: str, /, **fields: Any) -> Verification:
        """Have a vendor verify the party."""
        return self._session.send(calls.verify_party(party_id, fields))

    def screen(self, party_id: str) -> Screening:
        """Screen a party now."""
        return self._session.send(calls.screen_party(party_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Party]:
        """One page of parties, newest first; filters are kind, state, kyc_state, screening, risk, reference."""
        return self._session.send(calls.list_parties(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[Party]:
        """Every party, page by page."""
        return each(self._session, lambda cursor: calls.list_parties(limit=limit, cursor=cursor, **filters))


class ScreeningHits:
    """``zentra.screening_hits``: matches with watchlists; people clear or confirm them."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def get(self, hit_id: str) -> ScreeningHit:
        """One hit and the parts of its score."""
        return self._session.send(calls.get_hit(hit_id))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[ScreeningHit]:
        """One page of hits, newest first; filters are state, party_id, list_id."""
        return self._session.send(calls.list_hits(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> Iterator[ScreeningHit]:
        """Every hit, page by page."""
        return each(self._session, lambda cursor: calls.list_hits(limit=limit, cursor=cursor, **filters))


class Watchlists:
    """``zentra.watchlists``."""

    def __init__(self, session: SyncSession) -> None:
        self._session = session

    def list(self) -> Page[Watchlist]:
        """Every watchlist, by name."""
        return self._session.send(calls.list_watchlists())

    def get(self, list_id: str) -> Watchlist:
        """One watchlist."""
        return self._session.send(calls.get_watchlist(list_id))

    def versions(self, list_id: str, *, limit: int | None = None, cursor: str | None = None) -> Page[WatchlistVersion]:
        """One page of versions, newest first."""
        return self._session.send(calls.list_versions(list_id, limit=limit, cursor=cursor))
