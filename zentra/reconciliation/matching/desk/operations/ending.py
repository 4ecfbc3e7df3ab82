"""How an exception ends without money: explained; and how it opens again."""

from collections.abc import Sequence
from datetime import datetime

from evidence.operations import record_events
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk import codes, events, people, store
from zentra.reconciliation.matching.desk.errors import (
    ExceptionReasonInvalid,
    ExceptionResolved,
    NoExplanationProposed,
    ProposerCannotApprove,
    StaleException,
)
from zentra.reconciliation.matching.desk.operations.owning import in_order
from zentra.reconciliation.matching.desk.types import BulkDone, ExceptionRecord
from zentra.tenants.permissions import Permission

_MAY_REOPEN = frozenset({"explained", "disputed"})


def explain_exception(
    *, exception_id: str, reason_code: str, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Say why an exception may stand as it is. No money moves; what it is about stays open for matching.

    One of more than the workspace's limit waits for a second person (``waits_for`` explanation). Raises
    NoSuchException, ExceptionResolved, ExceptionWaiting, StaleException, ExceptionReasonInvalid, DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_MATCH)
    words = codes.check_reason(reason_code, reason, codes.EXPLAIN)
    found = store.lock_free(exception_id, now=now, version=version)
    if people.takes_two(found):
        waiting = store.change(
            found, now=now, state="waiting", reason_code=reason_code, reason=words, explained_by=actor.as_dict()
        )
        store.keep_step(found.id, "explanation_proposed", actor=actor, now=now, after=reason_code, words=words)
        return waiting
    return _explain(found, reason_code, words, actor, now)


def approve_explanation(
    *, exception_id: str, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Let an explanation stand that somebody else proposed.

    Raises NoSuchException, ExceptionResolved, StaleException, NoExplanationProposed, ProposerCannotApprove,
    DeskRoleRefused.
    """
    people.check_person(actor, Permission.RECONCILIATION_APPROVE)
    found = _proposed(exception_id, now, version)
    if (found.explained_by or {}).get("id") in (actor.id, actor.maker):
        raise ProposerCannotApprove("You proposed it; another person has to let it stand.")
    return _explain(found, found.reason_code, found.reason, actor, now)


def decline_explanation(
    *, exception_id: str, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> ExceptionRecord:
    """Refuse a proposed explanation, or take one's own back: the exception is open again.

    Raises NoSuchException, ExceptionResolved, StaleException, NoExplanationProposed, ExceptionReasonInvalid,
    DeskRoleRefused.
    """
    words = reason.strip()[: codes.LONGEST_REASON]
    if not words:
        raise ExceptionReasonInvalid("Say why; the reason is kept.")
    found = _proposed(exception_id, now, version)
    is_own = (found.explained_by or {}).get("id") == actor.id
    people.check_person(actor, Permission.RECONCILIATION_MATCH if is_own else Permission.RECONCILIATION_APPROVE)
    opened = store.change(found, now=now, state="open", reason_code="", reason="", explained_by=None)
    store.keep_step(found.id, "explanation_declined", actor=actor, now=now, before=found.reason_code, words=words)
    return opened


def _proposed(exception_id: str, now: datetime, version: int | None) -> ExceptionRecord:
    found = store.lock_unresolved(exception_id, now=now, version=version)
    if found.waits_for != "explanation":
        raise NoExplanationProposed("Nobody proposed an explanation, or it was decided.", version=found.version)
    return found


def _explain(found: ExceptionRecord, code: str, words: str, actor: Actor, now: datetime) -> ExceptionRecord:
    ended = store.change(
        found, now=now, state="resolved", resolution="explained", reason_code=code, reason=words,
        resolved_by=actor.as_dict(), resolved_at=now,
    )  # fmt: skip
    store.keep_step(found.id, "explained", actor=actor, now=now, after=code, words=words)
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
        found,
        now=now,
        state="open",
        resolution="",
        reason_code="",
        reason="",
        resolved_by=None,
        resolved_at=None,
        explained_by=None,
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
