"""What happens to webhook endpoints. Delivered: somebody else's endpoint may watch over one that fails."""

from typing import Final

from evidence.catalogue.fields import (
    flag,
    known,
    listing,
    maybe,
    moment,
    optional,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_ENDPOINT: Final = {"endpoint_id": ref("whe", "The endpoint.")}
_REASON: Final = words("Why.", "the consumer moved")
_RETAINED: Final = whole("How many waiting deliveries were retained, ready to replay.", 0)
_FILTER: Final = listing("The types that it subscribes to.", words("A name, a prefix with .*, or *.", "ledger.*"))

# fmt: off
ALL: Final = (
    EventType("endpoint.created", "Endpoint created", "beside", "svc_events",
              "An endpoint subscribes to events.", "data.endpoint_id", data={**_ENDPOINT, "event_filter": _FILTER}),
    EventType("endpoint.changed", "Endpoint changed", "beside", "svc_events",
              "Settings of an endpoint changed.", "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "fields": listing("Which settings; what they say stays with the endpoint.",
                                    known("A setting.", "url", "event_filter", "description", "timeout_seconds",
                                          "rate_per_second", "max_in_flight", "schedule", "headers", "api_version")),
                  "version": whole("The endpoint's version after the change.", 2),
              }),
    EventType("endpoint.removed", "Endpoint removed", "beside", "svc_events",
              "An endpoint is gone for ever; its deliveries stay.", "data.endpoint_id",
              data={**_ENDPOINT, "reason": _REASON, "retained": optional(_RETAINED)}),
    EventType("endpoint.enabled", "Endpoint enabled", "beside", "svc_events",
              "An endpoint takes deliveries again.", "data.endpoint_id",
              also_by=("endpoint.recovered",), data={**_ENDPOINT, "reason": optional(_REASON)}),
    EventType("endpoint.disabled", "Endpoint disabled", "beside", "svc_events",
              "An endpoint takes no more deliveries; who and why. What comes is retained, ready to replay.",
              "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "disabled_by": known("A person, the endpoint itself (410), nothing but failures, or no"
                                        " answer to a challenge yet.", "failing", "person", "gone", "unverified"),
                  "reason": words("Why.", "nothing but failures for 5 days"),
                  "retained": _RETAINED,
              }),
    EventType("endpoint.secret_rotated", "Endpoint secret rotated", "beside", "svc_events",
              "An endpoint's deliveries are signed with another secret too; the old one ends at a known time.",
              "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "secret_id": ref("sec", "The new secret, or the one that was ended early."),
                  "kind": known("What it signs with.", "hmac", "ed25519"),
                  "action": optional(known("What was done.", "rotated", "expired")),
                  "old_expires_at": maybe(moment("When the old one ends; null when there was none.")),
              }),
    EventType("endpoint.test", "Test event", "beside", "svc_events",
              "Sent to one endpoint alone, because somebody asked, or to see whether a disabled one is back.",
              "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "probe": flag("True when we ask by ourselves whether the endpoint is back.", example=False),
              }),
    EventType("endpoint.failing", "Endpoint failing", "beside", "svc_events",
              "An endpoint has done nothing but fail for a while; when it will be disabled is known.",
              "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "failing_since": moment("Since when."),
                  "consecutive_failures": whole("How many attempts failed in a row.", 3),
                  "warning": whole("Which warning this is, from 1."),
                  "disables_at": maybe(moment("When it will be disabled unless an attempt succeeds.")),
                  "last_error": words("The last failure, in words.", "answered 503"),
              }),
    EventType("endpoint.recovered", "Endpoint recovered", "beside", "svc_events",
              "An endpoint that failed takes events again; what it missed is ready to replay.", "data.endpoint_id",
              data={
                  **_ENDPOINT,
                  "failing_since": maybe(moment("Since when it had failed.")),
                  "was_disabled": flag("Whether it had been disabled meanwhile.", example=False),
                  "missed": optional(whole("How many deliveries are ready to replay.", 12)),
              }),
)

RETIRED: Final = (
    EventType("webhook.endpoint_created", "Endpoint created", "beside", "svc_events",
              "An endpoint subscribes to events.", "data.endpoint_id", delivered=False, retired=True,
              data={**_ENDPOINT, "event_filter": optional(_FILTER)}),
    EventType("webhook.endpoint_moved", "Endpoint moved", "beside", "svc_events",
              "An endpoint delivers to another URL.", "data.endpoint_id", delivered=False, retired=True,
              data=_ENDPOINT),
    EventType("webhook.endpoint_disabled", "Endpoint disabled", "beside", "svc_events",
              "An endpoint takes no more deliveries; who and why.", "data.endpoint_id", delivered=False, retired=True,
              data={**_ENDPOINT, "reason": optional(_REASON), "retained": optional(_RETAINED)}),
    EventType("webhook.endpoint_enabled", "Endpoint enabled", "beside", "svc_events",
              "An endpoint takes deliveries again.", "data.endpoint_id", delivered=False, retired=True,
              data=_ENDPOINT),
)
# fmt: on
