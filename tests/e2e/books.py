"""What stands in the database and at the simulated rails, read past all of our own code.

The database is read as its owner with plain SQL, the rails by their own listing of what they executed. The expected
entries are written down here a second time, from the table of postings, and not taken from the runtime.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from zentra.core.ids import to_public

Line = tuple[str, str, int]
"""(role or code of the account, direction, minor units)"""

_SOURCE_TO_RESERVED: Final = (("source", "debit"), ("reserved_balance", "credit"))
_RESERVED_TO_SETTLEMENT: Final = (("reserved_balance", "debit"), ("settlement_account", "credit"))
_RESERVED_TO_SOURCE: Final = (("reserved_balance", "debit"), ("source", "credit"))
FLOWS: Final = {
    "payment": {
        "reserve": _SOURCE_TO_RESERVED,
        "success": (*_RESERVED_TO_SETTLEMENT, ("rail_receivable", "debit"), ("source", "credit")),
        "settle": (("settlement_account", "debit"), ("destination", "credit")),
        "release": _RESERVED_TO_SOURCE,
    },
    "transfer": {
        "reserve": _SOURCE_TO_RESERVED,
        "success": _RESERVED_TO_SETTLEMENT,
        "settle": (
            ("settlement_account", "debit"), ("destination", "credit"), ("destination", "debit"),
            ("rail_payable", "credit"),
        ),
        "release": _RESERVED_TO_SOURCE,
    },
}  # fmt: skip
HELD = "review"
END_STATES: Final = frozenset({"evidenced", "declined", "failed"})

_ENTRIES = """
SELECT p.intent_id, p.purpose, p.id, CASE e.account_id WHEN i.source_account THEN 'source'
       WHEN i.destination_account THEN 'destination' ELSE a.code END, e.direction, e.amount_minor, e.currency
  FROM runtime_intent i JOIN ledger_posting p ON p.intent_id = i.intent_id
  JOIN ledger_entry e ON e.posting_id = p.id JOIN ledger_account a ON a.id = e.account_id
 ORDER BY p.recorded_at, p.id, e.position
"""
_DRIFT_OF_BALANCES = """
SELECT a.currency, sum(b.posted_credits - b.posted_debits
       + coalesce((SELECT sum(u.delta_minor) FROM ledger_entry_unsequenced u WHERE u.account_id = a.id), 0))
  FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id GROUP BY a.currency
"""
_DRIFT_OF_ENTRIES = """
SELECT currency, sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)
  FROM ledger_entry GROUP BY currency
"""
_DIVERGING = """
SELECT a.code, a.currency FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
 WHERE b.posted_credits - b.posted_debits
       + coalesce((SELECT sum(u.delta_minor) FROM ledger_entry_unsequenced u WHERE u.account_id = a.id), 0)
    <> coalesce((SELECT sum(CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END)
                   FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id AND p.state = 'posted'
                  WHERE e.account_id = a.id), 0)
