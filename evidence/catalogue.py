"""The one catalogue of event types. Recording a type that is not here is refused; the docs are generated from it.

``proof`` names the field of the event, dotted, that a packet shows as the proof kept. A type that is only announced
(one fact, several names: PRODUCT.md section 1) is here too, so that endpoints can subscribe to it.
"""

import sys
from dataclasses import dataclass
from typing import Final, Literal

from zentra.core.errors import DomainError

Stage = Literal["accepted", "controlled", "ledgered", "routed", "synchronized", "evidenced", "beside"]


class UnknownEventType(DomainError):
    """The type is not in the catalogue; nothing was recorded."""

    code = "unknown_event_type"
    status = 500
    title = "There is no event of this type"


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of fact: the stage it belongs to, the service that states it, and what it proves."""

    name: str
    title: str
    stage: Stage
    actor: str
    description: str
    proof: str = "id"
    delivered: bool = True


# fmt: off
# One row a type: name, title, stage, actor, description, proof.
_ALL: Final = (
    # 1 accepted
    EventType("ingress.accepted", "Accepted", "accepted", "svc_edge",
              "The request was accepted: contract valid, scope attached, trace opened. No ledger state yet.",
              "trace_id"),
    EventType("ingress.refused", "Refused at the edge", "accepted", "svc_edge",
              "A request was refused before an intent existed; the code says why.", "data.code", delivered=False),
    EventType("idempotency.replayed", "Repeat resolved", "accepted", "svc_edge",
              "A write was repeated under its key; the first answer was returned and nothing changed.", "data.key"),
    EventType("idempotency.refused", "Key reused with another body", "accepted", "svc_edge",
              "A key came back with another body and was refused.", "data.key"),
    # 2 controlled
    EventType("limit.accepted", "Limits passed", "controlled", "svc_policy",
              "Every limit held; announced with the decision.", "data.decision_id"),
    EventType("policy.accepted", "Policy accepted", "controlled", "svc_policy",
              "Every rule passed; the decision keeps each rule's input and outcome.", "data.decision_id"),
    EventType("policy.review", "Held for review", "controlled", "svc_policy",
              "A rule asks for a person; an owner is assigned and nothing posts.", "data.decision_id"),
    EventType("policy.declined", "Policy declined", "controlled", "svc_policy",
              "A rule declined the intent; nothing posted.", "data.decision_id"),
    EventType("policy.published", "Rule set published", "beside", "svc_policy",
              "A new version of the rule set is in force.", "data.version"),
    EventType("review.assigned", "Review assigned", "controlled", "svc_policy",
              "The review has an accountable owner, in the transaction that opened it.", "data.review_id"),
    EventType("review.approved", "Review approved", "controlled", "svc_policy",
              "An operator approved the held intent; who, when and why are kept.", "data.review_id"),
    EventType("review.declined", "Review declined", "controlled", "svc_policy",
              "An operator declined the held intent; nothing posted.", "data.review_id"),
    # 3 ledgered
    EventType("ledger.entry.posted", "Entries posted", "ledgered", "svc_ledger",
              "A balanced posting was written; its entries and their hash are in the event.", "data.entry_hash"),
    EventType("ledger.entry.created", "Entries created", "ledgered", "svc_ledger",
              "Announced with every posting.", "data.entry_hash"),
    EventType("ledger.balance.updated", "Balances updated", "ledgered", "svc_ledger",
              "Announced with every posting.", "data.entry_hash"),
    EventType("posting.committed", "Posting committed", "ledgered", "svc_ledger",
              "Announced with every posting, also outside intents.", "data.entry_hash"),
    EventType("ledger.reserved", "Reserved", "ledgered", "svc_ledger",
              "Announced with the posting that moves customer to reserved.", "data.entry_hash"),
    EventType("ledger.posted", "Ledger stage complete", "ledgered", "svc_ledger",
              "The intent's ledger stage is complete.", "data.posting_id"),
    EventType("ledger.reversed", "Posting reversed", "ledgered", "svc_ledger",
              "Announced with a linked posting that undoes another.", "data.entry_hash"),
    EventType("account.created", "Account created", "beside", "svc_ledger", "A ledger account exists.",
              "data.account_id"),
    EventType("account.changed", "Account described anew", "beside", "svc_ledger",
              "The name, customer, external id, category or metadata of an account changed.", "data.account_id"),
    EventType("account.frozen", "Account frozen", "beside", "svc_ledger", "The account takes no more postings for now.",
              "data.account_id"),
    EventType("account.unfrozen", "Account unfrozen", "beside", "svc_ledger", "The account takes postings again.",
              "data.account_id"),
    EventType("account.limits_changed", "Account limits changed", "beside", "svc_ledger",
              "The least available or the highest balance of the account was set.", "data.account_id"),
    EventType("account.closed", "Account closed", "beside", "svc_ledger", "The account is closed for ever.",
              "data.account_id"),
    EventType("account.monitor_added", "Balance monitor added", "beside", "svc_ledger",
              "A threshold on an account's balance is watched from now on.", "data.monitor_id"),
    EventType("account.monitor_removed", "Balance monitor removed", "beside", "svc_ledger",
              "A threshold on an account's balance is watched no more.", "data.monitor_id"),
    EventType("account.monitor_crossed", "Balance threshold crossed", "beside", "svc_ledger",
              "An entry took an account's balance across a threshold, or back.", "data.entry_id"),
    EventType("category.created", "Category created", "beside", "svc_ledger",
              "The chart of accounts has another category.", "data.category_id", delivered=False),
    EventType("category.renamed", "Category renamed", "beside", "svc_ledger",
              "A category of the chart of accounts has another name.", "data.category_id", delivered=False),
    EventType("ledger.check.diverged", "Ledger check found a divergence", "beside", "svc_ledger",
              "Balances, history, hashes or holds recomputed from entries are not what stands; the first row is named.",
              "data.check_run_id"),
    EventType("hold.placed", "Hold placed", "beside", "svc_ledger",
              "Funds are held with a source, a release condition and an expiry.", "data.hold_id"),
    EventType("hold.captured", "Hold captured", "beside", "svc_ledger", "Held funds were posted.", "data.hold_id"),
    EventType("hold.released", "Hold released", "beside", "svc_ledger", "Held funds were given back.", "data.hold_id"),
    EventType("hold.increased", "Hold increased", "beside", "svc_ledger", "More is held for the same reason.",
              "data.hold_id"),
    EventType("hold.extended", "Hold extended", "beside", "svc_ledger", "The hold ends later than it would have.",
              "data.hold_id"),
    EventType("hold.reviewed", "Hold reviewed", "beside", "svc_ledger", "A person looked at the hold and said so.",
              "data.hold_id"),
    EventType("hold.expired", "Hold expired", "beside", "svc_ledger", "The hold ran out and its funds were given back.",
              "data.hold_id"),
    EventType("ledger.import.completed", "Import completed", "beside", "svc_ledger",
              "A file of accounts or postings was imported to its end; what each row wrote has an event of its own.",
              "data.import_id"),
    # 4 routed
    EventType("provider.routed", "Routed", "routed", "svc_routes",
              "A rail was chosen for the corridor: candidates, what filtered whom, scores and why.",
              "data.route_decision_id"),
    EventType("provider.unknown", "Outcome unknown", "routed", "svc_routes",
              "Nobody knows the outcome yet; the rail is asked, and nothing is sent elsewhere.", "data.attempt_id"),
    EventType("provider.failover", "Failover", "routed", "svc_routes", "The intent moves to another rail, and why.",
              "data.route_decision_id"),
    EventType("provider.succeeded", "Rail succeeded", "routed", "svc_routes", "The rail says that the money moved.",
              "data.provider_reference"),
    EventType("provider.settled", "Rail settled", "routed", "svc_routes", "The rail confirms settlement.",
              "data.provider_reference"),
    EventType("provider.declined", "Rail declined", "routed", "svc_routes", "The rail declined the order.",
              "data.provider_reference"),
    EventType("provider.failed", "Rail failed", "routed", "svc_routes", "The rail failed the order.",
              "data.provider_reference"),
    EventType("provider.mismatch", "Rail disagrees", "routed", "svc_routes",
              "The rail's amount or currency is not the intent's; nothing was posted.", "data.provider_reference"),
    EventType("callback.received", "Callback received", "routed", "svc_routes",
              "A provider callback's signature was verified on its raw bytes and it was stored.", "data.callback_id"),
    EventType("callback.applied", "Callback applied", "routed", "svc_routes",
              "A verified callback changed the intent once.", "data.callback_id"),
    EventType("callback.duplicate", "Callback repeated", "routed", "svc_routes",
              "A callback came again; it was kept and changed nothing.", "data.callback_id"),
    EventType("callback.replayed", "Callback replayed", "routed", "svc_routes",
              "A callback came again; it was kept and changed nothing.", "data.callback_id"),
    EventType("callback.late", "Callback late", "routed", "svc_routes",
              "A callback came after the state had passed it; it was kept and nothing regressed.", "data.callback_id"),
    EventType("callback.refused", "Callback refused", "routed", "svc_routes",
              "A malformed, unsigned, stale or forged callback was refused before any state changed.", "data.reason",
              delivered=False),
    EventType("outgoing.paused", "Outgoing money paused", "beside", "svc_runtime",
              "No money leaves the workspace or the rail until a second person resumes it.", "data.reason"),
    EventType("outgoing.resumed", "Outgoing money resumed", "beside", "svc_runtime",
              "A second person let money leave again.", "data.reason"),
    # 5 synchronized
    EventType("webhook.queued", "Delivery queued", "synchronized", "svc_events",
              "A delivery waits for its first attempt.", "data.delivery_id", delivered=False),
    EventType("webhook.retrying", "Delivery retrying", "synchronized", "svc_events",
              "An attempt failed; the next one is due.", "data.delivery_id", delivered=False),
    EventType("webhook.delivered", "Delivery resolved", "synchronized", "svc_events",
              "The endpoint took the event.", "data.delivery_id", delivered=False),
    EventType("webhook.exhausted", "Delivery exhausted", "synchronized", "svc_events",
              "No attempt is left; the delivery is kept and ready to replay.", "data.delivery_id", delivered=False),
    EventType("webhook.retained", "Delivery retained", "synchronized", "svc_events",
              "The delivery failed and is kept.", "data.delivery_id", delivered=False),
    EventType("webhook.replayed", "Delivery replayed", "synchronized", "svc_events",
              "Somebody asked for the delivery to be sent again.", "data.delivery_id", delivered=False),
    EventType("webhook.endpoint_created", "Endpoint created", "beside", "svc_events",
              "An endpoint subscribes to events.", "data.endpoint_id", delivered=False),
    EventType("webhook.endpoint_moved", "Endpoint moved", "beside", "svc_events",
              "An endpoint delivers to another URL.", "data.endpoint_id", delivered=False),
    EventType("webhook.endpoint_disabled", "Endpoint disabled", "beside", "svc_events",
              "An endpoint takes no more deliveries; who and why.", "data.endpoint_id", delivered=False),
    EventType("webhook.endpoint_enabled", "Endpoint enabled", "beside", "svc_events",
              "An endpoint takes deliveries again.", "data.endpoint_id", delivered=False),
    EventType("money_runtime.synchronized", "Synchronized", "synchronized", "svc_events",
              "The provider's outcome is verified and converged, and every delivery due until then is resolved.",
              "data.event_stream"),
    # 6 evidenced, and the other ends
    EventType("review.closed", "Review closed", "evidenced", "svc_evidence",
              "Entries, provider outcome and amount were compared equal; by the service, or by whom.",
              "data.comparison"),
    EventType("ledger.export.ready", "Export ready", "evidenced", "svc_evidence",
              "The intent's ledger trail can be exported, or a file of the ledger that somebody asked for is complete.",
              "data.entries"),
    EventType("evidence.sealed", "Evidence sealed", "evidenced", "svc_evidence",
              "A packet revision was sealed; the event carries its hashes.", "data.packet_sha256"),
    EventType("evidence.exported", "Packet exported", "beside", "svc_evidence", "Somebody downloaded a packet.",
              "data.packet_sha256", delivered=False),
    # beside the intent
    EventType("access.denied", "Access denied", "beside", "svc_edge",
              "An actor asked for what it may not have; refused before any state was exposed.", "data.action",
              delivered=False),
    EventType("sign_in.failed", "Sign-in failed", "beside", "svc_edge", "A sign-in was refused.", "data.reason",
              delivered=False),
    EventType("workspace.created", "Workspace created", "beside", "svc_runtime", "A workspace exists.",
              "data.workspace_id", delivered=False),
)
# fmt: on

CATALOGUE: Final[dict[str, EventType]] = {kind.name: kind for kind in _ALL}


def describe(name: str) -> EventType:
    """The catalogue's row of a type; raises UnknownEventType."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownEventType(f"{name!r} is not in evidence/catalogue.py.", type=name) from None


def deliverable_types() -> list[str]:
    """The names to which an endpoint may subscribe, in catalogue order."""
    return [kind.name for kind in _ALL if kind.delivered]


def as_markdown() -> str:
    """The catalogue as ``docs/events.md``; a test holds the file to it."""
    lines = [
        "# Events",
        "",
        "Made from `evidence/catalogue.py` by `python -m evidence.catalogue > docs/events.md`; do not edit it here.",
        "One recorded fact is one leaf and may be announced under several of these names. Types not delivered are",
        "evidence only: no endpoint receives them.",
        "",
        "| type | stage | stated by | meaning | proof kept | delivered |",
        "|---|---|---|---|---|---|",
    ]
    for kind in _ALL:
        delivered = "yes" if kind.delivered else "no"
        lines.append(
            f"| `{kind.name}` | {kind.stage} | `{kind.actor}` | {kind.description} | `{kind.proof}` | {delivered} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
