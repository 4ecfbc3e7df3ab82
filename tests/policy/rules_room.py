"""Rule sets as the tests speak to them: each call is a unit of work of its own, committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from policy import operations as policy
from policy.decisions.queries import find_decision
from policy.rules.defaults import DEFAULT_RULES
from policy.rulesets import operations, queries
from policy.rulesets.types import DraftRecord, RuleSetRecord
from policy.subjects import Subject
from policy.types import DecisionRecord, StoredDecision
from tests.people import Person
from tests.policy.desk import Desk
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work

T = TypeVar("T")


def document(*rules: dict[str, Any], limits: list[dict[str, Any]] | None = None, **settings: Any) -> dict[str, Any]:
    """A rule set of these rules."""
    return {"schema": 2, "settings": settings, "rules": list(rules), "limits": limits or []}


def rule(name: str, when: dict[str, Any], *, action: str = "review", **more: Any) -> dict[str, Any]:
    """A rule."""
    return {"name": name, "action": action, "reason": f"says {name}", "when": when, **more}


def over(amount: int) -> dict[str, Any]:
    """The amount is more than this."""
    return {"op": "gt", "field": "amount_minor", "value": amount}


def with_single_limit(amount: int) -> dict[str, Any]:
    """The default rules with another limit of one intent."""
    changed: dict[str, Any] = json.loads(json.dumps(DEFAULT_RULES))
    changed["rules"][1]["when"]["value"] = amount
    return changed


@dataclass(frozen=True)
class Room:
    """The rules of one workspace."""

    ws: TenantRef

    def do(self, operation: Callable[..., T], **words: Any) -> T:
        """One operation, committed, now unless it says when."""
        with tenant_work(self.ws):
            return operation(**{"now": clock.now(), **words})

    def ask(self, query: Callable[..., T], **words: Any) -> T:
        """One query."""
        with tenant_work(self.ws):
            return query(**words)

    def draft(self, by: Person, written: dict[str, Any] | None = None, **words: Any) -> DraftRecord:
        """A new draft."""
        return self.do(operations.create_draft, name="A draft", document=written, actor=by.actor(), **words)

    def validated(self, by: Person, written: dict[str, Any]) -> DraftRecord:
        """A draft that passed every check."""
        return self.do(operations.validate_draft, draft_id=self.draft(by, written).id, actor=by.actor())

    def publish(self, written: dict[str, Any], *, maker: Person, checker: Person) -> RuleSetRecord:
        """Rules in force."""
        draft = self.validated(maker, written)
        return self.do(operations.publish_draft, draft_id=draft.id, actor=checker.actor(), note="seen")

    def draft_now(self, draft: DraftRecord) -> DraftRecord:
        """The draft as it stands."""
        return self.ask(queries.get_draft, draft_id=draft.id)

    def put(self, written: dict[str, Any]) -> int:
        """Rules in force without their way: the number of the version."""
        [(number,)] = Desk(self.ws).sql(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by)"
            " SELECT max(version) + 1, %s, now(), 'usr_admin' FROM policy_rule_set RETURNING version",
            [json.dumps(written)],
        )
        return int(number)

    def decide(self, amount: int, *, at: datetime | None = None, **fields: Any) -> DecisionRecord:
        """A decision, kept."""
        words: dict[str, Any] = {"intent_id": ids.new_id("intent"), "kind": "payment", "currency": "USD"} | fields
        subject = Subject(amount_minor=amount, **{"customer": None, **words})
        with tenant_work(self.ws):
            return policy.decide(subject=subject, actor=actors.POLICY, now=at or clock.now())

    def stored(self, intent_id: str) -> StoredDecision:
        """The decision as it was kept."""
        found = self.ask(find_decision, intent_id=intent_id)
        assert found is not None
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """The data of each event of a type, in order."""
        rows = Desk(self.ws).sql("SELECT body FROM evidence_event WHERE type = %s ORDER BY id", [name])
        return [json.loads(bytes(body))["data"] for (body,) in rows]
