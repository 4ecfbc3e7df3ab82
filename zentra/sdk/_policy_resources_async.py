"""Rules, decisions, cases and parties in the awaited client. A key reads and proposes; people decide."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from zentra.sdk import _policy_calls as calls
from zentra.sdk._calls import merge_body
from zentra.sdk._paging import each_awaited
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
from zentra.sdk._session import AsyncSession

Body = Mapping[str, Any]


class AsyncRuleSets:
    """``zentra.rule_sets``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, version: int | str = "live") -> RuleSet:
        """One version with its document; ``live`` is the one in force."""
        return await self._session.send(calls.get_rule_set(version))

    async def diff(self, version: int | str, *, against: int | str = "live") -> RuleSetDiff:
        """What differs between two versions."""
        return await self._session.send(calls.diff_rule_sets(version, against))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[RuleSet]:
        """One page of versions, newest first."""
        return await self._session.send(calls.list_rule_sets(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[RuleSet]:
        """Every version, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_rule_sets(limit=limit, cursor=cursor, **filters))


class AsyncRuleSetDrafts:
    """``zentra.rule_set_drafts``, awaited: rules are proposed here, and published by a second person in the console."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, body: Body | None = None, /, **fields: Any) -> RuleSetDraft:
        """Begin a draft; without a document it is a copy of the rules in force."""
        return await self._session.send(calls.create_draft(merge_body(body, fields)))

    async def get(self, draft_id: str) -> RuleSetDraft:
        """One draft with its document."""
        return await self._session.send(calls.get_draft(draft_id))

    async def change(self, draft_id: str, body: Body | None = None, /, **fields: Any) -> RuleSetDraft:
        """Change a draft that was read at ``version``."""
        return await self._session.send(calls.change_draft(draft_id, merge_body(body, fields)))

    async def validate(self, draft_id: str, /, **fields: Any) -> RuleSetDraft:
        """Check a draft; raises InvalidRequest with every error and its place."""
        return await self._session.send(calls.end_draft(draft_id, "validate", fields))

    async def discard(self, draft_id: str, /, **fields: Any) -> RuleSetDraft:
        """Give a draft up."""
        return await self._session.send(calls.end_draft(draft_id, "discard", fields))

    async def test(self, draft_id: str, *, intent_id: str) -> RuleTest:
        """What the draft would have decided about a past intent."""
        return await self._session.send(calls.test_draft(draft_id, intent_id))

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[RuleSetDraft]:
        """One page of drafts, the last edited first; the filter is state."""
        return await self._session.send(calls.list_drafts(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[RuleSetDraft]:
        """Every draft, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_drafts(limit=limit, cursor=cursor, **filters))


class AsyncDecisions:
    """``zentra.decisions``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, decision_id: str) -> Decision:
        """One decision with every rule, its tree and what it saw."""
        return await self._session.send(calls.get_decision(decision_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Decision]:
        """One page of decisions, newest first; filters are outcome, lane, gate, rule_set, intent_id."""
        return await self._session.send(calls.list_decisions(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Decision]:
        """Every decision, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_decisions(limit=limit, cursor=cursor, **filters))


class AsyncLimits:
    """``zentra.limits``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[LimitUsage]:
        """One page of who has used how much of the limits in force; the filter is name."""
        return await self._session.send(calls.list_limits(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[LimitUsage]:
        """Every use, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_limits(limit=limit, cursor=cursor, **filters))


class AsyncPolicyLists:
    """``zentra.policy_lists``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Page[PolicyList]:
        """Every list, by name."""
        return await self._session.send(calls.list_lists())

    async def create(self, body: Body | None = None, /, **fields: Any) -> PolicyList:
        """Make a list."""
        return await self._session.send(calls.create_list(merge_body(body, fields)))

    async def get(self, list_id: str) -> PolicyList:
        """One list, by its id or its name."""
        return await self._session.send(calls.get_list(list_id))

    async def items(
        self, list_id: str, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[PolicyListItem]:
        """One page of what is on a list, newest first; filters are state and prefix."""
        return await self._session.send(calls.list_items(list_id, limit=limit, cursor=cursor, **filters))

    async def add(self, list_id: str, /, *values: str, **fields: Any) -> AddedItems:
        """Put values on a list, with ``note`` and ``expires_at``."""
        return await self._session.send(calls.add_items(list_id, {"values": [*values], **fields}))

    async def remove(self, item_id: str) -> PolicyListItem:
        """Take a value off its list."""
        return await self._session.send(calls.remove_item(item_id))


class AsyncReviews:
    """``zentra.reviews``, awaited: the cases, to be read; people decide them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, review_id: str) -> Review:
        """One case with its alerts, approvals and notes."""
        return await self._session.send(calls.get_review(review_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Review]:
        """One page of cases, what is due first on top; filters are state, queue, kind, rule, owner, breached."""
        return await self._session.send(calls.list_reviews(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Review]:
        """Every case, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_reviews(limit=limit, cursor=cursor, **filters))


class AsyncParties:
    """``zentra.parties``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, body: Body | None = None, /, **fields: Any) -> Party:
        """Keep a party; it is screened at once."""
        return await self._session.send(calls.create_party(merge_body(body, fields)))

    async def get(self, party_id: str) -> Party:
        """One party with its names, identifiers, documents and verifications."""
        return await self._session.send(calls.get_party(party_id))

    async def change(self, party_id: str, body: Body | None = None, /, **fields: Any) -> Party:
        """Change what is known of a party that was read at ``version``."""
        return await self._session.send(calls.change_party(party_id, merge_body(body, fields)))

    async def close(self, party_id: str, /, *, version: int, reason: str) -> Party:
        """Close a party."""
        return await self._session.send(calls.tell_party(party_id, "close", {"version": version, "reason": reason}))

    async def add_name(self, party_id: str, /, **fields: Any) -> Party:
        """Add another name."""
        return await self._session.send(calls.tell_party(party_id, "names", fields))

    async def add_identifier(self, party_id: str, /, **fields: Any) -> Party:
        """Add another number."""
        return await self._session.send(calls.tell_party(party_id, "identifiers", fields))

    async def add_document(self, party_id: str, /, **fields: Any) -> PartyDocument:
        """Keep that a document was seen."""
        return await self._session.send(calls.add_document(party_id, fields))

    async def verify(self, party_id: str, /, **fields: Any) -> Verification:
        """Have a vendor verify the party."""
        return await self._session.send(calls.verify_party(party_id, fields))

    async def screen(self, party_id: str) -> Screening:
        """Screen a party now."""
        return await self._session.send(calls.screen_party(party_id))

    async def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: object) -> Page[Party]:
        """One page of parties, newest first; filters are kind, state, kyc_state, screening, risk, reference."""
        return await self._session.send(calls.list_parties(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[Party]:
        """Every party, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_parties(limit=limit, cursor=cursor, **filters))


class AsyncScreeningHits:
    """``zentra.screening_hits``, awaited: matches with watchlists; people clear or confirm them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, hit_id: str) -> ScreeningHit:
        """One hit and the parts of its score."""
        return await self._session.send(calls.get_hit(hit_id))

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, **filters: object
    ) -> Page[ScreeningHit]:
        """One page of hits, newest first; filters are state, party_id, list_id."""
        return await self._session.send(calls.list_hits(limit=limit, cursor=cursor, **filters))

    def iterate(self, *, limit: int | None = None, **filters: object) -> AsyncIterator[ScreeningHit]:
        """Every hit, page by page."""
        return each_awaited(self._session, lambda cursor: calls.list_hits(limit=limit, cursor=cursor, **filters))


class AsyncWatchlists:
    """``zentra.watchlists``, awaited."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> Page[Watchlist]:
        """Every watchlist, by name."""
        return await self._session.send(calls.list_watchlists())

    async def get(self, list_id: str) -> Watchlist:
        """One watchlist."""
        return await self._session.send(calls.get_watchlist(list_id))

    async def versions(
        self, list_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[WatchlistVersion]:
        """One page of versions, newest first."""
        return await self._session.send(calls.list_versions(list_id, limit=limit, cursor=cursor))
