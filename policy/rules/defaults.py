"""The rules that every workspace starts with. Whoever is no party, or not screened, passes what asks about parties."""

from typing import Any, Final

DENIED: Final = "denied"
WATCHED: Final = "watched"
_DAY: Final = {"rolling_seconds": 86_400}


def _amounts(usual: int, yen: int, dinars: int) -> dict[str, Any]:
    """An amount of minor units that is about as much in the currencies that the demo uses."""
    return {"by_currency": {"USD": usual, "EUR": usual, "GBP": usual, "JPY": yen, "BHD": dinars}, "otherwise": usual}


_SINGLE: Final = _amounts(4_000_000, 6_000_000, 20_000_000)


def _over(amount: dict[str, Any]) -> dict[str, Any]:
    return {"op": "gt", "field": "amount_minor", "value": amount}


def _known(field: str, test: dict[str, Any]) -> dict[str, Any]:
    """The test of a field that may be missing: then it is false."""
    return {"op": "all", "of": [{"op": "is_present", "field": field}, {"field": field, **test}]}


def _either(suffix: str, test: dict[str, Any]) -> dict[str, Any]:
    """The customer or the counterparty."""
    return {"op": "any", "of": [_known(f"{side}{suffix}", test) for side in ("customer", "counterparty")]}


DEFAULT_RULES: Final[dict[str, Any]] = {
    "schema": 2,
    "settings": {
        "lanes": [{"lane": "A", "from_score": 0}, {"lane": "B", "from_score": 30}, {"lane": "C", "from_score": 60}],
        "four_eyes": {
            "amount_minor": _amounts(15_000_000, 22_500_000, 60_000_000),
            "rules": ["sanctions.unresolved"],
            "kinds": [],
        },
        "hold_expires_after_seconds": 604_800,
    },
    "rules": [
        {
            "name": "limit.hard_cap",
            "action": "decline",
            "score": 60,
            "reason": "above what this workspace ever moves in one intent",
            "when": _over(_amounts(50_000_000, 75_000_000, 200_000_000)),
        },
        {
            "name": "limit.single_intent",
            "action": "review",
            "score": 30,
            "reason": "above the limit of a single intent",
            "when": _over(_SINGLE),
        },
        {
            "name": "watch.large_amount",
            "action": "accept_with_note",
            "score": 10,
            "lane": "B",
            "reason": "large enough to be watched: lane B",
            "when": _over(_amounts(2_000_000, 3_000_000, 8_000_000)),
        },
        {
            "name": "sanctions.confirmed",
            "action": "decline",
            "score": 100,
            "reason": "a party to it is on a sanctions list",
            "when": _either(".screening", {"op": "eq", "value": "confirmed"}),
        },
        {
            "name": "sanctions.unresolved",
            "action": "block_and_review",
            "score": 80,
            "four_eyes": True,
            "reason": "a party to it may be on a sanctions list, which nobody has resolved yet",
            "when": _either(".screening", {"op": "eq", "value": "unresolved"}),
        },
        {
            "name": "kyc.expired",
            "action": "review",
            "score": 40,
            "reason": "the customer's verification has expired or was rejected",
            "when": _known("customer.kyc_state", {"op": "in", "values": ["expired", "rejected"]}),
        },
        {
            "name": "list.denied",
            "action": "decline",
            "score": 100,
            "reason": "a party to it is on the workspace's list of those denied",
            "when": _either("", {"op": "in_list", "list": DENIED}),
        },
        {
            "name": "list.watched",
            "action": "review",
            "score": 40,
            "reason": "a party to it is on the workspace's list of those watched",
            "when": _either("", {"op": "in_list", "list": WATCHED}),
        },
        {
            "name": "structuring.outgoing",
            "action": "review",
            "score": 60,
            "reason": "several amounts of one customer just under the limit of a single intent",
            "when": {
                "op": "all",
                "of": [
                    {"op": "is_present", "field": "customer"},
                    {
                        "op": "structuring",
                        "by": "customer",
                        "window": _DAY,
                        "limit": _SINGLE,
                        "within_percent": 10,
                        "at_least": 3,
                    },
                ],
            },
        },
    ],
    "limits": [
        {
            "name": "limit.outgoing_24h",
            "action": "review",
            "score": 30,
            "reason": "above what one customer moves in 24 hours",
            "measure": "sum",
            "by": "customer",
            "window": _DAY,
            "limit": _amounts(20_000_000, 30_000_000, 80_000_000),
        },
        {
            "name": "velocity.outgoing_24h",
            "action": "review",
            "score": 40,
            "reason": "more intents of one customer in 24 hours than usual",
            "measure": "count",
            "by": "customer",
            "window": _DAY,
            "limit": 200,
        },
    ],
}
