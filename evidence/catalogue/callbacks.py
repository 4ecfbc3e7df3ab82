"""What providers say to us: callbacks, the quarantine, catch-up polls and their secrets."""

from typing import Final

from evidence.catalogue.fields import (
    by_name,
    digest,
    known,
    like,
    maybe,
    moment,
    null,
    optional,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_RAIL: Final = {"rail_id": ref("rail", "The rail connection.")}
_CALLBACK: Final = {
    "callback_id": ref("cb", "The callback."),
    **_RAIL,
    "provider_event_id": words("The provider's own id of it.", "pev_81720"),
    "arrival": whole("How many times it had come by then."),
    "converged_on": ref("cb", "The first one under this id, which decided."),
    "effect": known("What it did to the intent.", "applied", "duplicate", "late", "mismatch", "unknown_intent"),
    "mutations": whole("How often the intent's money had moved by then."),
    "body_sha256": digest("Its bytes."),
    "signature": known(
        "Nothing is read before this holds; repaired: it held for the body as it came.", "verified", "repaired"
    ),
    "scheme": known("The scheme of the signature.", "v1", "v1a", "stripe", "hmac_hex", "ed25519"),
    "signed_at": maybe(moment("When it was signed; null where the scheme does not say.")),
    "source": optional(known("How we came to know it.", "callback", "poll", "repair", "match")),
    "posting_id": optional(maybe(ref("posting", "The posting that it made, or that a repeat converged on."))),
    "outcome": optional(known("What it says.", "succeeded", "settled", "accepted", "declined", "failed")),
    "provider_reference": optional(maybe(words("The rail's own reference.", "ref-77120"))),
}
_DUPLICATE: Final = {**_CALLBACK, "arrival": like(_CALLBACK["arrival"], 2),
                     "effect": like(_CALLBACK["effect"], "duplicate")}  # fmt: skip
_REPEAT: Final = {**_CALLBACK, "arrival": like(_CALLBACK["arrival"], 2)}
_UNMATCHED: Final = {**_CALLBACK, "effect": like(_CALLBACK["effect"], "unknown_intent"),
                     "mutations": like(_CALLBACK["mutations"], 0)}  # fmt: skip
_LATE: Final = {**_CALLBACK, "effect": like(_CALLBACK["effect"], "late")}
_QUARANTINED: Final = {
    "callback_id": ref("cb", "The callback: the first one under its id."),
    **_RAIL,
    "provider_event_id": words("The provider's own id of it.", "pev_81720"),
}

# fmt: off
ALL: Final = (
    EventType("callback.received", "Callback received", "routed", "svc_routes",
              "A provider callback's signature was verified on its raw bytes and it was stored.", "data.callback_id",
              data=_UNMATCHED),
    EventType("callback.applied", "Callback applied", "routed", "svc_routes",
              "A verified callback changed the intent once.", "data.callback_id", data=_CALLBACK),
    EventType("callback.duplicate", "Callback repeated", "routed", "svc_routes",
              "A callback came again; it was kept and changed nothing.", "data.callback_id", data=_DUPLICATE),
    EventType("callback.replayed", "Callback replayed", "routed", "svc_routes",
              "A callback came again; it was kept and changed nothing.", "data.callback_id", data=_REPEAT),
    EventType("callback.late", "Callback late", "routed", "svc_routes",
              "A callback came after the state had passed it; it was kept and nothing regressed.", "data.callback_id",
              data=_LATE),
    EventType("callback.refused", "Callback refused", "routed", "svc_routes",
              "A malformed, unsigned, stale or forged callback was refused before any state changed.", "data.reason",
              delivered=False,
              data={
                  "reason": words("The stable error code of the answer.", "invalid_signature"),
                  "rail_id": words("The connection that was named.", "rail_01jd3x7c2m9v5t0qk8w4z6r1bn"),
                  "cause": optional(words("More exactly, where that is known.", "no_match")),
                  "body_bytes": optional(whole("The size of its body.", 312)),
                  "callback_id": optional(null(ref("cb", "Where it was kept; null when it was not."))),
              }),
    EventType("callback.quarantined", "Callback quarantined", "routed", "svc_routes",
              "A signed callback could not be read; it is kept for a person to inspect.", "data.callback_id",
              data={
                  **_QUARANTINED,
                  "code": words("Why it could not be read, as a stable code.", "malformed_callback"),
                  "detail": optional(words("Why, in words.", "amount_minor is not an integer")),
                  "body_sha256": digest("Its bytes."),
              }),
    EventType("callback.repaired", "Callback repaired", "routed", "svc_routes",
              "A person repaired a quarantined callback; what it says was applied.", "data.callback_id",
              data={
                  **_QUARANTINED,
                  "fixed_sha256": digest("The bytes that were applied in its place."),
                  "body_sha256": optional(digest("The bytes as they came.")),
                  "effect": known("What it did to the intent.", "applied", "duplicate", "late", "mismatch",
                                  "unknown_intent"),
                  "mutations": whole("How often the intent's money had moved by then."),
                  "converged_on": optional(ref("cb", "The callback that decided.")),
                  "posting_id": optional(maybe(ref("posting", "The posting that it made."))),
                  "note": optional(words("Why, by the person.", "the rail sent the amount as a text")),
              }),
    EventType("callback.dismissed", "Callback dismissed", "routed", "svc_routes",
              "A person decided that a quarantined callback needs nothing more.", "data.callback_id",
              data={
                  **_QUARANTINED,
                  "code": optional(words("Why it could not be read.", "malformed_callback")),
                  "note": optional(words("Why, by the person.", "a test of the rail's")),
              }),
    EventType("callback.matched", "Callback matched", "routed", "svc_routes",
              "A callback that named no intent of ours was matched to one later.", "data.callback_id", data=_CALLBACK),
    EventType("rail.secret_rotated", "Rail secret rotated", "beside", "svc_routes",
              "A rail connection's callbacks are verified with another secret; the old one ends at a known time.",
              "data.rail_id",
              data={
                  **_RAIL,
                  "secret_id": words("The new secret's id; what it is stays with us.",
                                     "01a1ff6a-b573-7000-8198-a78f4ddfc0d6"),
                  "old_expires_at": maybe(moment("When the old one ends.")),
                  "rail": optional(words("The rail's name.", "rail_a")),
                  "scheme": optional(known("The scheme of its callbacks' signatures.", "standard_webhooks", "stripe",
                                           "hmac_hex", "ed25519")),
                  "settings": optional(by_name("The scheme's settings.", words("A setting.", "X-Signature"),
                                               "header")),
                  "ended_secret_id": optional(maybe(words("The secret that was ended early.",
                                                          "01a1ff6a-b573-7000-8198-a78f4ddfc0d6"))),
              }),
    EventType("rail.polled", "Missed callbacks found", "routed", "svc_routes",
              "A rail was asked for what we had missed, and something was found.", "data.rail_id",
              data={
                  **_RAIL,
                  "asked": whole("How many events the rail told us of.", 12),
                  "found": whole("How many of them we had missed."),
                  "rail": optional(words("The rail's name.", "rail_a")),
              }),
)
# fmt: on
