"""What became of deliveries (evidence only: no endpoint is told of its own deliveries), and the synchronized state."""

from typing import Final

from evidence.catalogue.fields import (
    choice,
    flag,
    known,
    like,
    listing,
    maybe,
    moment,
    null,
    optional,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

_DELIVERY: Final = {
    "delivery_id": ref("dlv", "The delivery."),
    "endpoint_id": ref("whe", "The endpoint."),
    "event_id": ref("evt", "The event that is delivered."),
    "event_type": words("Its type.", "ledger.entry.posted"),
}
_ATTEMPT: Final = {
    **_DELIVERY,
    "attempt": whole("The attempt's number, from 1."),
    "trigger": known("Why it was made.", "first", "auto", "retry", "manual", "replay"),
    "status": maybe(whole("The HTTP status of the answer; null when there was none.", 204)),
    "error_class": null(words("What kind of failure.", "timeout")),
    "duration_ms": whole("How long the call took, milliseconds.", 87),
    "signature_verified": flag("Whether the stored bytes matched their hash and signature before sending."),
    "next_attempt_at": null(moment("When the next attempt is due.")),
}
_FAILED: Final = {
    **_ATTEMPT,
    "status": like(_ATTEMPT["status"], 503),
    "error_class": like(_ATTEMPT["error_class"], "server_error"),
}
_RETRYING: Final = {**_FAILED, "next_attempt_at": like(_ATTEMPT["next_attempt_at"], "2026-04-01T09:35:04.000Z")}
_REPLAY: Final = {
    "replay_id": ref("rpl", "The replay."),
    "matched": whole("How many deliveries it matched when it began.", 40),
}
_SINCE_REPLAYS: Final = {"replay_id": optional(maybe(ref("rpl", "The replay that asked for it.")))}

# fmt: off
ALL: Final = (
    EventType("webhook.queued", "Delivery queued", "synchronized", "svc_events",
              "A delivery waits for its first attempt.", "data.delivery_id", delivered=False,
              data={**_DELIVERY, "leaf_index": whole("The event's place in the log.", 8172)}),
    EventType("webhook.retrying", "Delivery retrying", "synchronized", "svc_events",
              "An attempt failed; the next one is due.", "data.delivery_id", delivered=False, data=_RETRYING),
    EventType("webhook.delivered", "Delivery resolved", "synchronized", "svc_events",
              "The endpoint took the event.", "data.delivery_id", delivered=False, data=_ATTEMPT),
    EventType("webhook.exhausted", "Delivery exhausted", "synchronized", "svc_events",
              "No attempt is left; the delivery is kept and ready to replay.", "data.delivery_id", delivered=False,
              data=_FAILED),
    EventType("webhook.retained", "Delivery retained", "synchronized", "svc_events",
              "The delivery failed and is kept.", "data.delivery_id", delivered=False, data=_FAILED),
    EventType("webhook.replayed", "Delivery replayed", "synchronized", "svc_events",
              "Somebody asked for the delivery to be sent again.", "data.delivery_id", delivered=False,
              data={
                  **_DELIVERY,
                  **_SINCE_REPLAYS,
                  "trigger": optional(known("By a person, or by a replay of many.", "manual", "replay")),
                  "reason": words("Why.", "the consumer was repaired"),
              }),
    EventType("webhook.replay_started", "Replay started", "synchronized", "svc_events",
              "Somebody asked for many deliveries to be sent again; scope, rate and reason are kept.",
              "data.replay_id", delivered=False,
              data={
                  **_REPLAY,
                  "endpoint_id": maybe(ref("whe", "The endpoint; null for every one.")),
                  "event_id": null(ref("evt", "The event; null for every one.")),
                  "states": maybe(listing("The states of the deliveries; null for every one.",
                                          known("A state.", "exhausted", "retained", "retrying"))),
                  "event_type": null(words("The type; null for every one.", "ledger.*")),
                  "since": maybe(moment("From when.")),
                  "until": null(moment("Up to when.")),
                  "rate_per_second": whole("How many a second.", 20),
                  "reason": words("Why.", "the consumer was repaired"),
              }),
    EventType("webhook.replay_ended", "Replay ended", "synchronized", "svc_events",
              "A replay came to its end, or was canceled.", "data.replay_id", delivered=False,
              data={
                  **_REPLAY,
                  "state": known("How it ended.", "done", "canceled"),
                  "requested": whole("How many deliveries it asked for again.", 40),
                  "skipped": whole("How many it left out: in flight, or at a disabled endpoint.", 0),
                  "not_requested": whole("How many a cancel left as they were.", 0),
                  "reason": optional(words("Why it was canceled.", "the wrong endpoint")),
              }),
    EventType("money_runtime.synchronized", "Synchronized", "synchronized", "svc_events",
              "The provider's outcome is verified and converged, and every delivery due until then is resolved.",
              "data.event_stream",
              data={
                  "event_stream": choice("Whether every awaited delivery arrived.", "synchronized", "degraded"),
                  "undelivered": whole("How many did not.", 0),
                  "outcome": maybe(known("What the provider said last.", "settled")),
                  "signature": known("Of the provider's callback.", "verified", "not_applicable"),
                  "callback_id": maybe(ref("cb", "The callback that decided.")),
                  "mutations": whole("How often the intent's money moved."),
              }),
)

PRUNED: Final = (
    EventType("webhook.history_pruned", "Webhook history pruned", "beside", "svc_events",
              "Attempts and callbacks older than the workspace keeps them were dropped.", "data.before",
              delivered=False,
              data={
                  "kept_days": whole("How many days of history the workspace keeps.", 90),
                  "before": moment("What was recorded before this moment is gone."),
                  "dropped": listing("What was dropped.", record("A part of a table.", {
                      "table": known("What it held.", "attempts", "callbacks"),
                      "name": words("Its name.", "webhooks_attempt_2026_01"),
                      "until": moment("Its end in time."),
                      "rows": whole("Its rows.", 120_482),
                  })),
              }),
)
# fmt: on
