"""Reads of decisions and of the review queue."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policy.types import ReviewRecord, StoredDecision
from zentra.core import ids

_COLUMNS: Final = ", ".join(field.name for field in fields(ReviewRecord))


def get_review(*, intent_id: str) -> ReviewRecord:
    """The review of an intent; raises LookupError when it has none."""
    found = _select("WHERE intent_id = %s", [intent_id])
    if not found:
        raise LookupError(intent_id)
    return found[0]


def find_review(*, intent_id: str) -> ReviewRecord | None:
    """The review of an intent, or None."""
    return next(iter(_select("WHERE intent_id = %s", [intent_id])), None)


def list_open_reviews(*, rule: str | None = None, owner: str | None = None, limit: int = 200) -> list[ReviewRecord]:
    """The open queue, oldest first."""
    return _select(
        "WHERE state = 'open' AND (%s::text IS NULL OR rule = %s) AND (%s::text IS NULL OR owner = %s)"
        " ORDER BY opened_at, id LIMIT %s",
        [rule, rule, owner, owner, limit],
    )


def list_closed_reviews(*, limit: int = 50, before: tuple[datetime, str] | None = None) -> list[ReviewRecord]:
    """Decided reviews, newest decision first; ``before`` is the last row's (decided_at, id)."""
    moment, review_id = before or (None, None)
    return _select(
        "WHERE state <> 'open' AND (%s::timestamptz IS NULL OR (decided_at, id) < (%s, %s::uuid))"
        " ORDER BY decided_at DESC, id DESC LIMIT %s",
        [moment, moment, ids.to_uuid(review_id, prefix="rev") if review_id else None, limit],
    )


def count_open_reviews() -> tuple[int, datetime | None]:
    """How many are open, and since when the oldest waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(opened_at) FROM policy_review WHERE state = 'open'")
        count, oldest = cursor.fetchone()
    return count, oldest


def count_open_by_rule() -> list[tuple[str, int]]:
    """Open reviews per rule, most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rule, count(*) FROM policy_review WHERE state = 'open' GROUP BY rule ORDER BY count(*) DESC, rule"
        )
        return list(cursor.fetchall())


def reviews_of_intents(*, intent_ids: list[str]) -> dict[str, ReviewRecord]:
    """The reviews of a page of intents, by intent."""
    return {review.intent_id: review for review in _select("WHERE intent_id = ANY(%s)", [intent_ids])}


def find_decision(*, intent_id: str) -> StoredDecision | None:
    """The latest decision about an intent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, intent_id, rule_set, outcome, lane, rules, decided_at, actor FROM policy_decision"
            " WHERE intent_id = %s ORDER BY decided_at DESC, id DESC LIMIT 1",
            [intent_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    decision_id, intent, rule_set, outcome, lane, rules, decided_at, actor = row
    return StoredDecision(
        ids.to_public("dec", decision_id), intent, rule_set, outcome, lane, _json(rules), decided_at, _json(actor)
    )


def live_rule_set() -> tuple[int, dict[str, Any], datetime, str]:
    """The live rules: version, document, when and by whom they were published."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version, rules, published_at, published_by FROM policy_rule_set ORDER BY version DESC LIMIT 1"
        )
        version, rules, published_at, published_by = cursor.fetchone()
    return version, _json(rules), published_at, published_by


def _select(tail: str, values: list[Any]) -> list[ReviewRecord]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM policy_review {tail}", values)  # noqa: S608  # constant text of this module
        return [_record(row) for row in cursor.fetchall()]


def _record(row: tuple[Any, ...]) -> ReviewRecord:
    review_id, intent_id, decision_id, *rest = row
    return ReviewRecord(ids.to_public("rev", review_id), intent_id, ids.to_public("dec", decision_id), *rest)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value
