"""Reads of decisions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection

from policy.decisions.errors import NoSuchDecision
from policy.rulesets.queries import list_rule_sets, live_rule_set, rule_set_document
from policy.types import StoredDecision
from zentra.core import ids

__all__ = [
    "DecisionFilter",
    "decisions_between",
    "find_decision",
    "get_decision",
    "list_decisions",
    "list_rule_sets",
    "live_rule_set",
    "rule_set_document",
]
_COLUMNS: Final = (
    "id, intent_id, rule_set, outcome, lane, rules, decided_at, actor, score, gate, tags, four_eyes, facts, duration_us"
)


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions; what is None leaves none out. ``rule`` is the one that held or declined; ``text`` is the id of
    a decision or an intent."""

    outcome: str | None = None
    lane: str | None = None
    rule: str | None = None
    rule_set: int | None = None
    text: str | None = None


def find_decision(*, intent_id: str) -> StoredDecision | None:
    """The latest decision about an intent."""
    return next(iter(_select("intent_id = %s", [intent_id], 1)), None)


def get_decision(*, decision_id: str) -> StoredDecision:
    """One decision; raises NoSuchDecision."""
    try:
        found = _select("id = %s::uuid", [ids.to_uuid(decision_id, prefix="dec")], 1)
    except ids.BadId:
        found = []
    if not found:
        raise NoSuchDecision(f"There is no decision {decision_id[:40]!r}.")
    return found[0]


def list_decisions(
    *, where: DecisionFilter | None = None, before: tuple[datetime, str] | None = None, limit: int = 50
) -> list[StoredDecision]:
    """Decisions, newest first; ``before`` is the (decided_at, id) of the last row of the page before."""
    asked = where or DecisionFilter()
    conditions: list[str] = []
    values: list[Any] = []
    for column, value in (
        ("outcome", asked.outcome), ("lane", asked.lane), ("gate", asked.rule), ("rule_set", asked.rule_set),
    ):  # fmt: skip
        if value is not None:
            conditions.append(f"{column} = %s")
            values.append(value)
    if asked.text:
        condition, value = _by_text(asked.text.strip())
        conditions.append(condition)
        values.append(value)
    if before is not None:
        conditions.append("(decided_at, id) < (%s, %s::uuid)")
        values += [before[0], ids.to_uuid(before[1], prefix="dec")]
    return _select(" AND ".join(conditions) or "true", values, limit)


def decisions_between(
    *, since: datetime, until: datetime, after: tuple[datetime, str] | tuple[()] = (), limit: int = 100
) -> list[StoredDecision]:
    """Decisions of a span, oldest first; ``after`` is the (decided_at, id) of the last of the batch before."""
    moment, decision_id = after or (since, None)
    last = ids.to_uuid(decision_id, prefix="dec") if decision_id else None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM policy_decision WHERE decided_at >= %s AND decided_at < %s"  # noqa: S608  # ours
            " AND (%s::uuid IS NULL OR (decided_at, id) > (%s, %s::uuid)) ORDER BY decided_at, id LIMIT %s",
            [moment, until, last, moment, last, limit],
        )
        return [_record(row) for row in cursor.fetchall()]


def _by_text(text: str) -> tuple[str, Any]:
    try:
        return "id = %s::uuid", ids.to_uuid(text, prefix="dec")
    except ids.BadId:
        # Exact, not by its beginning: the index on the intent's id serves this.
        return "intent_id = %s", text


def _select(condition: str, values: list[Any], limit: int) -> list[StoredDecision]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM policy_decision WHERE {condition}"  # noqa: S608  # conditions of this module
            " ORDER BY decided_at DESC, id DESC LIMIT %s",
            [*values, limit],
        )
        return [_record(row) for row in cursor.fetchall()]


def _record(row: tuple[Any, ...]) -> StoredDecision:
    decision_id, intent, rule_set, outcome, lane, rules, decided_at, actor, score, gate, tags, four_eyes, facts, us = (
        row
    )
    return StoredDecision(
        ids.to_public("dec", decision_id), intent, rule_set, outcome, lane, _json(rules), decided_at, _json(actor),
        score, gate, tuple(tags), four_eyes, _json(facts), us,
    )  # fmt: skip


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
