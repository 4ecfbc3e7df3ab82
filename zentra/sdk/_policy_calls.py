"""The calls about rules, decisions, cases and parties as values. The sync and async clients share them."""

from collections.abc import Mapping
from typing import Any, Literal

from zentra.sdk._calls import Call, build_get, build_list, build_post, path_of
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

Body = Mapping[str, Any]
RULE_SETS = "/rule-sets"
DRAFTS = "/rule-set-drafts"
LISTS = "/policy-lists"
PARTIES = "/parties"


def list_rule_sets(**params: object) -> Call[Page[RuleSet]]:
    """``GET /rule-sets``."""
    return build_list(RULE_SETS, RuleSet, params)


def get_rule_set(version: int | str) -> Call[RuleSet]:
    """``GET /rule-sets/{version}``."""
    return build_get(path_of(RULE_SETS, str(version)), RuleSet)


def diff_rule_sets(version: int | str, against: int | str) -> Call[RuleSetDiff]:
    """``GET /rule-sets/{version}/diff``."""
    return build_get(f"{path_of(RULE_SETS, str(version))}/diff", RuleSetDiff, {"against": against})


def create_draft(body: Body) -> Call[RuleSetDraft]:
    """``POST /rule-set-drafts``."""
    return build_post(DRAFTS, body, RuleSetDraft)


def get_draft(draft_id: str) -> Call[RuleSetDraft]:
    """``GET /rule-set-drafts/{draft_id}``."""
    return build_get(path_of(DRAFTS, draft_id), RuleSetDraft)


def list_drafts(**params: object) -> Call[Page[RuleSetDraft]]:
    """``GET /rule-set-drafts``."""
    return build_list(DRAFTS, RuleSetDraft, params)


def change_draft(draft_id: str, body: Body) -> Call[RuleSetDraft]:
    """``PUT /rule-set-drafts/{draft_id}``."""
    return build_post(path_of(DRAFTS, draft_id), body, RuleSetDraft, method="PUT")


def end_draft(draft_id: str, word: Literal["validate", "discard"], body: Body) -> Call[RuleSetDraft]:
    """``POST /rule-set-drafts/{draft_id}/validate`` or ``discard``."""
    return build_post(f"{path_of(DRAFTS, draft_id)}/{word}", body, RuleSetDraft)


def test_draft(draft_id: str, intent_id: str) -> Call[RuleTest]:
    """``POST /rule-set-drafts/{draft_id}/test``."""
    return build_post(f"{path_of(DRAFTS, draft_id)}/test", {"intent_id": intent_id}, RuleTest)


def list_decisions(**params: object) -> Call[Page[Decision]]:
    """``GET /decisions``."""
    return build_list("/decisions", Decision, params)


def get_decision(decision_id: str) -> Call[Decision]:
    """``GET /decisions/{decision_id}``."""
    return build_get(path_of("/decisions", decision_id), Decision)


def list_limits(**params: object) -> Call[Page[LimitUsage]]:
    """``GET /limits``."""
    return build_list("/limits", LimitUsage, params)


def list_lists() -> Call[Page[PolicyList]]:
    """``GET /policy-lists``."""
    return build_list(LISTS, PolicyList, {})


def create_list(body: Body) -> Call[PolicyList]:
    """``POST /policy-lists``."""
    return build_post(LISTS, body, PolicyList)


def get_list(list_id: str) -> Call[PolicyList]:
    """``GET /policy-lists/{list_id}``."""
    return build_get(path_of(LISTS, list_id), PolicyList)


def list_items(list_id: str, **params: object) -> Call[Page[PolicyListItem]]:
    """``GET /policy-lists/{list_id}/items``."""
    return build_list(f"{path_of(LISTS, list_id)}/items", PolicyListItem, params)


def add_items(list_id: str, body: Body) -> Call[AddedItems]:
    """``POST /policy-lists/{list_id}/items``."""
    return build_post(f"{path_of(LISTS, list_id)}/items", body, AddedItems)


def remove_item(item_id: str) -> Call[PolicyListItem]:
    """``POST /policy-list-items/{item_id}/remove``."""
    return build_post(f"{path_of('/policy-list-items', item_id)}/remove", {}, PolicyListItem)


def list_reviews(**params: object) -> Call[Page[Review]]:
    """``GET /reviews``."""
    return build_list("/reviews", Review, params)


def get_review(review_id: str) -> Call[Review]:
    """``GET /reviews/{review_id}``."""
    return build_get(path_of("/reviews", review_id), Review)


def create_party(body: Body) -> Call[Party]:
    """``POST /parties``."""
    return build_post(PARTIES, body, Party)


def get_party(party_id: str) -> Call[Party]:
    """``GET /parties/{party_id}``."""
    return build_get(path_of(PARTIES, party_id), Party)


def list_parties(**params: object) -> Call[Page[Party]]:
    """``GET /parties``."""
    return build_list(PARTIES, Party, params)


def change_party(party_id: str, body: Body) -> Call[Party]:
    """``PATCH /parties/{party_id}``."""
    return build_post(path_of(PARTIES, party_id), body, Party, method="PATCH")


def tell_party(party_id: str, word: Literal["close", "names", "identifiers"], body: Body) -> Call[Party]:
    """``POST /parties/{party_id}/close``, ``names`` or ``identifiers``."""
    return build_post(f"{path_of(PARTIES, party_id)}/{word}", body, Party)


def add_document(party_id: str, body: Body) -> Call[PartyDocument]:
    """``POST /parties/{party_id}/documents``."""
    return build_post(f"{path_of(PARTIES, party_id)}/documents", body, PartyDocument)


def verify_party(party_id: str, body: Body) -> Call[Verification]:
    """``POST /parties/{party_id}/verifications``."""
    return build_post(f"{path_of(PARTIES, party_id)}/verifications", body, Verification)


def screen_party(party_id: str) -> Call[Screening]:
    """``POST /parties/{party_id}/screenings``."""
    return build_post(f"{path_of(PARTIES, party_id)}/screenings", {}, Screening)


def list_hits(**params: object) -> Call[Page[ScreeningHit]]:
    """``GET /screening-hits``."""
    return build_list("/screening-hits", ScreeningHit, params)


def get_hit(hit_id: str) -> Call[ScreeningHit]:
    """``GET /screening-hits/{hit_id}``."""
    return build_get(path_of("/screening-hits", hit_id), ScreeningHit)


def list_watchlists() -> Call[Page[Watchlist]]:
    """``GET /watchlists``."""
    return build_list("/watchlists", Watchlist, {})


def get_watchlist(list_id: str) -> Call[Watchlist]:
    """``GET /watchlists/{list_id}``."""
    return build_get(path_of("/watchlists", list_id), Watchlist)


def list_versions(list_id: str, **params: object) -> Call[Page[WatchlistVersion]]:
    """``GET /watchlists/{list_id}/versions``."""
    return build_list(f"{path_of('/watchlists', list_id)}/versions", WatchlistVersion, params)
