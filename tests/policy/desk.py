"""Policy as the tests speak to it: each call is a unit of work of its own, committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from policy import operations, queries
from policy.reviews import operations as reviews
from policy.rules import Subject
from policy.types import DecisionRecord, ReviewRecord, StoredDecision
from zentra.core import actors, clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

LIMIT = 4_000_000
"""limit.single_intent in USD minor units, from the rules that every workspace starts with."""

CAP = 20_000_000
"""limit.outgoing_24h in USD minor units."""


@dataclass(frozen=True)
class Desk:
    """Policy of one workspace."""

    ws: TenantRef

    def decide(
        self,
        amount: int,
        *,
        currency: str = "USD",
        customer: str | None = None,
        intent_id: str | None = None,
        at: datetime | None = None,
    ) -> DecisionRecord:
        """A decision, kept."""
        subject = Subject(intent_id or ids.new_id("intent"), "payment", amount, currency, customer)
        with tenant_work(self.ws):
            return operations.decide(subject=subject, actor=actors.POLICY, now=at or clock.now())

    def hold(self, *, maker: str = "key_maker", amount: int = LIMIT + 1, intent_id: str | None = None) -> ReviewRecord:
        """An open review of an intent over the limit."""
        decision = self.decide(amount, intent_id=intent_id)
        with tenant_work(self.ws):
            return operations.open_review(decision=decision, maker=maker, now=clock.now())

    def close(self, review: ReviewRecord, actor: Actor, *, approve: bool = True, reason: str = "seen") -> ReviewRecord:
        """A person's word."""
        said: dict[str, Any] = {"review_id": review.id, "actor": actor, "note": reason, "now": clock.now()}
        with tenant_work(self.ws):
            if approve:
                return reviews.give_approval(reason_code="other_approve", **said).review
            return reviews.decline_review(reason_code="other_decline", **said)

    def review(self, intent_id: str) -> ReviewRecord:
        """The review as it stands."""
        with tenant_work(self.ws):
            found = queries.find_review(intent_id=intent_id)
        assert found is not None
        return found

    def stored(self, intent_id: str) -> StoredDecision:
        """The decision as it was kept."""
        with tenant_work(self.ws):
            found = queries.find_decision(intent_id=intent_id)
        assert found is not None
        return found

    def release(self, intent_id: str) -> None:
        """Give back what an intent holds of its limits."""
        with tenant_work(self.ws):
            operations.release_limits(intent_id=intent_id, now=clock.now())

    def used(self, customer: str) -> int:
        """What of a customer's rolling limit is held now, in minor units."""
        [(used,)] = self.sql(
            "SELECT coalesce(sum(amount_minor), 0) FROM policy_movement"
            " WHERE customer = %s AND state IN ('confirmed', 'reserved')",
            [customer],
        )
        return int(used)

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Go round Python: a statement as the application's database role."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
