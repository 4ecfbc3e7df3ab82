"""Between screening and the desk: hits and findings open a case of compliance, or join it. One case for one subject."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection

from policy.reviews.operations import open_case, resolve_alert
from policy.reviews.types import AlertWord, NewAlert
from policy.screening import store
from policy.screening.types import HitRecord
from zentra.core import actors, ids
from zentra.core.actors import Actor

HIT_ALERT: Final = "sanctions.hit"


def open_hits_case(*, party_id: str, hits: Sequence[HitRecord], now: datetime) -> None:
    """Tell the desk of new hits; their words name no person."""
    for hit in hits:
        raise_alert(
            subject=party_id,
            party_id=party_id,
            alert=NewAlert(
                kind="screening",
                name=HIT_ALERT,
                words=f"{hit.score} of 100 against entry {hit.entry_uid}",
                score=hit.score,
                reference=hit.id,
            ),
            now=now,
        )


def raise_alert(*, subject: str, party_id: str, alert: NewAlert, now: datetime) -> str:
    """Open the subject's case in the compliance queue, or join it; returns the case's id."""
    review = open_case(
        kind="alert", subject=subject, queue="compliance", alert=alert, maker=actors.POLICY.id, party_id=party_id,
        now=now,
    )  # fmt: skip
    return review.id


def resolve_alert_of(*, hit_id: str, party_id: str, state: AlertWord, note: str, actor: Actor, now: datetime) -> bool:
    """Give the word on a hit to the case where it waits, which hands it back; False when no case waits for it."""
    store.lock_cases([party_id])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id FROM policy_review_alert a JOIN policy_review r ON r.id = a.review_id"
            " WHERE a.kind = 'screening' AND a.reference = %s AND a.state = 'open' AND r.state = 'open'",
            [hit_id],
        )
        found = cursor.fetchone()
    if found is None:
        return False
    resolve_alert(alert_id=ids.to_public("rva", found[0]), state=state, note=note, actor=actor, now=now)
    return True
