"""A person's word on one alert of a case."""

from datetime import datetime

from django.db import connection

from policy.reviews import codes, events, people, store
from policy.reviews.errors import NoSuchReview
from policy.reviews.registry import resolver_of
from policy.reviews.types import AlertWord, ReviewAlert
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError


class NoSuchAlert(NoSuchReview):
    """There is no such alert."""

    code = "review_alert_not_found"
    title = "There is no such alert"


class AlertAlreadyResolved(DomainError):
    """Somebody resolved the alert; ``resolved_by`` and ``state`` say who and how."""

    code = "review_alert_resolved"
    status = 409
    title = "This alert has been resolved"


class InvalidAlertState(DomainError):
    """An alert is cleared or confirmed."""

    code = "invalid_alert_state"
    status = 422
    title = "An alert is cleared or confirmed"


def resolve_alert(
    *, alert_id: str, state: AlertWord, note: str, actor: Actor, now: datetime, version: int | None = None
) -> ReviewAlert:
    """Clear or confirm one alert. Whoever does has changed the case: they are not its second approver.

    The app that raised it is told in the same transaction. Recorded as ``review.alert_resolved``.

    Raises NoSuchAlert, NoSuchReview, ReviewAlreadyDecided, StaleReview, ReviewClaimed, RoleCannotDecide,
    MakerCannotDecide, AlertAlreadyResolved, InvalidAlertState, ReasonRequired, and what the app's resolver raises.
    """
    if state not in ("cleared", "confirmed"):
        raise InvalidAlertState("Say cleared or confirmed.")
    words = codes.check_words(note)
    review = store.lock_open(_find(alert_id).review_id, version=version)
    people.check_may_decide(review, actor)
    store.check_not_claimed_by_another(review, actor, now)
    alert = _find(alert_id)
    if alert.state != "open":
        raise AlertAlreadyResolved(f"{alert.resolved_by} {alert.state} it.", state=alert.state, by=alert.resolved_by)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_review_alert SET state = %s, resolved_at = %s, resolved_by = %s, note = %s WHERE id = %s",
            [state, now, actor.id, words, ids.to_uuid(alert.id, prefix="rva")],
        )
    changed = store.change(review, actor=actor, at=now, edited_by=actor.id, **store.renewed(review, actor, now))
    store.keep_step(review.id, f"alert_{state}", actor=actor, at=now, after=alert.name, words=words)
    events.record(
        "alert_resolved", changed, actor=actor, now=now, alert_id=alert.id, alert_kind=alert.kind,
        alert_name=alert.name, state=state,
    )  # fmt: skip
    resolver = resolver_of(alert.kind)
    if resolver is not None:
        resolver(reference=alert.reference, state=state, note=words, actor=actor, now=now)
    return _find(alert_id)


def _find(alert_id: str) -> ReviewAlert:
    try:
        key = ids.to_uuid(alert_id, prefix="rva")
    except ids.BadId as error:
        raise NoSuchAlert(f"There is no alert {alert_id[:80]!r}.") from error
    found = store.select_alerts("WHERE id = %s", [key])
    if not found:
        raise NoSuchAlert(f"There is no alert {alert_id[:80]!r} in this workspace.")
    return found[0]
