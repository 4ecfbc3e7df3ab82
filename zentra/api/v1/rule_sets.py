"""``/rule-sets`` and ``/decisions``: the rules in force and before, and what they decided."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from policy.decisions.explaining import explain_decision
from policy.decisions.queries import DecisionFilter, get_decision, list_decisions
from policy.limits.queries import limits_usage, live_limits
from policy.rulesets.errors import NoSuchRuleSet
from policy.rulesets.queries import diff, list_rule_sets, live_version, rule_set_document
from policy.rulesets.types import RuleSetRecord
from zentra.api.doors import answer_json, answer_page, caller_of, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.policy_answers import (
    DecisionAnswer,
    DecisionPage,
    LimitUsagePage,
    RuleSetAnswer,
    RuleSetDiffAnswer,
    RuleSetPage,
    show_decision,
    show_diff,
    show_rule,
    show_rule_set,
    show_usage,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Policy"])
_LONGEST_NUMBER = 9


@door(router, "GET", "/rule-sets", permission=Permission.POLICY_READ, response=RuleSetPage)
def list_all(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Every version of the rules, newest first."""
    with tenant_work(caller_of(request).tenant):
        live = live_version()

    def read(many: int, after: Position | None) -> list[RuleSetRecord]:
        return list_rule_sets(before=int(after[1]) if after else None, limit=many)

    return answer_page(
        request,
        listing="rule_sets",
        limit=limit,
        cursor=cursor,
        read=read,
        position=lambda each: (each.published_at, str(each.version)),
        show=lambda each: show_rule_set(each, live=live),
    )


@door(router, "GET", "/rule-sets/{version}", permission=Permission.POLICY_READ, response=RuleSetAnswer)
def get(request: HttpRequest, version: str) -> HttpResponse:
    """One version with its document; ``live`` is the one in force."""
    with tenant_work(caller_of(request).tenant):
        live = live_version()
        found = rule_set_document(version=live if version == "live" else _number(version))
    return answer_json(show_rule_set(found, live=live) | {"document": found.document})


@door(router, "GET", "/rule-sets/{version}/diff", permission=Permission.POLICY_READ, response=RuleSetDiffAnswer)
def compare(
    request: HttpRequest,
    version: str,
    against: Annotated[str, Query(description="The other version, or live. What it says is the `after`.")] = "live",
) -> HttpResponse:
    """What differs between two versions, rule by rule."""
    with tenant_work(caller_of(request).tenant):
        live = live_version()
        left, right = (live if each == "live" else _number(each) for each in (version, against))
        found = diff(left=rule_set_document(version=left).document, right=rule_set_document(version=right).document)
    return answer_json(show_diff(found))


@door(router, "GET", "/decisions", permission=Permission.POLICY_READ, response=DecisionPage)
def list_decided(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    outcome: Annotated[Literal["accepted", "review", "declined"] | None, Query()] = None,
    lane: Annotated[str | None, Query()] = None,
    gate: Annotated[str | None, Query(description="The rule that held or declined it.")] = None,
    rule_set: Annotated[int | None, Query(ge=0, le=10**9)] = None,
    intent_id: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Decisions, newest first."""
    where = DecisionFilter(outcome=outcome, lane=lane, rule=gate, rule_set=rule_set, text=intent_id)
    return answer_page(
        request,
        listing="decisions",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: list_decisions(where=where, before=after, limit=many),
        position=lambda each: (each.decided_at, each.id),
        show=show_decision,
    )


@door(router, "GET", "/decisions/{decision_id}", permission=Permission.POLICY_READ, response=DecisionAnswer)
def get_decided(request: HttpRequest, decision_id: str) -> HttpResponse:
    """One decision: every rule of its version, its tree in words and the value that each node saw."""
    with tenant_work(caller_of(request).tenant):
        found = get_decision(decision_id=decision_id)
        rules = explain_decision(decision=found)
    return answer_json(show_decision(found) | {"rules": [show_rule(each) for each in rules]})


@door(router, "GET", "/limits", permission=Permission.POLICY_READ, response=LimitUsagePage)
def list_usage(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    name: Annotated[str | None, Query(description="One limit only.")] = None,
) -> HttpResponse:
    """Who has used how much of the limits in force; whoever was counted first last stands on top."""
    now = clock.now()
    with tenant_work(caller_of(request).tenant):
        limits = [each for each in live_limits() if name is None or each.name == name]

    def place(after: Position | None) -> tuple[str, int] | None:
        if after is None:
            return None
        key, _, number = after[1].rpartition("|")
        return key, int(number)

    return answer_page(
        request,
        listing=f"limits.{name or ''}",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: limits_usage(limits=limits, now=now, before=place(after), limit=many),
        position=lambda each: (_NEVER, f"{each.cursor[0]}|{each.cursor[1]}"),
        show=show_usage,
    )


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Usage is listed by limit and subject; a cursor of it has no moment."""


def _number(version: str) -> int:
    if not version.isascii() or not version.isdigit() or len(version) > _LONGEST_NUMBER:
        raise NoSuchRuleSet(f"There is no rule set {version[:40]!r}: give a number, or live.")
    return int(version)
