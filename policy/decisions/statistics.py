"""How often rules held lately."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

MOST_DECISIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class RuleHits:
    """How often each rule held in the newest decisions. ``is_whole`` says whether those are all since the moment."""

    counts: dict[str, int]
    decisions: int
    is_whole: bool


def count_rule_hits(*, since: datetime, most: int = MOST_DECISIONS) -> RuleHits:
    """By rule, in the decisions since a moment, the newest ``most`` of them: the cost is bounded however many came."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH recent AS MATERIALIZED (SELECT rules FROM policy_decision WHERE decided_at >= %s"
            "  ORDER BY decided_at DESC, id DESC LIMIT %s)"
            " SELECT (SELECT count(*) FROM recent), NULL, NULL"
            " UNION ALL SELECT NULL, r->>'rule', count(*) FROM recent, jsonb_array_elements(rules) r"
            "  WHERE r->>'outcome' IN ('noted', 'review', 'blocked', 'declined') GROUP BY r->>'rule'",
            [since, most],
        )
        rows = cursor.fetchall()
    decisions = next(int(number) for number, name, _ in rows if name is None)
    return RuleHits({name: int(count) for _, name, count in rows if name}, decisions, decisions < most)
