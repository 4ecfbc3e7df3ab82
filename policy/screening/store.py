"""Rows of this app as records, the locks on them, and their history. Private to it.

Order of locks, everywhere: a case of the desk, then the party, then its hits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.screening.models import Check, Document, Hit, Party, Run, Step, Verification
from policy.screening.types import CheckRecord, DocumentRecord, HitRecord, PartyRecord, RunRecord, VerificationRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

LOCK_TIMEOUT = "5s"
_Record = TypeVar("_Record")


class PartyNotFound(DomainError):
    """There is no such party in this workspace."""

    code = "party_not_found"
    status = 404
    title = "There is no such party"


class StaleParty(DomainError):
    """Somebody changed the party in the meantime; ``version`` and ``changed_at`` are those of now."""

    code = "stale_party"
    status = 409
    title = "The party was changed in the meantime"


class PartyClosed(DomainError):
    """The party is closed: it is kept, and changes no more."""

    code = "party_closed"
    status = 409
    title = "The party is closed"


class HitNotFound(DomainError):
    """There is no such hit in this workspace."""

    code = "hit_not_found"
    status = 404
    title = "There is no such hit"


def lock_party(*, party_id: str, version: int | None = None, needs_active: bool = True) -> Party:
    """The party, locked until the transaction ends; with ``version``, only when it is still that one.

    Raises:
        PartyNotFound, BadId: there is none.
        StaleParty: it has another version by now.
        PartyClosed: it is closed and ``needs_active``.
    """
    limit_wait()
    lock_cases([party_id])
    row = Party.objects.select_for_update().filter(id=party_id).first()
    if row is None:
        raise PartyNotFound(f"There is no party {party_id[:40]}.")
    if version is not None and row.version != version:
        raise StaleParty(
            f"It is at version {row.version} since {row.changed_at:%H:%M:%S} UTC, and you changed version {version}.",
            version=row.version,
            changed_at=row.changed_at.isoformat(),
        )
    if needs_active and row.state == "closed":
        raise PartyClosed("A closed party changes no more.")
    return row


def lock_cases(party_ids: Sequence[str]) -> None:
    """Lock the open cases of these parties: before the parties, as whoever resolves an alert of a case does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM policy_review WHERE case_kind = 'alert' AND subject = ANY(%s) AND state = 'open'"
            " ORDER BY id FOR UPDATE",
            [list(party_ids)],
        )


def limit_wait() -> None:
    """No lock of this transaction is waited for longer than this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])


def add_step(
    *, party_id: str, what: str, actor: Actor, now: datetime, note: str = "", facts: Mapping[str, Any] | None = None
) -> None:
    """One line of the party's history; ``facts`` may be personal, and stay here."""
    Step(
        id=ids.new_id("stp"), party_id=party_id, what=what, actor=actor.as_dict(), at=now, note=note,
        facts=dict(facts or {}),
    ).save(force_insert=True)  # fmt: skip


def tell(*, type: str, actor: Actor, now: datetime, **data: object) -> None:  # noqa: A002  # the event's field
    """Record an event: ids, codes and counts only."""
    record_events(events=[NewEvent(type=type, actor=actor, data=data)], now=now)


def party_record(row: Party) -> PartyRecord:
    """A party without its names and papers."""
    return _record(
        PartyRecord, row,
        ("id", "kind", "reference", "name", "country", "born_on", "state", "kyc_state", "kyc_expires_at", "risk",
         "segment", "screening", "screened_at", "screened_against", "version", "created_at", "changed_at"),
    )  # fmt: skip


def document_record(row: Document) -> DocumentRecord:
    """A document."""
    return _record(
        DocumentRecord, row, ("id", "type", "number_hint", "issued_by", "expires_on", "file", "added_at", "added_by")
    )


def verification_record(row: Verification) -> VerificationRecord:
    """A verification."""
    return _record(
        VerificationRecord, row,
        ("id", "party_id", "vendor", "state", "vendor_reference", "reason_code", "detail", "attempts", "started_at",
         "sent_at", "answered_at"),
    )  # fmt: skip


def hit_record(row: Hit) -> HitRecord:
    """A hit."""
    return _record(
        HitRecord, row,
        ("id", "party_id", "list_id", "entry_id", "entry_uid", "entry_digest", "score", "parts", "state", "found_at",
         "decided_by", "decided_at", "note", "version"),
    )  # fmt: skip


def check_record(row: Check) -> CheckRecord:
    """A check of a party."""
    return _record(
        CheckRecord, row,
        ("reason", "run_number", "threshold", "matches", "new_hits", "remembered", "screening", "at", "actor"),
    )  # fmt: skip


def run_record(row: Run) -> RunRecord:
    """A run over all parties."""
    return _record(
        RunRecord, row,
        ("id", "number", "reason", "list_id", "list_version", "state", "total", "done", "new_hits", "started_at",
         "finished_at"),
    )  # fmt: skip


def _record(kind: type[_Record], row: object, names: Sequence[str]) -> _Record:
    # The database checks the words of states that records name as literals.
    return cast("Any", kind)(**{name: getattr(row, name) for name in names})  # type: ignore[no-any-return]
