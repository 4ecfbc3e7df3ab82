"""The rows of cases: read, locked, changed, with each step kept. Private to the review queue."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policy.reviews.errors import NoSuchReview, already_decided, claimed, stale
from policy.reviews.times import lease
from policy.reviews.types import ReviewAlert, ReviewRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.db.hot import defer_hot

_COLUMNS: Final = tuple(field.name for field in fields(ReviewRecord))
_EMPTY: Final = {
    "intent_id": "coalesce(intent_id, '')",
    "party_id": "coalesce(party_id, '')",
    "amount_minor": "coalesce(amount_minor, 0)",
    "currency": "coalesce(currency, '')",
}
_SELECT: Final = f"SELECT {', '.join(_EMPTY.get(name, name) for name in _COLUMNS)} FROM policy_review "  # noqa: S608  # our own columns
_ALERT_COLUMNS: Final = tuple(field.name for field in fields(ReviewAlert))
_SELECT_ALERTS: Final = f"SELECT {', '.join(_ALERT_COLUMNS)} FROM policy_review_alert "  # noqa: S608  # our own columns


def select(tail: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[ReviewRecord]:
    """The cases of a constant tail of SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + tail, values)
        return [_record(row) for row in cursor.fetchall()]


def _record(row: Sequence[Any]) -> ReviewRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["id"] = ids.to_public("rev", values["id"])
    values["decision_id"] = ids.to_public("dec", values["decision_id"]) if values["decision_id"] else ""
    return ReviewRecord(**values)


def select_alerts(tail: str, values: Sequence[Any] = ()) -> list[ReviewAlert]:
    """The alerts of a constant tail of SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_ALERTS + tail, values)
        return [
            ReviewAlert(ids.to_public("rva", alert_id), ids.to_public("rev", review_id), *rest)
            for alert_id, review_id, *rest in cursor.fetchall()
        ]


def find(review_id: str) -> ReviewRecord | None:
    """The case of an id ``rev_…``, or None."""
    try:
        key = ids.to_uuid(review_id, prefix="rev")
    except ids.BadId:
        return None
    return next(iter(select("WHERE id = %s", [key])), None)


def get(review_id: str) -> ReviewRecord:
    """The case of an id; raises NoSuchReview."""
    found = find(review_id)
    if found is None:
        raise NoSuchReview(f"There is no review {review_id[:80]!r} in this workspace.")
    return found


def lock(review_id: str) -> ReviewRecord:
    """The case, held by us until the transaction ends; raises NoSuchReview.

    The lock is a statement of its own, so that the read after it sees what the holder before us committed.
    """
    try:
        key = ids.to_uuid(review_id, prefix="rev")
    except ids.BadId:
        return get(review_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM policy_review WHERE id = %s FOR UPDATE", [key])
    return get(review_id)


def lock_open(review_id: str, *, version: int | None = None) -> ReviewRecord:
    """The open case, held by us; raises NoSuchReview, ReviewAlreadyDecided, StaleReview."""
    review = lock(review_id)
    if not review.is_open:
        raise already_decided(review)
    if version is not None and version != review.version:
        raise stale(review)
    return review


def holder(review: ReviewRecord, now: datetime) -> str | None:
    """Who works on the case now. A lease that ends too far ahead was given by a clock that went back since."""
    if review.claimed_until is None or not now < review.claimed_until <= now + 2 * lease():
        return None
    return review.claimed_by


def check_not_claimed_by_another(review: ReviewRecord, actor: Actor, now: datetime) -> None:
    """Raises ReviewClaimed while somebody else works on it."""
    if holder(review, now) not in (None, actor.id):
        raise claimed(review)


def change(review: ReviewRecord, *, actor: Actor | None, at: datetime, **values: Any) -> ReviewRecord:
    """Write columns of a case that we hold locked; with ``actor`` it counts as a change that others must have seen."""
    if actor is not None:
        values |= {"changed_by": actor.id, "changed_at": at, "version": review.version + 1}
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE policy_review SET {', '.join(f'{name} = %s' for name in values)} WHERE id = %s",  # noqa: S608  # our own columns
            [*values.values(), ids.to_uuid(review.id, prefix="rev")],
        )
    return get(review.id)


def keep_step(
    review_id: str, what: str, *, actor: Actor, at: datetime, before: str = "", after: str = "", words: str = ""
) -> None:
    """Add a step to the history of a case."""
    defer_hot(
        "INSERT INTO policy_review_step (id, review_id, what, by, role, at, before, after, note)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            ids.new_uuid(), ids.to_uuid(review_id, prefix="rev"), what, actor.id, actor.role, at, before, after, words,
        ],
    )  # fmt: skip


FREE: Final[dict[str, None]] = {"claimed_by": None, "claim_id": None, "claimed_until": None}
"""The columns of a case on which nobody works."""


def renewed(review: ReviewRecord, actor: Actor, now: datetime) -> dict[str, Any]:
    """The lease that activity of its holder renews; nothing for anybody else's."""
    return {"claimed_until": now + lease()} if holder(review, now) == actor.id else {}
