"""The comparison that closes an intent, and its packet."""

from typing import Final

from evidence.catalogue.fields import (
    by_name,
    currency,
    digest,
    flag,
    known,
    maybe,
    minor,
    null,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.ledgered import EXPORT, STEPS
from evidence.catalogue.types import EventType

_POSTED: Final = {"reserve": 125_000, "success": 125_000, "settle": 125_000, "release": 0}
_COMPARISON: Final = {
    "amount_minor": minor("The intent's amount, minor units."),
    "currency": currency(),
    "outcome": maybe(known("What the provider said last; null when it was never asked.", "settled", "declined",
                           "failed")),
    "provider_amount_minor": maybe(minor("The provider's amount; null when it named none.")),
    "expected_minor": by_name("What each step must have posted for this end.", minor("Minor units."), *STEPS),
    "posted_minor": by_name("What each step posted.", minor("Minor units."), *STEPS),
    "entries": whole("How many entries were compared.", 8),
    "sums_to_zero": flag("Whether they sum to zero."),
    "equal": flag("Whether all of it is as it must be."),
}  # fmt: skip
_COMPARED: Final = {name: field.example for name, field in _COMPARISON.items()} | {
    "expected_minor": _POSTED,
    "posted_minor": _POSTED,
}
_PACKET: Final = {
    "revision": whole("Its revision, from 1."),
    "packet_sha256": digest("The packet."),
}

# fmt: off
ALL: Final = (
    EventType("review.closed", "Review closed", "evidenced", "svc_evidence",
              "Entries, provider outcome and amount were compared equal; by the service, or by whom.",
              "data.comparison",
              data={
                  "closed_by": words("svc_evidence, or the person who reviewed it.", "svc_evidence"),
                  "status": known("The intent's state then.", "synchronized", "declined", "failed", "expired",
                                  "canceled", "reversed"),
                  "comparison": record("What was expected beside what stands.", _COMPARISON),
              },
              example={"closed_by": "svc_evidence", "status": "synchronized", "comparison": _COMPARED}),
    *EXPORT,
    EventType("evidence.sealed", "Evidence sealed", "evidenced", "svc_evidence",
              "A packet revision was sealed; the event carries its hashes.", "data.packet_sha256",
              data={
                  "packet_id": ref("pkt", "The packet."),
                  **_PACKET,
                  "manifest_sha256": digest("Its manifest."),
                  "previous_sha256": null(digest("The revision before; null for the first.")),
                  "checkpoint_size": whole("The size of the signed log that it proves itself against.", 8200),
              }),
    EventType("evidence.exported", "Packet exported", "beside", "svc_evidence", "Somebody downloaded a packet.",
              "data.packet_sha256", delivered=False,
              data={"intent_id": words("The intent.", "intent_042"), **_PACKET}),
)
# fmt: on
