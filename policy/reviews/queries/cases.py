"""Cases: one, several, a page of them, and how many."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal

from django.db import connection

from policy.reviews import store
from policy.reviews.filters import where_of
from policy.reviews.types import QUEUE_OWNER, ReviewAlert, ReviewCounts, ReviewFilter, ReviewRecord
from zentra.core import ids

MOST: Final = 200
_COUNTED: Final = {"rule": "r.rule", "kind": "r.case_kind", "case_kind": "r.case_kind", "queue": "r.queue"}


def get_review(*, review_id: str) -> ReviewRecord:
    """The case of an id ``rev_…``; raises NoSuchReview."""
    return store.get(review_id)


def find_review(*, intent_id: str) -> ReviewRecord | None:
    """The case that holds an intent, or held it."""
    return next(iter(store.select("WHERE case_kind = 'intent' AND intent_id = %s", [intent_id])), None)


def find_open_case(*, kind: str, subject: str) -> ReviewRecord | None:
    """The open case of a subject, or None."""
    found = store.select("WHERE case_kind = %s AND subject = %s AND state = 'open'", [kind, subject])
    return next(iter(found), None)


def find_alert(*, kind: str, reference: str) -> ReviewAlert | None:
    """The open alert that points at something, the newest one; or None."""
    found = store.select_alerts(
        "WHERE kind = %s AND reference = %s AND state = 'open' AND review_id IN"
        " (SELECT id FROM policy_review WHERE state = 'open') ORDER BY raised_at DESC, id DESC LIMIT 1",
        [kind, reference],
    )
    return next(iter(found), None)


def reviews_by_id(*, review_ids: Sequence[str]) -> dict[str, ReviewRecord]:
    """The cases of these ids; what is no id of a case here is left out."""
    keys = []
    for review_id in review_ids:
        try:
            keys.append(ids.to_uuid(review_id, prefix="rev"))
        except ids.BadId:
            continue
    return {review.id: review for review in store.select("WHERE id = ANY(%s)", [keys])} if keys else {}


def reviews_of_intents(*, intent_ids: Sequence[str]) -> dict[str, ReviewRecord]:
    """The cases that hold or held a page of intents, by intent."""
    found = store.select("WHERE case_kind = 'intent' AND intent_id = ANY(%s)", [list(intent_ids)])
    return {review.intent_id: review for review in found}


def list_reviews(
    *,
    where: ReviewFilter,
    now: datetime,
    before: tuple[datetime, str] | None = None,
    limit: int = MOST,
) -> list[ReviewRecord]:
    """A page of cases. Open ones the most urgent first: breached, then by ``due_at``; closed ones newest first.

    ``before`` is the last row's (due_at, id), or (decided_at, id) of a closed one.
    """
    condition, values = where_of(where, now=now)
    is_closed = where.state is not None and where.state != "open"
    if before is not None:
        moment, review_id = before
        key = ids.to_uuid(review_id, prefix="rev")
        if is_closed:
            condition += " AND (r.decided_at, r.id) < (%s, %s)"
            values += [moment, key]
        else:
            # The last row tells whether the page ended among the breached; they come first.
            condition += (
                " AND (r.breached_at IS NULL, r.due_at, r.id) >"
                " (SELECT l.breached_at IS NULL, %s::timestamptz, l.id FROM policy_review l WHERE l.id = %s)"
            )
            values += [moment, key]
    order = "r.decided_at DESC, r.id DESC" if is_closed else "r.breached_at IS NULL, r.due_at, r.id"
    return store.select(f"r WHERE {condition} ORDER BY {order} LIMIT %s", [*values, min(limit, MOST)])


def list_open_reviews(*, rule: str | None = None, owner: str | None = None, limit: int = MOST) -> list[ReviewRecord]:
    """The open cases that hold intents, oldest first."""
    return store.select(
        "WHERE state = 'open' AND case_kind = 'intent' AND (%s::text IS NULL OR rule = %s)"
        " AND (%s::text IS NULL OR owner = %s) ORDER BY opened_at, id LIMIT %s",
        [rule, rule, owner, owner, limit],
    )


def list_closed_reviews(*, limit: int = 50, before: tuple[datetime, str] | None = None) -> list[ReviewRecord]:
    """Decided cases that held intents, newest decision first; ``before`` is the last row's (decided_at, id)."""
    moment, review_id = before or (None, None)
    return store.select(
        "WHERE state <> 'open' AND case_kind = 'intent' AND (%s::timestamptz IS NULL OR (decided_at, id)"
        " < (%s, %s::uuid)) ORDER BY decided_at DESC, id DESC LIMIT %s",
        [moment, moment, ids.to_uuid(review_id, prefix="rev") if review_id else None, limit],
    )


