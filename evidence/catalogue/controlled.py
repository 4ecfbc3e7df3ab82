"""What the policy engine decides, and how its rules come to be."""

from typing import Final

from evidence.catalogue.fields import choice, like, listing, maybe, minor, record, ref, whole, words
from evidence.catalogue.types import EventType

_RULE: Final = {
    "rule": words("The rule.", "limit.single_intent"),
    "outcome": words("What came of it: passed, noted, not_applicable, review or declined.", "passed"),
    "input_minor": maybe(minor("What the rule looked at, minor units; null when it did not apply.")),
    "limit_minor": maybe(minor("What it was compared with, minor units.", 1_000_000)),
    "reason": words("In words.", "within the limit"),
}
_DECISION: Final = {
    "decision_id": ref("dec", "The decision."),
    "rule_set": whole("The version of the rule set that decided."),
    "outcome": choice("What was decided.", "accepted", "review", "declined"),
    "lane": words("The risk lane.", "A"),
    "summary": words("limit_check.passed, or the rule that decided.", "limit_check.passed"),
    "rules": listing("Every rule with what it saw and what came of it, in order.", record("A rule.", _RULE)),
}
_HELD: Final = {**_DECISION, "outcome": like(_DECISION["outcome"], "review"), "lane": like(_DECISION["lane"], "B"),
                "summary": like(_DECISION["summary"], "limit.single_intent")}  # fmt: skip
_DECLINED: Final = {**_HELD, "outcome": like(_DECISION["outcome"], "declined"),
                    "summary": like(_DECISION["summary"], "limit.hard_cap")}  # fmt: skip
# fmt: off
ALL: Final = (
    EventType("limit.accepted", "Limits passed", "controlled", "svc_policy",
              "Every limit held; announced with the decision.", "data.decision_id",
              carried_by=("policy.accepted", "policy.review", "policy.declined")),
    EventType("policy.accepted", "Policy accepted", "controlled", "svc_policy",
              "Every rule passed; the decision keeps each rule's input and outcome.", "data.decision_id",
              data=_DECISION, announced_as=("limit.accepted",)),
    EventType("policy.review", "Held for review", "controlled", "svc_policy",
              "A rule asks for a person; an owner is assigned and nothing posts.", "data.decision_id", data=_HELD),
    EventType("policy.declined", "Policy declined", "controlled", "svc_policy",
              "A rule declined the intent; nothing posted.", "data.decision_id", data=_DECLINED),
    EventType("policy.published", "Rule set published", "beside", "svc_policy",
              "A new version of the rule set is in force.", "data.version",
              data={"version": whole("The version of the rule set that is in force now.", 2)}),
)
# fmt: on
