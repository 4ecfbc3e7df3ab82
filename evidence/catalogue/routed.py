"""What routing and the rails do, and when outgoing money stands still."""

from typing import Final

from evidence.catalogue.fields import (
    choice,
    currency,
    like,
    listing,
    maybe,
    minor,
    null,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_CANDIDATE: Final = {
    "rail_id": ref("rail", "The rail connection."),
    "rail": words("Its name.", "rail_a"),
    "filtered_by": null(words("What took it out of the choice; null when nothing did.", "paused")),
    "score": maybe(whole("Its score, of 10,000; null when it was taken out.", 9670)),
    "success_bps": maybe(whole("Its share of successes, in hundredths of a per cent.", 9900)),
    "p95_ms": maybe(whole("Its 95th percentile, milliseconds.", 420)),
    "cost_bps": maybe(whole("Its cost, in hundredths of a per cent.", 35)),
    "priority": maybe(whole("Its priority, set by people.", 10)),
}
_ROUTED: Final = {
    "route_decision_id": ref("rte", "The corridor decision."),
    "corridor": words("Source, destination and method.", "US>DE:card"),
    "amount_minor": minor("The amount, minor units."),
    "currency": currency(),
    "candidates": listing("Every rail that was looked at.", record("A rail.", _CANDIDATE)),
    "why": words("Why this one, in words.", "rail_a: score 9670 against 9138 of rail_b"),
    "rail_id": ref("rail", "The rail that was chosen."),
    "rail": words("Its name.", "rail_a"),
    "attempt_id": ref("att", "The attempt that it led to."),
    "attempt": whole("Its number, from 1."),
    "key": words("Our key at the rail, under which a repeat is safe there.",
                 "rail_01jd3x7c2m9v5t0qk8w4z6r1bn.intent_042"),
    "lane": maybe(words("The risk lane that policy chose.", "A")),
    "tags": maybe(listing("What policy said to routing.", words("A tag.", "avoid:rail_south"))),
}  # fmt: skip
_ATTEMPT: Final = {
    "attempt_id": ref("att", "The attempt."),
    "rail": words("The rail.", "rail_a"),
}
_REFERENCE: Final = maybe(words("The rail's own reference.", "ref-77120"))
_MOVED: Final = {
    **_ATTEMPT,
    "provider_reference": _REFERENCE,
    "amount_minor": minor("The amount, minor units."),
    "currency": currency(),
}
_FAILED: Final = {
    "reason": words("Why, in words.", "provider declined"),
    "rail": maybe(words("The rail, when one was chosen.", "rail_a")),
    "provider_reference": _REFERENCE,
}
_PAUSE: Final = {
    "pause_id": words("The pause.", "01a1ff6a-b573-7000-8198-a78f4ddfc0d6"),
    "scope": choice("What stands still.", "workspace", "rail"),
    "rail_id": null(ref("rail", "The rail, when only one stands still.")),
    "rail": null(words("Its name.", "rail_a")),
    "reason": words("Why.", "a rail pays twice"),
    "paused_by": words("Who stopped it.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"),
}

# fmt: off
ALL: Final = (
    EventType("provider.routed", "Routed", "routed", "svc_routes",
              "A rail was chosen for the corridor: candidates, what filtered whom, scores and why.",
              "data.route_decision_id", data=_ROUTED),
    EventType("provider.unknown", "Outcome unknown", "routed", "svc_routes",
              "Nobody knows the outcome yet; the rail is asked, and nothing is sent elsewhere.", "data.attempt_id",
              data={**_ATTEMPT, "detail": words("What is known.", "no answer within 5 s")}),
    EventType("provider.failover", "Failover", "routed", "svc_routes", "The intent moves to another rail, and why.",
              "data.route_decision_id", data=_ROUTED),
    EventType("provider.succeeded", "Rail succeeded", "routed", "svc_routes", "The rail says that the money moved.",
              "data.provider_reference", data=_MOVED),
    EventType("provider.settled", "Rail settled", "routed", "svc_routes", "The rail confirms settlement.",
              "data.provider_reference", data=_MOVED),
    EventType("provider.declined", "Rail declined", "routed", "svc_routes", "The rail declined the order.",
              "data.provider_reference", data=_FAILED),
    EventType("provider.failed", "Rail failed", "routed", "svc_routes", "The rail failed the order.",
              "data.provider_reference", data={**_FAILED, "reason": like(_FAILED["reason"], "provider failed")}),
    EventType("provider.mismatch", "Rail disagrees", "routed", "svc_routes",
              "The rail's amount or currency is not the intent's; nothing was posted.", "data.provider_reference",
              data={
                  **_ATTEMPT,
                  "provider_reference": _REFERENCE,
                  "detail": words("What disagrees.", "The rail says 125001 USD, the intent 125000 USD."),
              }),
)

PAUSES: Final = (
    EventType("outgoing.paused", "Outgoing money paused", "beside", "svc_runtime",
              "No money leaves the workspace or the rail until a second person resumes it.", "data.reason",
              data=_PAUSE),
    EventType("outgoing.resumed", "Outgoing money resumed", "beside", "svc_runtime",
              "A second person let money leave again.", "data.reason",
              data={
                  **_PAUSE,
                  "reason": words("Why it may leave again.", "the rail was repaired"),
                  "paused_because": words("Why it had been stopped.", "a rail pays twice"),
              }),
)
# fmt: on
