"""What people do with a quarantined callback: correct it and have it applied, or let it rest."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import OperationalError

from policy.reviews.operations import settle_case
from webhooks.inbound import arrivals
from webhooks.inbound.arrivals import Arrival, Known, record
from webhooks.inbound.holding import CallbackApplyFailed
from webhooks.inbound.payload import find_contradiction
from webhooks.inbound.queries import read_quarantined
from webhooks.inbound.receiving import MAX_BODY_BYTES, decide, revise_later, too_large
from webhooks.inbound.schemes.types import Proven
from webhooks.inbound.types import QuarantineRecord
from webhooks.models import Callback, Quarantined
from webhooks.types import CallbackReceipt
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.ids import BadId

_LONGEST_NOTE: Final = 500


class NotQuarantined(DomainError):
    """There is no such callback in quarantine."""

    code = "callback_not_quarantined"
    status = 404
    title = "No such callback is quarantined"


class QuarantineClosed(DomainError):
    """Somebody decided this callback already, or the provider sent it again in order; the detail says which."""

    code = "quarantine_closed"
    status = 409
    title = "The callback was decided already"


class NoteNeeded(DomainError):
    """Who decides about a provider's message says why, in 1 to 500 characters."""

    code = "callback_note_needed"
    title = "Say why"


class RepairFailed(DomainError):
    """The corrected body can be read, but applying it failed like the first; nothing was changed."""

    code = "callback_repair_failed"
    status = 409
    title = "The corrected callback could not be applied"


class RepairContradicts(DomainError):
    """The correction says another outcome, reference or amount than the provider's own words, where they can be read.

    A person puts right how the provider said it, not what: only the provider can say something else.
    """

    code = "callback_repair_contradicts"
    status = 422
    title = "The correction says something else than the provider"


@dataclass(frozen=True, slots=True)
class _Held:
    """An open quarantine whose key row and own row are held by us."""

    row: Quarantined
    known: Known


def repair_callback(*, callback_id: str, body: bytes, actor: Actor, note: str, now: datetime) -> CallbackReceipt:
    """Apply a corrected body in place of a quarantined one, once, through the same path as a callback that comes.

    The original stays beside it, in the quarantine and with each arrival. ``callback_id`` is any arrival's id. The
    same body again is right after a failure that was ours. Recorded as ``callback.repaired`` with actor and note.

    Raises NotQuarantined, QuarantineClosed (also for the second of two who repair at once), NoteNeeded,
    CallbackTooLarge, MalformedCallback for a body that is still no callback, RepairContradicts, RepairFailed; nothing
    changed then.
    """
    held = _hold(callback_id, note)
    if len(body) > MAX_BODY_BYTES:
        raise too_large()
    contradicted = find_contradiction(bytes(held.row.body), body)
    if contradicted is not None:
        raise RepairContradicts(f"The provider's own {contradicted} can be read and stays.", field=contradicted)
    arrival = _arrival_of(held, body=body, actor=actor, now=now)
    try:
        receipt = decide(arrival)
    except OperationalError:
        raise  # a deadlock or a lost connection says nothing about the callback: the whole request may be run again
    except Exception as error:
        if isinstance(error, DomainError) and error.retryable:
            raise
        raise RepairFailed(CallbackApplyFailed(f"{type(error).__name__}: {error}"[:300]).detail) from error
    _close(held, "applied", actor=actor, note=note, now=now, fixed_body=body)
    data: dict[str, object] = {
        **_facts(held),
        "body_sha256": hashlib.sha256(bytes(held.row.body)).hexdigest(),
        "fixed_sha256": arrival.sha256,
        "effect": receipt.effect,
        "mutations": receipt.mutations,
        "posting_id": receipt.posting_id,
        "note": note,
    }
    record("callback.repaired", actor, data, now=now, intent_id=receipt.intent_id)
    revise_later(receipt, now=now)
    return receipt


def dismiss_callback(*, callback_id: str, actor: Actor, note: str, now: datetime) -> QuarantineRecord:
    """Decide that nothing comes of a quarantined callback. It is kept; the same bytes again are a repeat (200).

    A copy that can be taken in is taken in all the same: the provider's word counts. Recorded as
    ``callback.dismissed``. Raises NotQuarantined, QuarantineClosed, NoteNeeded.
    """
    held = _hold(callback_id, note)
    _close(held, "dismissed", actor=actor, note=note, now=now)
    record("callback.dismissed", actor, {**_facts(held), "code": held.row.code, "note": note}, now=now)
    return read_quarantined(Quarantined.objects.get(id=held.row.id))


def _hold(callback_id: str, note: str) -> _Held:
    """The open quarantine of a callback, locked in the order in which a callback that comes locks: key, then row."""
    if not 0 < len(note.strip()) <= _LONGEST_NOTE or not note.replace("\n", " ").isprintable():
        raise NoteNeeded(f"Say why, in 1 to {_LONGEST_NOTE} printable characters.")
    first_id = _first_id(callback_id)
    known = arrivals.lock_key(first_id=first_id) if first_id else None
    row = Quarantined.objects.select_for_update().filter(id=first_id).first() if first_id and known else None
    if known is None or row is None:
        raise NotQuarantined(f"{callback_id[:80]!r} is not in quarantine.")
    if row.state != "open" or known.state != "quarantined":
        raise QuarantineClosed(f"It is {row.state}: {row.note}", state=row.state)
    return _Held(row, known)


def _first_id(callback_id: str) -> str | None:
    try:
        found = Callback.objects.filter(id=callback_id).values_list("first_id", flat=True).first()
    except BadId:
        return None
    return str(found) if found else callback_id  # its arrivals may have gone with their partition


def _arrival_of(held: _Held, *, body: bytes, actor: Actor, now: datetime) -> Arrival:
    """The callback as if it had come in these words. The proof is the original's: no provider signed the correction."""
    first = Callback.objects.filter(first_id=held.row.id).order_by("-recorded_at", "-id").first()
    arrival = Arrival(
        rail_id=held.row.rail_id,
        event_id=held.row.provider_event_id,
        proven=Proven(scheme=first.scheme if first else "", signed_at=first.signed_at if first else None),
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
        headers=first.headers if first else {},
        now=now,
        source="repair",
        by=actor,
    )
    return replace(arrival, first_id=held.row.id, number=held.known.arrivals)


def _close(held: _Held, state: str, *, actor: Actor, note: str, now: datetime, fixed_body: bytes | None = None) -> None:
    closed = Quarantined.objects.filter(id=held.row.id, state="open").update(
        state=state, fixed_body=fixed_body, note=note, decided_by=actor.as_dict(), decided_at=now
    )
    if closed != 1:
        raise QuarantineClosed("Somebody else was first.")
    reason = "fixed" if state == "applied" else "no_action"
    settle_case(kind="callback", subject=held.row.id, actor=actor, now=now, outcome_code="handled", reason_code=reason)


def _facts(held: _Held) -> dict[str, object]:
    row = held.row
    return {"callback_id": row.id, "rail_id": row.rail_id, "provider_event_id": row.provider_event_id}
