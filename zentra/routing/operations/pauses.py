"""Stopping outgoing money at once, and letting another person start it again."""

from datetime import datetime

from django.db import connection

from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.ids import new_uuid, to_uuid
from zentra.routing.models import OutgoingPause
from zentra.routing.queries import find_rail, read_pause
from zentra.routing.types import PauseRecord

LONGEST_REASON = 500


class ReasonNeeded(DomainError):
    """A pause without a reason, or with a novel for one."""

    code = "pause_reason_needed"
    status = 422
    title = "A pause needs a reason of 1 to 500 characters"


class AlreadyPaused(DomainError):
    """This scope stands still already; ``extra`` says by whom and since when."""

    code = "already_paused"
    status = 409
    title = "Outgoing money is paused already"


class NotPaused(DomainError):
    """There is nothing to resume; it may just have been."""

    code = "not_paused"
    status = 409
    title = "Outgoing money is not paused"


class PausedBySamePerson(DomainError):
    """Whoever paused cannot resume: it takes a second person."""

    code = "paused_by_same_person"
    status = 403
    title = "A second person must resume"


class ResumeNeedsPerson(DomainError):
    """A key or a service cannot be the second person."""

    code = "resume_needs_person"
    status = 403
    title = "Only a signed-in person can resume"


def pause_outgoing(*, rail: str | None, reason: str, actor: Actor, now: datetime) -> PauseRecord:
    """Stop outgoing money over a rail (id or name), or with None of the whole workspace.

    It holds for every route that is chosen after this transaction's commit; what was sent before takes its course.
    ``reason`` is kept and recorded for ever: never personal data. Raises ReasonNeeded, RailUnknown, AlreadyPaused.
    """
    words = reason.strip()
    if not 1 <= len(words) <= LONGEST_REASON:
        raise ReasonNeeded
    found = find_rail(rail=rail) if rail is not None else None
    pause = PauseRecord(
        id=str(new_uuid()),
        rail_id=found.id if found else None,
        rail=found.name if found else None,
        reason=words,
        paused_by=actor.id,
        paused_at=now,
    )
    with connection.cursor() as cursor:
        rail_uuid = to_uuid(found.id, prefix="rail") if found else None
        cursor.execute(
            "INSERT INTO routing_outgoing_pause (id, rail_id, reason, paused_by, paused_at, resume_reason)"
            " VALUES (%s, %s, %s, %s, %s, '') ON CONFLICT DO NOTHING",
            [pause.id, rail_uuid, words, actor.id, now],
        )
        if cursor.rowcount == 1:
            return pause
    raise _already(pause)


def resume_outgoing(*, rail: str | None, actor: Actor, now: datetime, reason: str = "") -> PauseRecord:
    """End a pause; ``reason`` may be left out. Raises RailUnknown, NotPaused, PausedBySamePerson, ResumeNeedsPerson."""
    words = reason.strip()[:LONGEST_REASON]
    rail_id = find_rail(rail=rail).id if rail is not None else None
    pause = _find_open(rail_id)
    if pause is None:
        raise NotPaused
    if actor.kind != "user":
        raise ResumeNeedsPerson
    if pause.paused_by == actor.id:
        raise PausedBySamePerson(paused_by=pause.paused_by, paused_at=pause.paused_at.isoformat())
    still_open = OutgoingPause.objects.filter(id=pause.id, resumed_at=None)
    if still_open.update(resumed_by=actor.id, resumed_at=now, resume_reason=words) != 1:
        # Somebody else resumed it between our read and our write.
        raise NotPaused
    pause.resumed_by, pause.resumed_at, pause.resume_reason = actor.id, now, words
    return read_pause(pause)


def _find_open(rail_id: str | None) -> OutgoingPause | None:
    """The open pause of exactly this scope."""
    pauses = OutgoingPause.objects.select_related("rail").filter(resumed_at=None)
    return (pauses.filter(rail=None) if rail_id is None else pauses.filter(rail_id=rail_id)).first()


def _already(pause: PauseRecord) -> AlreadyPaused:
    first = _find_open(pause.rail_id)
    if first is None:
        # It was resumed in this very moment: pausing again is the caller's decision, not ours.
        return AlreadyPaused(scope=pause.scope)
    return AlreadyPaused(
        f"Paused by {first.paused_by} at {first.paused_at.isoformat()}.",
        scope=pause.scope,
        paused_by=first.paused_by,
        paused_at=first.paused_at.isoformat(),
    )
