"""An intent as the API answers it: the documents' fields first, then the object's own."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from zentra.api.auth import WORKSPACE_ALIAS
from zentra.api.middleware import VERSION
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.runtime.types import IntentRecord, Step

MONEY_MODEL: Final = "minor_units + ledger_currency"
CHECKS: Final = ("contract valid", "scope attached", "trace opened")

# What each primitive reports of an intent, in the documents' order. It never switches a control off.
_REPORTS: Final[dict[str, Callable[[IntentRecord], dict[str, Any]]]] = {
    "api": lambda intent: {"result": "accepted", "trace_id": intent.trace_id},
    "policy": lambda intent: {
        "result": intent.gate or "passed",
        "decision_id": intent.decision_id,
        "rule_set": intent.rule_set,
        "lane": intent.lane,
    },
    "ledger": lambda intent: {
        "result": "posted" if intent.reserve_entry_id else "not posted",
        "entry_hash": intent.entry_hash or None,
        "postings": intent.mutations,
    },
    "accounts": lambda intent: {"debit": intent.source_account, "credit": intent.destination_account},
    "routes": lambda intent: {
        "result": "unknown" if intent.is_outcome_unknown else intent.outcome,
        "rail": intent.rail,
        "failover": intent.is_failover,
    },
    "events": lambda intent: {"result": intent.event_stream},
    "evidence": lambda intent: {"result": intent.audit_packet, "revision": intent.packet_revision or None},
}
PRIMITIVES: Final = tuple(_REPORTS)


def show_intent(intent: IntentRecord, *, path: Sequence[Step] | None, tenant: TenantRef) -> dict[str, Any]:
    """An intent as it stands in this record; without a path, as lists show it."""
    document = {
        "intent_id": intent.intent_id,
        "scope": WORKSPACE_ALIAS,
        "money_model": MONEY_MODEL,
        "schema": VERSION,
        "status": intent.status,
        "final_state": intent.final_state,
        "ledger_state": intent.reserve_entry_id,
        "event_stream": intent.event_stream,
        "audit_packet": intent.audit_packet,
        "checks": list(CHECKS),
        "path": show_path(path or ()),
        "mutations": intent.mutations,
        "replays": intent.replays,
        "links": _links(intent.intent_id, tenant),
        "id": intent.id,
        "object": "intent",
        "kind": intent.kind,
        "amount_minor": intent.amount_minor,
        "currency": intent.currency,
        "debit_account": intent.source_account,
        "credit_account": intent.destination_account,
        "corridor": intent.corridor,
        "rehearsal": intent.is_rehearsal,
        "primitives": {name: _REPORTS[name](intent) for name in intent.primitives if name in _REPORTS},
        "workspace": tenant.slug,
        "mode": tenant.mode,
        "created_at": clock.iso(intent.created_at),
        "updated_at": clock.iso(intent.updated_at),
        "metadata": intent.metadata,
    }
    if path is None:
        del document["path"]
    return document


def show_path(path: Sequence[Step]) -> list[dict[str, str]]:
    """The states reached and when."""
    return [{"state": step.state, "at": clock.iso(step.at)} for step in path]


def _links(intent_id: str, tenant: TenantRef) -> dict[str, str]:
    own = f"/v1/runtime/intents/{intent_id}"
    return {
        "self": own,
        "timeline": f"{own}/timeline",
        "audit_packet": f"/v1/audit-packets/{intent_id}",
        "room": f"/w/{tenant.slug}/intents/{intent_id}/",
    }
