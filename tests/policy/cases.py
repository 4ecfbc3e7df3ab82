"""The review queue as the tests speak to it: each call is a unit of work of its own, committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from policy.reviews import operations, queries
from policy.reviews.types import NewAlert, ReviewRecord
from policy.types import DecisionRecord
from tests.policy.desk import LIMIT, Desk
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work

T = TypeVar("T")
HIT = NewAlert("aml", "aml.structuring", "nine just under the limit", 92)


@dataclass(frozen=True)
class Cases:
    """The cases of one workspace."""

    ws: TenantRef

    def do(self, operation: Callable[..., T], **words: Any) -> T:
        """One operation, committed, now unless it says when."""
        with tenant_work(self.ws):
            return operation(**{"now": clock.now(), **words})

    def hold(
        self,
        *,
        maker: str = "key_maker",
        four_eyes: bool = False,
        alert: NewAlert | None = None,
        queue: str = "",
        customer: str | None = None,
    ) -> ReviewRecord:
        """The open case of an intent over the limit, with one more alert where it is given."""
        desk = Desk(self.ws)
        decision: DecisionRecord = replace(desk.decide(LIMIT + 1, customer=customer), four_eyes=four_eyes)
        with tenant_work(self.ws):
            review = operations.open_review(decision=decision, maker=maker, now=clock.now())
            if alert is not None:
                operations.add_alert(review=review, alert=alert, actor=actors.POLICY, now=clock.now())
            if queue:
                self._sql("UPDATE policy_review SET queue = %s WHERE id = %s", queue, review.id)
            return queries.get_review(review_id=review.id)

    def open(self, subject: str = "", **words: Any) -> ReviewRecord:
        """A case that moves no money."""
        said: dict[str, Any] = {
            "kind": "exception", "subject": subject or ids.new_id("req"), "queue": "operations", "maker": "svc_runtime",
            "alert": NewAlert("system", "callback.quarantined", "not readable"), "now": clock.now(),
        }  # fmt: skip
        with tenant_work(self.ws):
            return operations.open_case(**(said | words))

    def get(self, review: ReviewRecord) -> ReviewRecord:
        """The case as it stands."""
        with tenant_work(self.ws):
            return queries.get_review(review_id=review.id)

    def ask(self, query: Callable[..., T], **words: Any) -> T:
        """One query."""
        with tenant_work(self.ws):
            return query(**words)

    def steps(self, review: ReviewRecord) -> list[str]:
        """What was done about a case, in order."""
        return [step.what for step in self.ask(queries.steps_of, review_id=review.id)]

    def events(self, review: ReviewRecord) -> list[tuple[str, dict[str, Any]]]:
        """What was recorded about a case: types and data, in order."""
        rows = self.sql("SELECT body FROM evidence_event WHERE type LIKE 'review.%%' ORDER BY id")
        bodies = [json.loads(bytes(body)) for (body,) in rows]
        return [(body["type"], body["data"]) for body in bodies if body["data"]["review_id"] == review.id]

    def recorded(self, review: ReviewRecord, name: str) -> list[dict[str, Any]]:
        """The data of each event of a type about a case."""
        return [data for kind, data in self.events(review) if kind == f"review.{name}"]

    def late(self, review: ReviewRecord, *, due_at: datetime) -> None:
        """Let a case be due at another moment."""
        self.sql("UPDATE policy_review SET due_at = %s WHERE id = %s", [due_at, ids.to_uuid(review.id, prefix="rev")])

    def sql(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Go round Python: a statement as the application's database role."""
        return Desk(self.ws).sql(statement, values)

    def _sql(self, statement: str, value: Any, review_id: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [value, ids.to_uuid(review_id, prefix="rev")])
