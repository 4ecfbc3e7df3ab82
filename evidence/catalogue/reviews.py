"""The review queue: cases, who has them, what was done and decided. Ids and codes only, never what people wrote."""

from typing import Final

from evidence.catalogue.fields import ref, words
from evidence.catalogue.types import EventType

_REVIEW: Final = {
    "review_id": ref("rev", "The review."),
    "owner": words("Who is accountable for it: a person's id, or the queue.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"),
    "rule": words("The rule that asked for a person.", "limit.single_intent"),
}
_DECIDED: Final = {
    **_REVIEW,
    "decision_id": ref("dec", "The policy decision that was reviewed."),
    "decided_by": words("Who decided.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"),
    "role": words("Their role at that moment.", "operator"),
}

# fmt: off
ALL: Final = (
    EventType("review.assigned", "Review assigned", "controlled", "svc_policy",
              "The review has an accountable owner, in the transaction that opened it.", "data.review_id",
              data=_REVIEW),
    EventType("review.approved", "Review approved", "controlled", "svc_policy",
              "An operator approved the held intent; who, when and why are kept.", "data.review_id", data=_DECIDED),
    EventType("review.declined", "Review declined", "controlled", "svc_policy",
              "An operator declined the held intent; nothing posted.", "data.review_id", data=_DECIDED),
)
# fmt: on
