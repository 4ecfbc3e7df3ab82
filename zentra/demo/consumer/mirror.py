"""What a consumer makes of events that come at least once and in any order. Two ways, each enough by itself:

*Sums* do not care for order: each posting's entries are added once (the inbox sees to the once), so that the balances
are right when all have arrived, whichever came first.

*States* take the newest: a row remembers the sequence of the event that set it, and an older one that comes later
changes nothing. Each field that different events set keeps a sequence of its own.
"""

import sqlite3
from typing import Any, Final

from zentra.sdk import WebhookEvent

MIRROR: Final = """
CREATE TABLE IF NOT EXISTS account_mirror (
    workspace TEXT NOT NULL, account_id TEXT NOT NULL, currency TEXT NOT NULL,
    debits_minor INTEGER NOT NULL DEFAULT 0, credits_minor INTEGER NOT NULL DEFAULT 0,
    entries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'active', state_sequence INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (workspace, account_id, currency)
) STRICT;
CREATE TABLE IF NOT EXISTS intent_mirror (
    workspace TEXT NOT NULL, intent_id TEXT NOT NULL, events INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '', stage_sequence INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (workspace, intent_id)
) STRICT;
"""

# The word for an intent that an event of each of these types makes true.
_STAGES: Final = {
    "ingress.accepted": "accepted",
    "policy.accepted": "controlled",
    "policy.review": "review",
    "policy.declined": "declined",
    "review.approved": "controlled",
    "review.declined": "declined",
    "ledger.posted": "ledgered",
    "provider.routed": "routed",
    "provider.declined": "failed",
    "provider.failed": "failed",
    "money_runtime.synchronized": "synchronized",
    "evidence.sealed": "evidenced",
}
_ACCOUNT_STATES: Final = ("account.created", "account.frozen", "account.unfrozen", "account.closed")

_ADD: Final = (
    "INSERT INTO account_mirror (workspace, account_id, currency, debits_minor, credits_minor, entries)"
    " VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET debits_minor = debits_minor + excluded.debits_minor,"
    " credits_minor = credits_minor + excluded.credits_minor, entries = entries + 1"
)
_TURN: Final = (
    "INSERT INTO account_mirror (workspace, account_id, currency, state, state_sequence) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET state = excluded.state, state_sequence = excluded.state_sequence"
    " WHERE excluded.state_sequence > state_sequence"
)
_SEE: Final = (
    "INSERT INTO intent_mirror (workspace, intent_id, events) VALUES (?, ?, 1)"
    " ON CONFLICT DO UPDATE SET events = events + 1"
)
_REACH: Final = (
    "UPDATE intent_mirror SET stage = ?, stage_sequence = ?"
    " WHERE workspace = ? AND intent_id = ? AND stage_sequence < ?"
)


def apply_event(database: sqlite3.Connection, workspace: str, event: WebhookEvent) -> None:
    """Bring the mirror up to date with an event that is new, in the caller's transaction."""
    body = event.to_dict()
    data = body["data"]
    if event.type == "ledger.entry.posted":
        _add_entries(database, workspace, data)
    if event.type in _ACCOUNT_STATES and event.sequence is not None and "account_id" in data:
        state = str(data.get("state", "active"))
        database.execute(
            _TURN, (workspace, str(data["account_id"]), str(data.get("currency", "")), state, event.sequence)
        )
    if isinstance(body.get("intent_id"), str):
        _see_intent(database, workspace, body["intent_id"], event)


def list_accounts(database: sqlite3.Connection, workspace: str, limit: int) -> list[dict[str, Any]]:
    """Balances in minor units, credits less debits, and states."""
    rows = database.execute(
        "SELECT account_id, currency, credits_minor - debits_minor, entries, state FROM account_mirror"
        " WHERE workspace = ? ORDER BY account_id, currency LIMIT ?",
        (workspace, limit),
    )
    names = ("account_id", "currency", "balance_minor", "entries", "state")
    return [dict(zip(names, row, strict=True)) for row in rows]


def list_intents(database: sqlite3.Connection, workspace: str, limit: int) -> list[dict[str, Any]]:
    """How far each intent has come, by the newest event that says so."""
    rows = database.execute(
        "SELECT intent_id, stage, stage_sequence, events FROM intent_mirror"
        " WHERE workspace = ? ORDER BY stage_sequence DESC, intent_id LIMIT ?",
        (workspace, limit),
    )
    return [dict(zip(("intent_id", "stage", "sequence", "events"), row, strict=True)) for row in rows]


def _add_entries(database: sqlite3.Connection, workspace: str, data: dict[str, Any]) -> None:
    for entry in data.get("entries", []):
        amount = int(entry["amount_minor"])
        sides = (amount, 0) if entry["direction"] == "debit" else (0, amount)
        currency = str(entry.get("currency", data.get("currency", "")))
        database.execute(_ADD, (workspace, str(entry["account_id"]), currency, *sides))


def _see_intent(database: sqlite3.Connection, workspace: str, intent_id: str, event: WebhookEvent) -> None:
    database.execute(_SEE, (workspace, intent_id))
    stage = _STAGES.get(event.type)
    if stage is not None and event.sequence is not None:
        database.execute(_REACH, (stage, event.sequence, workspace, intent_id, event.sequence))
