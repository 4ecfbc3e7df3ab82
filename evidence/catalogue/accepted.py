"""What happens at the API edge: requests taken, repeated and refused."""

from typing import Final

from evidence.catalogue.fields import (
    anything,
    currency,
    digest,
    known,
    like,
    listing,
    maybe,
    minor,
    null,
    optional,
    record,
    ref,
    whole,
    words,
)
from evidence.catalogue.types import EventType

ACTOR: Final = {
    "kind": known("Who acts: a service of ours, a person, an API key, an OAuth client, an end user's token, a"
                  " provider, or nobody known.",
                  "key", "service", "user", "client", "end_user", "provider", "anonymous"),
    "id": words("Their id.", "key_01jd3x7c2m9v5t0qk8w4z6r1bn"),
    "role": words("Their role at that moment.", "developer"),
    "credential": maybe(words("The key, session or signed message that they used.", "key_01jd3x7c2m9v5t0qk8w4z6r1bn")),
}  # fmt: skip

_REFUSED: Final = {
    "code": words("The stable error code of the answer.", "insufficient_funds"),
    "status": whole("The HTTP status of the answer.", 422),
    "method": known("The HTTP method.", "POST", "PATCH", "PUT", "DELETE"),
    "route": words("The route, with the names of its parts and not their values.", "/v1/ledger-entries"),
    "request_id": maybe(ref("req", "The request.")),
    "index": optional(whole("Its place in a batch, from 0.", 0)),
    "suppressed_before": optional(whole("How many like it were not recorded just before.", 0)),
}

# fmt: off
ALL: Final = (
    EventType("ingress.accepted", "Accepted", "accepted", "svc_edge",
              "The request was accepted: contract valid, scope attached, trace opened. No ledger state yet.",
              "trace_id",
              data={
                  "intent_id": words("The caller's own id of the intent.", "intent_042"),
                  "id": ref("intent", "Our id of the intent."),
                  "kind": known("What kind of movement.", "payment", "transfer"),
                  "amount_minor": minor("The amount, minor units."),
                  "currency": currency(),
                  "schema": words("The version of the contract that was asked for.", "v2026.04"),
                  "scope": words("The workspace.", "acme-sandbox"),
                  "idempotency_key": words("The key under which a repeat is safe; empty when none was sent.",
                                           "intent_042"),
                  "requested_by": record("Who asked.", ACTOR),
              }),
    EventType("ingress.refused", "Refused at the edge", "accepted", "svc_edge",
              "A request was refused before an intent existed; the code says why.", "data.code", delivered=False,
              data=_REFUSED),
    EventType("idempotency.replayed", "Repeat resolved", "accepted", "svc_edge",
              "A write was repeated under its key; the first answer was returned and nothing changed.", "data.key",
              data={
                  "key": words("The idempotency key.", "led_8172"),
                  "result": words("What the repeat was given.", "first answer returned"),
                  "mutations": whole("How often the repeat moved money: never.", 0),
                  "operation": optional(words("The operation that the key belongs to.", "ledger_entries.create")),
                  "posting_id": optional(ref("posting", "The posting that stands.")),
                  "posting_ids": optional(listing("The postings that stand.", ref("posting", "A posting."))),
                  "reversal_id": optional(ref("posting", "The reversal that stands.")),
                  "hold_id": optional(ref("hold", "The hold that stands.")),
                  "account_id": optional(ref("acct", "The account that stands.")),
                  "debit_account": optional(words("The debited account's code.", "customer_balance")),
                  "credit_account": optional(words("The credited account's code.", "reserved_balance")),
              }),
    EventType("idempotency.refused", "Key reused with another body", "accepted", "svc_edge",
              "A key came back with another body and was refused.", "data.key",
              data={
                  **_REFUSED,
                  "code": words("The stable error code of the answer.", "idempotency_key_reused"),
                  "key": maybe(words("The idempotency key.", "led_8172")),
                  "first_fingerprint": digest("What the first request under the key said, hashed."),
                  "this_fingerprint": like(digest("What this request said, hashed."), "c0ffee" + "5a" * 29),
              }),
)

BESIDE: Final = (
    EventType("access.denied", "Access denied", "beside", "svc_edge",
              "An actor asked for what it may not have; refused before any state was exposed.", "data.action",
              delivered=False,
              data={
                  "action": words("What was asked for.", "GET /v1/accounts"),
                  "code": optional(words("The stable error code of the answer.", "permission_denied")),
                  "status": optional(whole("The HTTP status of the answer.", 403)),
                  "method": optional(known("The HTTP method.", "GET", "POST")),
                  "route": optional(words("The route, without values.", "/v1/accounts")),
                  "request_id": optional(null(ref("req", "The request."))),
                  "workspace": optional(maybe(words("The workspace that was asked for.", "acme-sandbox"))),
                  "named": optional(anything("What the refusal named: a key's id, a scope.",
                                             {"scope": "accounts.read"})),
                  "reason": optional(words("Why, in a word.", "role")),
                  "surface": optional(known("Where: a page, a socket, the API, a file, background work, the platform.",
                                            "console", "live", "api", "download", "task", "platform")),
                  "side": optional(known("Whose log this is: of the workspace that was asked for, or the actor's own.",
                                         "target", "actor")),
                  "actor_workspace": optional(ref("ws", "The workspace that the actor belongs to, when another one.")),
                  "misses": optional(whole("How many ids that are not here the actor asked for within a minute.", 10)),
                  "ref": optional(words("What a background task was to work on.", "intent_042")),
                  "suppressed_before": optional(whole("How many like it were not recorded just before.", 0)),
              }),
    EventType("sign_in.failed", "Sign-in failed", "beside", "svc_edge", "A sign-in was refused.", "data.reason",
              delivered=False, data={"reason": words("At which step.", "second step")}),
)
# fmt: on
