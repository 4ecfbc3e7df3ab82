"""How an exception ends without money: explained; and how it opens again."""

from collections.abc import Sequence
from datetime import datetime

from evidence.operations import record_events
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk import codes, events, people, store
from zentra.reconciliation.matching.desk.errors import ExceptionReasonInvalid, ExceptionResolved, StaleException
from zentra.reconciliation.matching.desk.operations.owning import in_order
from zentra.reconciliation.matching.desk.types import BulkDone, ExceptionRecord
from zentra.tenants.permissions import Permission

_MAY_REOPEN = frozenset({"explained", "disputed"})


def explain_exception(
    *, exception_id: str, reason_code: str, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Say why an exception may stand as it is. No money moves; what it is about stays open for matching.

    Raises NoSuchException, ExceptionResolved, ExceptionWaiting, StaleException, ExceptionReasonInvalid,
    DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = codes.check_reason(reason_code, reason, codes.EXPLAIN)
    found = store.lock_free(exception_id, now=now, version=version)
    ended = store.change(
        found, now=now, state="resolved", resolution="explained", reason_code=reason_code, reason=words,
        resolved_by=actor.as_dict(), resolved_at=now,
    )  # fmt: skip
    store.keep_step(found.id, "explained", actor=actor, now=now, after=reason_code, words=words)
    record_events(events=[events.resolved_event(ended, actor=actor)], now=now)
    return ended


def reopen_exception(
    *, exception_id: str, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Open again what was explained or ended in dispute; whoever owned it does again.

    Raises NoSuchException, StaleException (not resolved, or another version), ExceptionResolved (it ended in money or
    by itself, or the same thing has a new exception), ExceptionReasonInvalid, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = reason.strip()[: codes.LONGEST_REASON]
    if not words:
        raise ExceptionReasonInvalid("Say why; the reason is kept.")
    found = store.lock(exception_id, now=now)
    if not found.is_resolved or version not in (None, found.version):
        raise StaleException("It is not as you read it; read it again.", version=found.version)
    if found.resolution not in _MAY_REOPEN or _has_successor(found, now):
        raise ExceptionResolved("Only what was explained or disputed opens again.", resolution=found.resolution)
    opened = store.change(
        found, now=now, state="open", resolution="", reason_code="", reason="", resolved_by=None, resolved_at=None
    )
    store.keep_step(found.id, "reopened", actor=actor, now=now, before=found.resolution, words=words)
    record_events(events=[events.opened_event(opened, actor=actor)], now=now)
    return opened


def _has_successor(found: ExceptionRecord, now: datetime) -> bool:
    """Whether an unresolved exception is about the same thing by now."""
    same = store.select(
        "WHERE x.state <> 'resolved' AND x.id <> %(id)s AND EXISTS (SELECT FROM recon_exception o WHERE o.id = %(id)s"
        " AND (x.line_id = o.line_id OR (x.line_id IS NULL AND o.line_id IS NULL AND x.entry_id = o.entry_id)"
        " OR x.expected_id = o.expected_id)) LIMIT 1",
        {"id": store.key_of(found.id)},
        now=now,
    )
    return bool(same)


def bulk_explain(
    *, exception_ids: Sequence[str], reason_code: str, reason: str, actor: Actor, now: datetime
) -> BulkDone:
    """Explain several for one reason; each that cannot be is named with its refusal, and the others stand.

    At most 200, locked in the order of their ids. Raises TooManyExceptions, ExceptionReasonInvalid, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    codes.check_reason(reason_code, reason, codes.EXPLAIN)
    done: list[ExceptionRecord] = []
    refused: list[tuple[str, str]] = []
    for each in in_order(exception_ids=exception_ids):
        try:
            done.append(
                explain_exception(exception_id=each, reason_code=reason_code, reason=reason, actor=actor, now=now)
            )
        except DomainError as refusal:
            refused.append((each, refusal.code))
    return BulkDone(tuple(done), tuple(refused))
