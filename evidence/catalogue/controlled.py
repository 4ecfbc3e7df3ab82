"""What the policy engine decides, and how its rules come to be."""

from typing import Final

from evidence.catalogue.fields import choice, digest, flag, like, listing, maybe, minor, null, record, ref, whole, words
from evidence.catalogue.types import EventType

_RULE: Final = {
    "rule": words("The rule.", "limit.single_intent"),
    "outcome": words("What came of it: passed, noted, not_applicable, review, blocked or declined.", "passed"),
    "input_minor": maybe(minor("What the rule looked at, minor units; null when it did not apply.")),
    "limit_minor": maybe(minor("What it was compared with, minor units.", 1_000_000)),
    "reason": words("In words.", "within the limit"),
    "score": whole("What the rule added to the score; 0 when it did not fire.", 0),
}
_DECISION: Final = {
    "decision_id": ref("dec", "The decision."),
    "rule_set": whole("The version of the rule set that decided."),
    "outcome": choice("What was decided.", "accepted", "review", "declined"),
    "lane": words("The risk lane.", "A"),
    "score": whole("How risky: the sum of what the rules that fired add, 100 at most.", 0),
    "tags": listing("What the rules that fired tell routing.", words("A tag.", "avoid:rail_south")),
    "four_eyes": flag("Whether two people have to approve it.", example=False),
    "summary": words("limit_check.passed, or the rule that decided.", "limit_check.passed"),
    "rules": listing("Every rule with what it saw and what came of it, in order.", record("A rule.", _RULE)),
}
_HELD: Final = {**_DECISION, "outcome": like(_DECISION["outcome"], "review"), "lane": like(_DECISION["lane"], "B"),
                "summary": like(_DECISION["summary"], "limit.single_intent")}  # fmt: skip
_DECLINED: Final = {**_HELD, "outcome": like(_DECISION["outcome"], "declined"),
                    "summary": like(_DECISION["summary"], "limit.hard_cap")}  # fmt: skip
_DRAFT: Final = {
    "draft_id": ref("rsd", "The draft."),
    "version": whole("How often the draft was changed, 1 at first."),
    "based_on": whole("The version of the rule set that it was made from."),
    "rules": whole("How many rules it has.", 11),
    "limits": whole("How many limits it has.", 2),
    "digest": digest("SHA-256 of its canonical document."),
}
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
              data={"version": whole("The version of the rule set that is in force now.", 2),
                    "draft_id": maybe(ref("rsd", "The draft that it was; null for the first.")),
                    "restores": null(whole("The earlier version that it brings back, if it does.")),
                    "rules": _DRAFT["rules"], "limits": _DRAFT["limits"], "digest": _DRAFT["digest"]}),
    EventType("policy.drafted", "Rules drafted", "beside", "svc_policy",
              "Somebody began or changed a draft of the rules; nothing is in force by it.", "data.draft_id",
              data=_DRAFT),
    EventType("policy.validated", "Draft validated", "beside", "svc_policy",
              "A draft passed every check and may be published by somebody who did not write it.", "data.draft_id",
              data=_DRAFT),
    EventType("policy.discarded", "Draft discarded", "beside", "svc_policy",
              "A draft was given up.", "data.draft_id", data=_DRAFT),
    EventType("policy.list_changed", "List changed", "beside", "svc_policy",
              "A list that rules ask was made, filled, emptied or taken away; the values are not said.", "data.list_id",
              data={"list_id": ref("lst", "The list."),
                    "kind": choice("What the list does.", "deny", "allow", "watch"),
                    "change": choice("What was done.", "added", "created", "described", "expired", "removed",
                                     "removed_items"),
                    "items": whole("How many values came onto the list or left it.", 1),
                    "version": whole("How often the list was changed, 1 when it was made.", 2)}),
)
# fmt: on