"""


@dataclass(frozen=True)
class Books:
    """One workspace's schema, read by the database's owner (`url`)."""

    url: str
    schema: str

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """The rows of a query inside the schema."""
        with psycopg.connect(self.url, connect_timeout=5, row_factory=dict_row) as owner:
            owner.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(self.schema)))
            return owner.execute(statement, values or None).fetchall()

    def change(self, statement: str, *values: object) -> int:
        """Change something as only its owner may; how many rows."""
        with psycopg.connect(self.url, connect_timeout=5) as owner:
            owner.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(self.schema)))
            return owner.execute(statement, values or None).rowcount

    def value(self, statement: str, *values: object) -> Any:
        """The single value of a query; None without a row."""
        found = self.rows(statement, *values)
        return next(iter(found[0].values())) if found else None

    def intents(self) -> dict[str, dict[str, Any]]:
        """Every intent's row by intent_id."""
        return {row["intent_id"]: row for row in self.rows("SELECT * FROM runtime_intent")}

    def intent(self, intent_id: str) -> dict[str, Any]:
        """One intent's row."""
        [row] = self.rows("SELECT * FROM runtime_intent WHERE intent_id = %s", intent_id)
        return row

    def postings(self) -> dict[str, list[tuple[str, list[Line]]]]:
        """Per intent its postings in order: (purpose, lines)."""
        found: dict[str, dict[Any, tuple[str, list[Line]]]] = {}
        for row in self.rows(_ENTRIES):
            intent_id, purpose, posting, role, direction, amount, _ = row.values()
            found.setdefault(intent_id, {}).setdefault(posting, (purpose, []))[1].append((role, direction, amount))
        return {intent_id: list(postings.values()) for intent_id, postings in found.items()}

    def purposes(self, intent_id: str) -> list[str]:
        """The steps that were posted for an intent, in order."""
        return [purpose for purpose, _ in self.postings().get(intent_id, [])]

    def events(self, type_: str | None = None, intent_id: str | None = None) -> list[dict[str, Any]]:
        """Recorded events as they were written, oldest first."""
        found = self.rows(
            "SELECT body FROM evidence_event WHERE (%s::text IS NULL OR type = %s)"
            " AND (%s::text IS NULL OR intent_id = %s) ORDER BY recorded_at, id",
            type_, type_, intent_id, intent_id,
        )  # fmt: skip
        return [json.loads(bytes(row["body"])) for row in found]

    def count_events(self, intent_id: str | None = None) -> Counter[str]:
        """How many events of each type."""
        return Counter(event["type"] for event in self.events(intent_id=intent_id))

    def count_work(self) -> Counter[str]:
        """Open work of this workspace by kind."""
        return Counter(
            row["kind"]
            for row in self.rows(
                "SELECT kind FROM public.work_item w JOIN public.tenants_workspace t ON t.id = w.workspace_id"
                " WHERE t.schema_name = %s AND w.done_at IS NULL",
                self.schema,
            )
        )

    def rail_ids(self) -> dict[str, str]:
        """Connection id of each rail by its name."""
        return {row["name"]: to_public("rail", row["id"]) for row in self.rows("SELECT name, id FROM routing_rail")}

    def assert_no_drift(self) -> None:
        """Every currency sums to zero, by balances and by entries, and each balance is the sum of its entries."""
        for statement in (_DRIFT_OF_BALANCES, _DRIFT_OF_ENTRIES):
            assert {tuple(row.values()) for row in self.rows(statement) if list(row.values())[1] != 0} == set()
        assert self.rows(_DIVERGING) == []


@dataclass(frozen=True)
class Simulators:
    """The simulated rails' own listings."""

    url: str

    def list_executed(self, connections: dict[str, str]) -> list[dict[str, Any]]:
        """Everything that these connections (rail name → id) had executed, as the rails tell it."""
        return [
            payment
            for rail, connection_id in connections.items()
            for payment in self._pages(f"/{rail}/ledger")
            if payment["connection_id"] == connection_id
        ]

    def list_callbacks(self, *, rail: str, key: str) -> list[dict[str, Any]]:
        """The callbacks that were planned for a payment, with what came of each."""
        return self._pages(f"/{rail}/callbacks", key=key)

    def _pages(self, path: str, **query: str) -> list[dict[str, Any]]:
        after, found = 0, list[dict[str, Any]]()
        while True:
            page = httpx.get(f"{self.url}{path}", params={**query, "after": after, "limit": 1000}, timeout=10).json()
            found += page["data"]
            if not page["has_more"]:
                return found
            after = page["next_after"]


def intent_of(payment: dict[str, Any]) -> str:
    """The intent that a payment at a rail belongs to: our key there is connection.intent.number."""
    return str(payment["key"]).split(".")[1]


def assert_nothing_lost_or_doubled(books: Books, simulators: Simulators) -> None:
    """Ledger, runtime and rails tell one story for every intent of the workspace that is at an end or held."""
    postings = books.postings()
    executed: dict[str, list[dict[str, Any]]] = {}
    for payment in simulators.list_executed(books.rail_ids()):
        executed.setdefault(intent_of(payment), []).append(payment)
    for intent_id, intent in books.intents().items():
        payments = executed.pop(intent_id, [])
        assert postings.get(intent_id, []) == _expected(intent), (intent_id, intent["status"])
        assert len(payments) == (1 if intent["outcome"] is not None else 0), (intent_id, payments)
        for payment in payments:
            said = (payment["amount_minor"], payment["currency"], payment["state"])
            assert said == (intent["amount_minor"], intent["currency"], intent["outcome"]), intent_id
    assert executed == {}, "a rail executed what is no intent of ours"
    books.assert_no_drift()


def _expected(intent: dict[str, Any]) -> list[tuple[str, list[Line]]]:
    """The postings that an intent which ended so must have: each step once, in order, over the whole amount."""
    flow, amount = FLOWS[intent["kind"]], intent["amount_minor"]
    steps = {
        "evidenced": ("reserve", "success", "settle"),
        "failed": ("reserve", "release"),
        "declined": (),
        HELD: (),
    }[intent["status"]]
    return [(step, [(role, direction, amount) for role, direction in flow[step]]) for step in steps]
