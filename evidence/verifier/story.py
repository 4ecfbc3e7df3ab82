"""What a packet may say about its events: the trust block, the rows and the checks, derived from event bytes alone.

The sealing side writes what these functions return; the verifier calls them again on the verified events and compares.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.verifier.errors import VerificationError

Event = Mapping[str, Any]

POSTING: Final = "ledger.entry.posted"
VERIFIED_BY: Final = frozenset({"callback.received", "callback.applied"})
DECISIONS: Final = frozenset(
    {"policy.accepted", "policy.review", "policy.declined", "review.approved", "review.declined"}
)
_SIGN: Final = {"credit": 1, "debit": -1}


def trust_block(events: Sequence[Event], *, intent_id: str) -> dict[str, Any]:
    """Actor, scope, timestamp, policy, intent, signature, ledger and status (PRODUCT.md section 5).

    ``events`` are in log order. ``signature`` is the provider callback's: verified, or not applicable when no callback
    belongs to the intent.
    """
    first, last = events[0], events[-1]
    decisions = [event for event in events if event["type"] in DECISIONS]
    return {
        "actor": _actor(first),
        "scope": first["workspace"],
        "timestamp": last["occurred_at"],
        "policy": _policy(decisions[-1]) if decisions else "not_applicable",
        "intent": intent_id,
        "signature": "verified" if any(_callback_verified(event) for event in events) else "not_applicable",
        "ledger": [_posting(event["data"]) for event in events if event["type"] == POSTING],
        "status": "audit_ready",
    }


def check_balanced(event: Event, *, what: str) -> int:
    """Check that a posting's entries sum to zero per currency; the number of entries. Raises VerificationError."""
    data = event["data"]
    entries = data.get("entries")
    if not isinstance(entries, list) or not entries:
        raise VerificationError(f"{what} is a posting without entries")
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        amount, sign = entry.get("amount_minor"), _SIGN.get(entry.get("direction"))
        if type(amount) is not int or amount <= 0 or sign is None:
            raise VerificationError(f"{what} has an entry that is not a positive debit or credit")
        sums[str(entry.get("currency") or data.get("currency"))] += sign * amount
    for currency, total in sums.items():
        if total:
            raise VerificationError(f"{what} does not balance: its {currency} entries sum to {total} minor units")
    return len(entries)


def check_comparison(event: Event, *, before: Sequence[Event], among: Sequence[Event], what: str) -> bool:
    """Check a kept comparison against the postings; False when the event keeps none.

    What it says was posted is added up again from the entries of the events; expected and posted, and the intent's
    amount and the provider's, must be equal. The postings are those before the comparison in the log or, where two
    machines' clocks put one behind it, all ``among`` the packet. Raises VerificationError.
    """
    comparison = event["data"].get("comparison")
    if not isinstance(comparison, Mapping):
        return False
    provider = comparison.get("provider_amount_minor")
    if (
        comparison.get("equal") is not True
        or comparison.get("sums_to_zero") is not True
        or comparison.get("expected_minor") != comparison.get("posted_minor")
        or (provider is not None and provider != comparison.get("amount_minor"))
    ):
        raise VerificationError(f"{what} keeps a comparison that is not equal")
    if not any(_is_of(comparison, events) for events in (before, among)):
        raise VerificationError(f"{what} compared other entries than those that were posted")
    return True


def _is_of(comparison: Mapping[str, Any], events: Sequence[Event]) -> bool:
    """Whether number and amounts of the comparison are those of the postings among these events."""
    postings = [event["data"] for event in events if event["type"] == POSTING]
    posted = comparison.get("posted_minor") or {}
    return comparison.get("entries") == sum(len(posting["entries"]) for posting in postings) and all(
        amount == _debited(postings, purpose) for purpose, amount in posted.items()
    )


def _debited(postings: Sequence[Mapping[str, Any]], purpose: str) -> int:
    """What every debit of the postings of one purpose moved at least, in minor units; 0 without any."""
    entries = [entry for posting in postings if posting.get("purpose") == purpose for entry in posting["entries"]]
    return min((int(entry["amount_minor"]) for entry in entries if entry["direction"] == "debit"), default=0)


def field_value(event: Event, path: str) -> Any:
    """The value at a dotted path of an event, None when it has none."""
    value: Any = event
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _actor(first: Event) -> str:
    """Who took the request in, and on whose credential: ``svc_edge · key_01…``."""
    actor = first["actor"]
    behind = first["data"].get("requested_by") or actor
    names = dict.fromkeys([actor["id"], behind.get("credential") or behind.get("id")])
    return " · ".join(str(name) for name in names if name)


def _policy(decision: Event) -> str:
    data = decision["data"]
    said = [str(data[name]) for name in ("summary", "decision_id") if data.get(name)]
    return " · ".join([str(decision["type"]), *said])


def _posting(data: Mapping[str, Any]) -> str:
    return " · ".join(str(data[name]) for name in ("posting_id", "entry_hash") if data.get(name))


def _callback_verified(event: Event) -> bool:
    return event["type"] in VERIFIED_BY or event["data"].get("signature") == "verified"
