"""Intents as the tests speak to them: each call is a unit of work of its own, committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from evidence.queries import timeline
from ledger.operations import open_account, post_entries
from ledger.queries import drift_by_currency, entries_of_intent
from ledger.types import Line
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.queries import find_open_attempt, list_attempts
from zentra.runtime import operations
from zentra.runtime.queries import find_intent, get_history, get_intent
from zentra.runtime.types import CreateIntent, HistoryStep, IntentRecord, OutcomeResult, ProviderOutcome

KEY = Actor(kind="key", id="key_test", role="developer", credential="key_test")
AMOUNT = 125_000
Entry = tuple[str, str, str, int]
"""(purpose, direction, account code, amount_minor)"""


@dataclass(frozen=True)
class Story:
    """The intents of one workspace."""

    ws: TenantRef

    def create(self, intent_id: str = "intent_042", *, actor: Actor = KEY, **words: Any) -> IntentRecord:
        """An intent, accepted; over the limit unless its amount says otherwise it is posted at once."""
        movement: dict[str, Any] = {"amount_minor": AMOUNT, "currency": "USD", "idempotency_key": intent_id} | words
        with tenant_work(self.ws):
            command = CreateIntent(intent_id=intent_id, **movement)
            return operations.create_intent(command=command, actor=actor, ws=self.ws, now=clock.now()).intent

    def route(self, intent_id: str = "intent_042") -> None:
        """Send it out."""
        operations.route_intent(intent_id=intent_id, ws=self.ws)

    def routed(self, intent_id: str = "intent_042", **words: Any) -> IntentRecord:
        """An intent that a rail has accepted; needs ``accepting_rail``."""
        self.create(intent_id, **words)
        self.route(intent_id)
        return self.get(intent_id)

    def hear(
        self, outcome: ProviderOutcome, intent_id: str = "intent_042", *, key: str | None = None, **other: Any
    ) -> OutcomeResult:
        """A verified callback of the rail; ``key`` is a reference that it names instead of ours."""
        intent = self.get(intent_id)
        with tenant_work(self.ws):
            attempt = find_open_attempt(intent_id=intent_id) or list_attempts(intent_id=intent_id)[-1]
            said: dict[str, Any] = {
                "rail_id": attempt.rail_id, "intent_id": key or attempt.key, "amount_minor": intent.amount_minor,
                "currency": intent.currency, "provider_reference": "ref-1", "callback_id": ids.new_id("cb"),
                "now": clock.now(),
            }  # fmt: skip
            return operations.apply_provider_outcome(outcome=outcome, **(said | other))

    def approve(self, actor: Actor, intent_id: str = "intent_042", reason: str = "seen", **words: Any) -> IntentRecord:
        """A person lets it go on."""
        with tenant_work(self.ws):
            return operations.approve_intent(intent_id=intent_id, actor=actor, reason=reason, now=clock.now(), **words)

    def decline(self, actor: Actor, intent_id: str = "intent_042", reason: str = "seen", **words: Any) -> IntentRecord:
        """A person ends it."""
        with tenant_work(self.ws):
            return operations.decline_intent(intent_id=intent_id, actor=actor, reason=reason, now=clock.now(), **words)

    def synchronize(self, intent_id: str = "intent_042", *, degraded: bool = False) -> None:
        """What webhooks say when the deliveries are resolved, or never will be."""
        with tenant_work(self.ws):
            operations.synchronize_intent(
                intent_id=intent_id,
                stream="degraded" if degraded else "synchronized",
                undelivered=2 if degraded else 0,
                now=clock.now(),
            )

    def close(self, intent_id: str = "intent_042") -> None:
        """Compare, and ask for the packet."""
        with tenant_work(self.ws):
            operations.close_intent(intent_id=intent_id, now=clock.now())

    def seal(self, intent_id: str = "intent_042") -> None:
        """Seal the packet."""
        operations.seal_intent(intent_id=intent_id, ws=self.ws)

    def get(self, intent_id: str = "intent_042") -> IntentRecord:
        """The intent as it stands."""
        with tenant_work(self.ws):
            return get_intent(intent_id=intent_id)

    def find(self, intent_id: str = "intent_042") -> IntentRecord | None:
        """The intent, if there is one."""
        with tenant_work(self.ws):
            return find_intent(intent_id=intent_id)

    def path(self, intent_id: str = "intent_042") -> list[str]:
        """The states that it reached."""
        return [step.after for step in self.history(intent_id)]

    def history(self, intent_id: str = "intent_042") -> list[HistoryStep]:
        """Every transition."""
        with tenant_work(self.ws):
            return get_history(intent_id=intent_id)

    def entries(self, intent_id: str = "intent_042") -> list[Entry]:
        """What was posted for it."""
        with tenant_work(self.ws):
            found = entries_of_intent(intent_id=intent_id)
        return [(e.purpose, e.direction, e.account_code, e.amount_minor) for e in found]

    def events(self, intent_id: str = "intent_042") -> list[str]:
        """The types of what was recorded about it, in order."""
        with tenant_work(self.ws):
            return [json.loads(event.body)["type"] for event in timeline(intent_id=intent_id)]

    def event(self, name: str, intent_id: str = "intent_042") -> dict[str, Any]:
        """The data of the last event of a type."""
        with tenant_work(self.ws):
            bodies = [json.loads(event.body) for event in timeline(intent_id=intent_id)]
        found: list[dict[str, Any]] = [body["data"] for body in bodies if body["type"] == name]
        return found[-1]

    def drift(self) -> dict[str, int]:
        """What all accounts add up to, by currency."""
        with tenant_work(self.ws):
            return {each.currency: each.drift_minor for each in drift_by_currency()}

    def work(self, kind: str, intent_id: str = "intent_042") -> int:
        """How many items of a kind are still to be done for it."""
        return int(
            self.sql(
                "SELECT count(*) FROM public.work_item WHERE workspace_id = %s AND kind = %s AND ref = %s"
                " AND done_at IS NULL",
                [self.ws.id, kind, intent_id],
            )[0][0]
        )

    def wallet(self, code: str, *, holds: int = 0, customer: str | None = "cust_1") -> str:
        """A customer's account without credit; its code."""
        with tenant_work(self.ws):
            open_account(
                code=code, account_type="customer", currency="USD", customer=customer, floor_minor=0,
                actor=actors.LEDGER, now=clock.now(),
            )  # fmt: skip
            if holds:
                post_entries(
                    lines=[Line("bank", "debit", holds), Line(code, "credit", holds)], currency="USD",
                    posting_id=ids.new_id("posting"), purpose="opening", intent_id=None, actor=actors.LEDGER,
                    correlation_id="req_test", recorded_at=clock.now(),
                )  # fmt: skip
        return code

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Go round Python: a statement as the application's database role."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
