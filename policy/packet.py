"""What a packet shows of policy: the decision with every rule, and the review with who decided it."""

from typing import Final

from policy.queries import find_decision, find_review
from policy.reviews.queries import approvals_of
from zentra.core.clock import iso

_SHOWN: Final = ("rule", "outcome", "input_minor", "limit_minor", "reason", "score")


class PolicySection:
    """``sections/policy.json``."""

    name = "policy"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """The decision and, when a person decided, the review (ids and roles, never names)."""
        decision = find_decision(intent_id=intent_id)
        if decision is None:
            return None
        review = find_review(intent_id=intent_id)
        return {
            "decision_id": decision.id,
            "rule_set": decision.rule_set,
            "outcome": decision.outcome,
            "lane": decision.lane,
            "decided_at": iso(decision.decided_at),
            "actor": decision.actor,
            "score": decision.score,
            "tags": list(decision.tags),
            "four_eyes": decision.four_eyes,
            # What the rules compared stands in the decision only: it may name people.
            "rules": [{key: rule[key] for key in _SHOWN if key in rule} for rule in decision.rules],
            "review": None
            if review is None
            else {
                "review_id": review.id,
                "rule": review.rule,
                "state": review.state,
                "owner": review.owner,
                "opened_at": iso(review.opened_at),
                "decided_at": iso(review.decided_at) if review.decided_at else None,
                "decided_by": review.decided_by,
                "decided_role": review.decided_role,
                "outcome_code": review.outcome_code,
                "reason_code": review.reason_code,
                "approvals_needed": review.approvals_needed,
                "approvals": [
                    {"place": each.place, "by": each.by_user, "role": each.by_role, "at": iso(each.at)}
                    for each in approvals_of(review_id=review.id)
                ],
            },
        }
