"""One policy decision, readable from top to bottom: what was decided, which rules did it, what each of them saw."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.presenters import decisions, story
from console.presenters.words import money
from console.shell import build_shell
from console.types.decisions import DecisionPage
from policy.decisions.queries import get_decision
from policy.reviews.queries import find_review
from policy.rulesets.queries import as_second_format, rule_set_document
from policy.types import StoredDecision
from zentra.runtime.queries import get_intent
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users


@room(Permission.POLICY_READ)
def show(visit: Visit, decision_id: str) -> HttpResponse:
    """A decision, with the rules as they were when it was made."""
    decision = get_decision(decision_id=decision_id)
    page = _page(visit, decision)
    return render(visit.request, "console/decision.html", {"shell": build_shell(visit, room=""), "page": page})


def _page(visit: Visit, decision: StoredDecision) -> DecisionPage:
    intent = get_intent(intent_id=decision.intent_id)
    rules, limits = _documents(decision)
    results = sorted(decision.rules, key=decisions.severity, reverse=True)
    currency = intent.currency
    told = [
        (result, decisions.rule_trace(result, rules.get(str(result["rule"])), currency=currency))
        for result in results
        if not decisions.is_limit(result, limits)
    ]
    review = find_review(intent_id=decision.intent_id) if visit.may(Permission.REVIEWS_READ) else None
    return DecisionPage(
        decision_id=decision.id,
        outcome=decisions.outcome_mark(decision),
        sentence=decisions.sentence(decision),
        intent_id=decision.intent_id,
        intent_url=f"{visit.base}intents/{decision.intent_id}/",
        words=story.movement(intent),
        money=money(intent.amount_minor, currency),
        facts=decisions.facts(decision, who=_who(decision)),
        saw=decisions.saw(decision, currency=currency),
        rules=tuple(rule for _, rule in told if rule.fired),
        quiet_rules=tuple(rule for _, rule in told if not rule.fired),
        limits=tuple(
            decisions.limit_bar(result, limits[str(result["rule"])], currency=currency)
            for result in results
            if decisions.is_limit(result, limits)
        ),
        rule_set_url=f"{visit.base}policy/versions/{decision.rule_set}/",
        case_url=f"{visit.base}reviews/{review.id}/" if review else "",
        case_words="Its case" if review and review.is_open else "Its case, closed",
        tags=decision.tags,
        note=""
        if rules or limits
        else "The rule set of then cannot be read any more; the results stand as they were kept.",
    )


def _documents(decision: StoredDecision) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """The rules and limits of the version that decided, by name. Of the first format, in today's."""
    document = as_second_format(rule_set_document(version=decision.rule_set).document)
    rules, limits = document.get("rules", ()), document.get("limits", ())
    return {str(each["name"]): each for each in rules}, {str(each["name"]): each for each in limits}


def _who(decision: StoredDecision) -> str:
    actor = str(decision.actor.get("id", ""))
    return names_of_users(user_ids=[actor]).get(actor, actor or "svc_policy")
