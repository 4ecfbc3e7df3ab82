"""What the ledger refuses, each with its code and the numbers that explain it; ... is any value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}


@dataclass
class Scene:
    """What stands before each refusal."""

    http: httpx.Client
    wallet: str
    full: str
    frozen: str
    closed: str
    euros: str
    posting: str
    part: str
    reversed: str
    reversal: str
    hold: str
    ended: str


def entries(*said: tuple[str, str, int], **more: Any) -> dict[str, Any]:
    return {"entries": [{"account": a, "direction": d, "amount_minor": n} for a, d, n in said], **more}


C, R = "customer_balance", "reserved_balance"
LATER = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
Ask = Callable[[Scene], tuple[str, dict[str, Any]]]


def posting(body: dict[str, Any]) -> Ask:
    return lambda _: ("/ledger-entries", body)


CASES: list[tuple[str, Ask, int, str, dict[str, Any]]] = [
    (
        "unbalanced",
        posting(entries((C, "debit", 100), (R, "credit", 90))),
        422,
        "unbalanced_posting",
        {"currency": "USD", "debits_minor": 100, "credits_minor": 90},
    ),
    ("empty", posting({"entries": []}), 422, "empty_posting", {"entries": 0}),
    ("single entry", posting(entries((C, "debit", 100))), 422, "incomplete_posting", {"entries": 1}),
    ("zero", posting(PAIR | {"amount_minor": 0}), 422, "invalid_amount", {}),
    ("zero entry", posting(entries((C, "debit", 0), (R, "credit", 0))), 422, "invalid_amount", {}),
    ("negative", posting(PAIR | {"amount_minor": -5}), 422, "invalid_amount", {}),
    ("float", posting(entries((C, "debit", 1.5), (R, "credit", 1.5))), 422, "invalid_amount", {}),  # type: ignore[arg-type]
    ("whole float", posting(PAIR | {"amount_minor": 100.0}), 422, "invalid_amount", {}),
    ("text", posting(PAIR | {"amount_minor": "100"}), 422, "invalid_amount", {}),
    ("too large", posting(PAIR | {"amount_minor": 2**53}), 422, "invalid_amount", {}),
    (
        "too large together",
        posting(entries(*[(C, "debit", 2**53 - 1), (R, "credit", 2**53 - 1)] * 2)),
        422,
        "invalid_amount",
        {"currency": "USD", "most_minor": 2**53 - 1},
    ),
    (
        "mixed currency",
        posting(
            {
                "entries": [
                    {"account": C, "direction": "debit", "amount_minor": 100, "currency": "USD"},
                    {"account": R, "direction": "credit", "amount_minor": 100, "currency": "EUR"},
                ]
            }
        ),
        422,
        "unbalanced_posting",
        {"currency": "USD", "debits_minor": 100, "credits_minor": 0},
    ),
    (
        "another currency than the account's",
        lambda s: ("/ledger-entries", {"debit": C, "credit": s.euros, "amount_minor": 100, "currency": "USD"}),
        422,
        "currency_mismatch",
        {"account": ..., "currency": "USD", "account_currency": "EUR"},
    ),
    ("unknown account", posting(PAIR | {"credit": "nobody"}), 422, "unknown_account", {"account": "nobody"}),
    (
        "frozen account",
        lambda s: ("/ledger-entries", PAIR | {"credit": s.frozen}),
        409,
        "account_frozen",
        {"account": ...},
    ),
    (
        "closed account",
        lambda s: ("/ledger-entries", PAIR | {"credit": s.closed}),
        409,
        "account_closed",
        {"account": ...},
    ),
    (
        "insufficient funds",
        lambda s: ("/ledger-entries", {"debit": s.wallet, "credit": R, "amount_minor": 401}),
        409,
        "insufficient_funds",
        {"available_minor": 400, "floor_minor": 0, "required_minor": 401, "missing_minor": 1},
    ),
    (
        "ceiling",
        lambda s: ("/ledger-entries", PAIR | {"credit": s.full, "amount_minor": 51}),
        409,
        "balance_limit_exceeded",
        {"ceiling_minor": 50},
    ),
    (
        "floor of the request",
        lambda s: (
            "/ledger-entries",
            {
                "entries": [
                    {"account": s.wallet, "direction": "debit", "amount_minor": 100, "floor_minor": 350},
                    {"account": R, "direction": "credit", "amount_minor": 100},
                ]
            },
        ),
        409,
        "balance_condition_failed",
        {"metric": "available", "balance_minor": 300, "at_least_minor": 350},
    ),
    (
        "condition",
        lambda s: (
            "/ledger-entries",
            {
                "entries": [
                    {
                        "account": s.wallet,
                        "direction": "credit",
                        "amount_minor": 100,
                        "conditions": {"posted_minor": {"lte": 599}},
                    },
                    {"account": R, "direction": "debit", "amount_minor": 100},
                ]
            },
        ),
        409,
        "balance_condition_failed",
        {"metric": "posted", "balance_minor": 600, "at_most_minor": 599},
    ),
    (
        "stale version",
        lambda s: (
            "/ledger-entries",
            {
                "entries": [
                    {"account": s.wallet, "direction": "debit", "amount_minor": 1, "lock_version": 1},
                    {"account": R, "direction": "credit", "amount_minor": 1},
                ]
            },
        ),
        409,
        "stale_account_version",
        {"lock_version": 1, "version": 4},
    ),
    (
        "future",
        posting(PAIR | {"effective_at": LATER}),
        422,
        "effective_in_future",
        {"effective_at": ..., "recorded_at": ...},
    ),
    ("no zone", posting(PAIR | {"effective_at": "2026-01-01T00:00:00"}), 422, "bad_format", {}),
    (
        "closed period",
        posting(PAIR | {"effective_at": "2020-01-15T00:00:00Z"}),
        409,
        "period_closed",
        {"starts_at": ..., "ends_at": ...},
    ),
    (
        "over-capture",
        lambda s: (f"/holds/{s.hold}/capture", {"amount_minor": 101}),
        409,
        "over_capture",
        {"asked_minor": 101, "remaining_minor": 100, "held_minor": 100, "captured_minor": 0},
    ),
    (
        "over-release",
        lambda s: (f"/holds/{s.hold}/release", {"amount_minor": 101, "reason": "x"}),
        409,
        "over_release",
        {"asked_minor": 101, "remaining_minor": 100},
    ),
    (
        "double release",
        lambda s: (f"/holds/{s.ended}/release", {"reason": "again"}),
        409,
        "hold_closed",
        {"state": "released", "released_minor": 100},
    ),
    ("capture of what ended", lambda s: (f"/holds/{s.ended}/capture", {}), 409, "hold_closed", {"state": "released"}),
    (
        "a hold beyond what is there",
        lambda s: ("/holds", {"account": s.wallet, "amount_minor": 401, "reference": "r", "source": "s"}),
        409,
        "insufficient_funds",
        {},
    ),
    (
        "a hold that ended before",
        lambda s: (
            "/holds",
            {
                "account": s.wallet,
                "amount_minor": 1,
                "reference": "r",
                "source": "s",
                "expires_at": "2020-01-01T00:00:00Z",
            },
        ),
        422,
        "invalid_hold",
        {},
    ),
    (
        "reversal beyond",
        lambda s: (f"/postings/{s.part}/reverse", {"reason": "r", "amount_minor": 41}),
        409,
        "over_reversal",
        {"remaining_minor": 40},
    ),
    (
        "second reversal",
        lambda s: (f"/postings/{s.reversed}/reverse", {"reason": "r"}),
        409,
        "already_reversed",
        {"posting_id": ..., "reversal_id": ..., "reversal_ids": ...},
    ),
    (
        "reversal of a reversal",
        lambda s: (f"/postings/{s.reversal}/reverse", {"reason": "r"}),
        409,
        "reversal_of_reversal",
        {"posting_id": ..., "reverses_id": ...},
    ),
    (
        "void of what is posted",
        lambda s: (f"/postings/{s.posting}/void", {"reason": "r"}),
        409,
        "posting_not_pending",
        {"state": "posted"},
    ),
    (
        "closing with money",
        lambda s: (f"/accounts/{s.wallet}/close", {"reason": "r"}),
        409,
        "account_not_empty",
        {"net_minor": 500, "pending_debits_minor": 100, "pending_credits_minor": 0},
    ),
    ("no reason", lambda s: (f"/accounts/{s.wallet}/freeze", {"reason": "  "}), 422, "bad_format", {}),
    (
        "limits of a hot account",
        lambda _: (f"/accounts/{R}/limits", {"floor_minor": 0, "ceiling_minor": None, "reason": "r"}),
        409,
        "limits_not_allowed",
        {"account": "reserved_balance"},
    ),
    ("both forms", posting(PAIR | {"entries": []}), 422, "conflicting_fields", {}),
    ("half a form", posting({"debit": C, "amount_minor": 1}), 422, "missing_field", {}),
    ("pending without a reference", posting(PAIR | {"pending": True, "source": "s"}), 422, "missing_field", {}),
    (
        "pending with a date",
        posting(PAIR | {"pending": True, "source": "s", "reference": "r", "effective_at": LATER}),
        422,
        "conflicting_fields",
        {},
    ),
    (
        "a rate as a float",
        posting(PAIR | {"fx": {"base": "EUR", "quote": "USD", "rate": 1.1, "source": "ecb"}}),
        422,
        "wrong_type",
        {},
    ),
    (
        "a rate of other currencies",
        posting(PAIR | {"fx": {"base": "EUR", "quote": "USD", "rate": "1.1", "source": "ecb"}}),
        422,
        "invalid_rate",
        {},
    ),
    ("a batch of nothing", lambda _: ("/ledger-entries/batch", {"mode": "each", "entries": []}), 422, "bad_length", {}),
    (
        "a batch that is refused",
        lambda _: ("/ledger-entries/batch", {"mode": "all_or_nothing", "entries": [PAIR, PAIR | {"credit": "nobody"}]}),
        409,
        "batch_refused",
        {"index": 1, "refused_code": "unknown_account"},
    ),
]