def count_open_reviews() -> tuple[int, datetime | None]:
    """How many cases are open, of every kind, and since when the oldest waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(opened_at) FROM policy_review WHERE state = 'open'")
        count, oldest = cursor.fetchone()
    return count, oldest


def count_open_of(*, owners: Collection[str], queue: str) -> int:
    """How many open cases of a queue these people own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM policy_review WHERE state = 'open' AND queue = %s AND owner = ANY(%s)",
            [queue, list(owners)],
        )
        return int(cursor.fetchone()[0])


def count_open_by_rule() -> list[tuple[str, int]]:
    """Open cases that hold intents, per rule, most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rule, count(*) FROM policy_review WHERE state = 'open' AND case_kind = 'intent'"
            " GROUP BY rule ORDER BY count(*) DESC, rule"
        )
        return list(cursor.fetchall())


def count_reviews(*, user_id: str, now: datetime) -> ReviewCounts:
    """How many open cases there are, and how they stand to one person, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH open AS (SELECT *, coalesce(claimed_until > %(now)s, false) AS is_claimed,"
            " coalesce(snoozed_until > %(now)s, false) AS is_snoozed FROM policy_review WHERE state = 'open')"
            " SELECT count(*), count(*) FILTER (WHERE NOT is_snoozed AND (NOT is_claimed OR claimed_by = %(user)s)),"
            " count(*) FILTER (WHERE owner = %(user)s OR (is_claimed AND claimed_by = %(user)s)),"
            " count(*) FILTER (WHERE approvals_needed > 1"
            "   AND EXISTS (SELECT 1 FROM policy_review_approval a WHERE a.review_id = open.id)),"
            " count(*) FILTER (WHERE is_snoozed), count(*) FILTER (WHERE is_claimed AND claimed_by <> %(user)s),"
            " count(*) FILTER (WHERE breached_at IS NOT NULL), min(opened_at) FROM open",
            {"now": now, "user": user_id},
        )
        return ReviewCounts(*cursor.fetchone())


def count_reviews_by(
    *, column: Literal["rule", "kind", "case_kind", "queue"], where: ReviewFilter, now: datetime
) -> list[tuple[str, int]]:
    """How many cases there are per rule, kind of case or queue, most first."""
    condition, values = where_of(where, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COUNTED[column]}, count(*) FROM policy_review r WHERE {condition}"  # noqa: S608  # constant texts
            " GROUP BY 1 ORDER BY count(*) DESC, 1",
            values,
        )
        return list(cursor.fetchall())


def related_reviews(*, review: ReviewRecord, limit: int = 20) -> list[ReviewRecord]:
    """Other cases of the same subject, intent or party, and of the same customer's last intents; newest first."""
    return store.select(
        "WHERE id <> %(id)s AND id IN ("
        "(SELECT id FROM policy_review WHERE case_kind = %(kind)s AND subject = %(subject)s AND subject <> ''"
        "  ORDER BY opened_at DESC LIMIT %(limit)s)"
        " UNION ALL (SELECT id FROM policy_review WHERE intent_id = %(intent)s)"
        " UNION ALL (SELECT id FROM policy_review WHERE party_id = %(party)s ORDER BY opened_at DESC LIMIT %(limit)s)"
        " UNION ALL (SELECT r.id FROM (SELECT m.intent_id FROM policy_movement m WHERE m.customer ="
        "  (SELECT customer FROM policy_movement WHERE intent_id = %(intent)s) ORDER BY m.at DESC LIMIT %(recent)s) c"
        "  JOIN policy_review r ON r.intent_id = c.intent_id)"
        ") ORDER BY opened_at DESC, id DESC LIMIT %(limit)s",
        {
            "id": ids.to_uuid(review.id, prefix="rev"), "kind": review.case_kind, "subject": review.subject,
            "intent": review.intent_id or None, "party": review.party_id or None, "recent": MOST,
            "limit": min(limit, MOST) + 1,
        },
    )[:limit]  # fmt: skip


def count_owned_by_queue() -> tuple[int, datetime | None]:
    """How many open cases have no person as owner, and since when the oldest of them waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(opened_at) FROM policy_review WHERE state = 'open' AND owner = %s", [QUEUE_OWNER]
        )
        count, oldest = cursor.fetchone()
    return count, oldest


def count_breached() -> tuple[int, datetime | None]:
    """How many open cases breached their time limit, and when the first of them was due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(due_at) FROM policy_review WHERE state = 'open' AND breached_at IS NOT NULL"
        )
        count, oldest = cursor.fetchone()
    return count, oldest


def was_decided_since(*, kind: str, subjects: Sequence[str], since: datetime) -> frozenset[str]:
    """Which of these subjects have an open case, or one that was ended since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT subject FROM policy_review WHERE case_kind = %s AND subject = ANY(%s)"
            " AND (state = 'open' OR decided_at >= %s)",
            [kind, list(subjects), since],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def open_subjects(*, kind: str, limit: int) -> list[str]:
    """The subjects of the open cases of a kind, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject FROM policy_review WHERE case_kind = %s AND state = 'open' ORDER BY opened_at, id LIMIT %s",
            [kind, limit],
        )
        return [row[0] for row in cursor.fetchall()]
