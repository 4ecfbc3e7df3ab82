"""The review queue: cases, who has them, what was done and decided. Ids and codes only, never what people wrote."""

from typing import Final

from evidence.catalogue.fields import (
    choice,
    digest,
    flag,
    known,
    like,
    listing,
    moment,
    optional,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_PERSON: Final = "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"
_OTHER: Final = "usr_01jd3x7c2m9v5t0qk8w4z6r1bp"
_CASE: Final = {
    "review_id": ref("rev", "The case."),
    "case_kind": optional(known("What kind of case it is.", "intent", "hold", "callback", "exception", "alert",
                                "outcome_unknown")),
    "subject": optional(words("The id of what it is about.", "intent_042")),
    "queue": optional(known("Whose queue it is in.", "operations", "compliance")),
    "owner": words("Who is accountable for it: a person's id, or the queue.", _PERSON),
    "rule": words("The rule, or the alert, that asked for a person.", "limit.single_intent"),
}  # fmt: skip
_BY: Final = {**_CASE, "by": words("Who did.", _PERSON), "role": words("Their role at that moment.", "operator")}
_REASON: Final = words("Why, by its code.", "verified_with_customer")
_STEPPED_UP: Final = flag("Whether a second factor was proven for it.")
_APPROVAL: Final = {
    "place": whole("First or second.", 1),
    "by": words("Who approved.", _PERSON),
    "role": words("Their role at that moment.", "operator"),
}
_DECIDED: Final = {
    **_CASE,
    "decision_id": ref("dec", "The policy decision that was reviewed."),
    "decided_by": words("Who decided.", _PERSON),
    "role": words("Their role at that moment.", "operator"),
    "reason_code": optional(_REASON),
    "stepped_up": optional(_STEPPED_UP),
    "approvals": optional(listing("Who approved, in order.", record("One approval.", _APPROVAL))),
}
_ALERT: Final = {
    "alert_kind": known("What raised it.", "rule", "limit", "screening", "aml", "system"),
    "alert_name": words("Its name.", "sanctions.hit"),
}
_PREVIOUS: Final = words("Who owned it before.", _OTHER)

# fmt: off
ALL: Final = (
    EventType("review.opened", "Review opened", "controlled", "svc_policy",
              "A case waits for a person: a held intent or amount, a callback, an exception, an alert, an outcome that"
              " nobody knows.", "data.review_id",
              data={**_CASE, "approvals_needed": whole("How many people have to approve.", 1),
                    "score": whole("The risk score, 0 to 100.", 40), "lane": words("The risk lane, or nothing.", "B")}),
    EventType("review.assigned", "Review assigned", "controlled", "svc_policy",
              "The review has an accountable owner, in the transaction that opened it.", "data.review_id",
              data={**_CASE, "previous_owner": optional(_PREVIOUS)}),
    EventType("review.alert_raised", "Alert joined a review", "controlled", "svc_policy",
              "Something more was found about the subject of an open case.", "data.review_id",
              data={**_CASE, **_ALERT}),
    EventType("review.claimed", "Review claimed", "controlled", "svc_policy",
              "A person works on the case now, for ten minutes unless they go on.", "data.review_id",
              data={**_CASE, "claimed_by": words("Who.", _PERSON)}),
    EventType("review.released", "Review released", "controlled", "svc_policy",
              "Nobody works on the case any more: it was let go, the lease ran out, or the person's role ended.",
              "data.review_id",
              data={**_CASE, "released_by": words("Who had it.", _PERSON),
                    "reason": known("Why.", "released", "lease_expired", "member_left")}),
    EventType("review.handed_over", "Review handed over", "controlled", "svc_policy",
              "A person gave the case to another, with a note that stays in the case.", "data.review_id",
              data={**_CASE, "previous_owner": _PREVIOUS}),
    EventType("review.snoozed", "Review snoozed", "controlled", "svc_policy",
              "The case was put aside until a moment; its time limit runs on.", "data.review_id",
              data={**_CASE, "until": moment("Until when."), "snoozed_by": words("Who did.", _PERSON)}),
    EventType("review.escalated", "Review escalated", "controlled", "svc_policy",
              "The case went a step up, because a person said so or time ran out.", "data.review_id",
              data={**_CASE, "level": whole("1 is compliance, 2 an admin.", 1), "previous_owner": _PREVIOUS}),
    EventType("review.breached", "Review overdue", "controlled", "svc_policy",
              "The time for the case ran out before anybody decided.", "data.review_id",
              data={**_CASE, "seconds_late": whole("How long ago.", 12),
                    "escalation": whole("The step it had reached.", 0)}),
    EventType("review.noted", "Note on a review", "controlled", "svc_policy",
              "A person wrote a note; its text stays in the case.", "data.review_id",
              data={**_CASE, "note_id": ref("rvn", "The note."),
                    "mentions": listing("Who is named in it.", words("A person's id.", _OTHER))}),
    EventType("review.attached", "File put to a review", "controlled", "svc_policy",
              "A person attached a file; it stays with the case.", "data.review_id",
              data={**_CASE, "attachment_id": ref("rvf", "The file."), "size": whole("Bytes.", 48_213),
                    "sha256": digest("Of the file.")}),
    EventType("review.alert_resolved", "Alert resolved", "controlled", "svc_policy",
              "A person cleared or confirmed one alert of a case.", "data.review_id",
              data={**_CASE, **_ALERT, "alert_id": ref("rva", "The alert."),
                    "state": choice("What they said.", "cleared", "confirmed")}),
    EventType("review.approval_given", "First approval given", "controlled", "svc_policy",
              "Four eyes rule: one person approved, and another has to.", "data.review_id",
              data={**_BY, "place": whole("Which approval.", 1), "needed": whole("Of how many.", 2),
                    "reason_code": _REASON, "stepped_up": _STEPPED_UP}),
    EventType("review.approved", "Review approved", "controlled", "svc_policy",
              "All who had to approved the held intent; who, when and why are kept.", "data.review_id", data=_DECIDED),
    EventType("review.declined", "Review declined", "controlled", "svc_policy",
              "A person declined the held intent; nothing posted.", "data.review_id", data=_DECIDED),
    EventType("review.resolved", "Review resolved", "controlled", "svc_policy",
              "A case that moves no money ended, by a person's word or because its reason went away.",
              "data.review_id",
              data={**_CASE, "decided_by": words("Who ended it.", _PERSON),
                    "role": words("Their role at that moment.", "operator"),
                    "outcome_code": known("What became of it.", "confirmed", "cleared", "handled", "ended"),
                    "reason_code": like(_REASON, "fixed")}),
)
# fmt: on
