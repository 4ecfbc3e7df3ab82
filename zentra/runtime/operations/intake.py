"""Intake: from a caller's words to a posted reserve, a review or a decline, in the caller's one transaction."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.queries import find_account, postings_of_intent
from policy import operations as policy
from policy.reviews.operations import opening_events
from policy.rules import Subject
from policy.types import DecisionRecord
from zentra.core import actors, clock, ids, queue, telemetry
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.money import check_amount_minor, check_currency
from zentra.core.tenancy import TenantRef, current_tenant
from zentra.runtime import store
from zentra.runtime.errors import IntentExists
from zentra.runtime.flow import post_steps, posting_event
from zentra.runtime.kinds import KINDS, Kind
from zentra.runtime.states import Status
from zentra.runtime.subjects import subject_of
from zentra.runtime.types import CreatedIntent, CreateIntent, IntentRecord, Step

REHEARSAL_AMOUNT_MINOR: Final = 125_000
SCHEMA: Final = "v2026.04"
_ONCE_PER_INTENT: Final = frozenset(
    {
        "movement_once_per_intent",
        "reservation_once_per_intent",
        "review_once_per_intent",
        "review_open_once_per_subject",
    }
)
MOST_REMEMBERED: Final = 20_000
REMEMBERED_SECONDS: Final = 2.0
_accounts: dict[tuple[UUID, str, str], tuple[float, tuple[str, str, str | None]]] = {}


class MovementRequired(DomainError):
    """A live intent says what moves: kind, amount_minor, currency and accounts or payee."""

    code = "movement_required"
    status = 422
    title = "A live intent must name its movement"


class InvalidMovement(DomainError):
    """The movement is named by halves, or leads from an account to itself."""

    code = "invalid_movement"
    status = 422
    title = "The movement is not whole"


class UnknownKind(DomainError):
    """There is no such kind of intent."""

    code = "unknown_kind"
    status = 422
    title = "There is no such kind of intent"


def create_intent(*, command: CreateIntent, actor: Actor, ws: TenantRef, now: datetime) -> CreatedIntent:
    """Accept an intent, have policy decide, and post its reserve, hold it for review, or decline it.

    Runs in the caller's tenant transaction, inside the caller's idempotency. Amounts are integer minor units.

    Raises:
        MovementRequired, InvalidMovement, UnknownKind, InvalidAmount, UnknownCurrency: the words.
        IntentExists: the intent_id was used under another idempotency key.
        What ``ledger.post_entries`` raises, InsufficientFunds among it: nothing is kept.
    """
    draft, subject = _draft(command, actor, ws, now)
    try:
        return _decide_and_keep(draft, subject, actor)
    except IntegrityError as error:
        # The limit's reservation and the review are one per intent, and are written before the intent itself.
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) in _ONCE_PER_INTENT:
            raise IntentExists(
                f"{draft.intent_id!r} is taken; use the key that made it, or another intent_id."
            ) from error
        raise


def _decide_and_keep(draft: IntentRecord, subject: Subject, actor: Actor) -> CreatedIntent:
    decision = policy.decide(subject=subject, actor=actors.POLICY, now=clock.now())
    decided = replace(
        draft,
        decision_id=decision.id,
        rule_set=decision.rule_set,
        lane=decision.lane,
        has_rule_fired=decision.has_rule_fired,
        gate=decision.gate.rule if decision.gate else None,
        updated_at=decision.decided_at,
    )
    outcome = {"accepted": _post, "review": _hold, "declined": _decline}[decision.outcome]
    return outcome(decided, decision, actor)


def _draft(command: CreateIntent, actor: Actor, ws: TenantRef, now: datetime) -> tuple[IntentRecord, Subject]:
    """The intent as accepted, and as policy sees it."""
    kind, amount, currency = _movement(command, ws)
    source = _resolve(ws.id, command.debit_account or kind.source, currency)
    destination = _resolve(ws.id, command.credit_account or kind.destination, currency)
    if source[0] == destination[0]:
        raise InvalidMovement("The debit and the credit account are the same.")
    own_id = ids.new_id("intent")
    record = IntentRecord(
        id=own_id,
        intent_id=command.intent_id or own_id,
        kind=kind.name,
        status=Status.ACCEPTED,
        amount_minor=amount,
        currency=currency,
        source_account=source[0],
        destination_account=destination[0],
        source_label=source[2] or source[1],
        destination_label=command.payee or destination[2] or destination[1],
        corridor=dict(command.corridor),
        metadata=dict(command.metadata),
        primitives=command.primitives,
        is_rehearsal=command.amount_minor is None,
        actor=actor.as_dict(),
        trace_id=telemetry.trace_id() or telemetry.new_trace_id(),
        idempotency_key=command.idempotency_key,
        created_at=now,
        updated_at=now,
        version=1,
        gate=None,
        has_rule_fired=False,
        decision_id=None,
        rule_set=0,
        lane="",
        reserve_entry_id=None,
        entry_hash="",
        reviewed_by=None,
        rail=None,
        is_failover=False,
        outcome=None,
        outcome_at=None,
        is_outcome_unknown=False,
        failure=None,
        provider_reference=None,
        callback_id=None,
        provider_amount_minor=None,
        event_stream="pending",
        mutations=0,
        replays=0,
        undelivered=0,
        closed_at=None,
        packet_revision=0,
        packet_sealed_at=None,
    )
    return record, subject_of(record, account_code=source[1], customer=source[2])


def _movement(command: CreateIntent, ws: TenantRef) -> tuple[Kind, int, str]:
    """What moves: the caller's movement, or in a sandbox the rehearsal movement when none is named."""
    kind = KINDS.get(command.kind)
    if kind is None:
        raise UnknownKind(f"{command.kind[:40]!r} is none of {', '.join(sorted(KINDS))}.", allowed=sorted(KINDS))
    if command.amount_minor is None:
        if command.currency or command.debit_account or command.credit_account or command.payee:
            raise InvalidMovement("A movement names amount_minor and currency; leave all of it out to rehearse.")
        if ws.mode != "sandbox":
            raise MovementRequired("Name kind, amount_minor, currency, and accounts or payee.")
        return kind, REHEARSAL_AMOUNT_MINOR, ws.ledger_currency
    if not command.currency:
        raise InvalidMovement("amount_minor needs its currency.")
    return kind, check_amount_minor(command.amount_minor), check_currency(command.currency)


def _resolve(workspace_id: UUID, account: str, currency: str) -> tuple[str, str, str | None]:
    """(id, code, customer) of an account. State is checked at posting, and whose it is may change: so two seconds."""
    key, now = (workspace_id, account, currency), monotonic()
    until, known = _accounts.get(key, (now, None))
    if known is None or until <= now:
        found = find_account(ref=account, currency=currency)
        known = (found.id, found.code, found.customer)
        # Only what is committed is remembered: an account that is rolled back may come again under another id.
        transaction.on_commit(partial(_remember, key, (now + REMEMBERED_SECONDS, known)))
    return known


def _remember(key: tuple[UUID, str, str], account: tuple[float, tuple[str, str, str | None]]) -> None:
    if len(_accounts) >= MOST_REMEMBERED:
        _accounts.clear()
    _accounts[key] = account


def _accepted_event(intent: IntentRecord, actor: Actor) -> NewEvent:
    return NewEvent(
        type="ingress.accepted",
        actor=actors.EDGE,
        intent_id=intent.intent_id,
        trace_id=intent.trace_id,
        occurred_at=intent.created_at,
        data={
            "intent_id": intent.intent_id,
            "id": intent.id,
            "kind": intent.kind,
            "amount_minor": intent.amount_minor,
            "currency": intent.currency,
            "schema": SCHEMA,
            "scope": current_tenant().slug,
            "idempotency_key": intent.idempotency_key,
            "requested_by": actor.as_dict(),
        },
    )


def ledgered_events(
    intent: IntentRecord, decision_id: str | None, *, now: datetime
) -> tuple[IntentRecord, list[NewEvent]]:
    """Post the reserve; the intent with its proof, and the events that tell of it. Shared with approval."""
    (posted,) = post_steps(intent, [KINDS[intent.kind].reserve], now=now, decision_id=decision_id)
    entry = posted.entry("debit")
    complete = NewEvent(
        type="ledger.posted",
        actor=actors.LEDGER,
        intent_id=intent.intent_id,
        trace_id=intent.trace_id,
        occurred_at=now,
        data={
            "posting_id": posted.posting_id,
            "entry_id": entry.id,
            "entry_hash": posted.entry_hash,
            "minor_units": intent.amount_minor,
            "currency": intent.currency,
            "debit_account": entry.account_code,
            "credit_account": posted.entry("credit").account_code,
        },
    )
    told = posting_event(posted, actor=actors.LEDGER, intent_id=intent.intent_id, trace_id=intent.trace_id)
    proven = replace(
        intent, reserve_entry_id=entry.id, entry_hash=posted.entry_hash, mutations=1, event_stream="syncing"
    )
    return proven, [told, complete]


def _post(intent: IntentRecord, decision: DecisionRecord, actor: Actor) -> CreatedIntent:
    now = clock.now()
    proven, ledger_events = ledgered_events(intent, decision.id, now=now)
    passages: list[store.Passage] = [
        (None, Status.ACCEPTED, intent.created_at, actors.EDGE, ""),
        (Status.ACCEPTED, Status.CONTROLLED, decision.decided_at, actors.POLICY, ""),
        (Status.CONTROLLED, Status.LEDGERED, now, actors.LEDGER, ""),
    ]
    events = [
        _accepted_event(intent, actor),
        policy.decision_event(decision, trace_id=intent.trace_id),
        *ledger_events,
    ]
    return _keep(replace(proven, status=Status.LEDGERED), passages, events, "runtime.route", now)


def _hold(intent: IntentRecord, decision: DecisionRecord, actor: Actor) -> CreatedIntent:
    now = clock.now()
    review = policy.open_review(decision=decision, maker=actor.maker, now=now)
    passages: list[store.Passage] = [
        (None, Status.ACCEPTED, intent.created_at, actors.EDGE, ""),
        (Status.ACCEPTED, Status.REVIEW, now, actors.POLICY, review.rule),
    ]
    events = [
        _accepted_event(intent, actor),
        policy.decision_event(decision, trace_id=intent.trace_id),
        *opening_events(review=review, trace_id=intent.trace_id),
    ]
    return _keep(replace(intent, status=Status.REVIEW), passages, events, None, now)


def _decline(intent: IntentRecord, decision: DecisionRecord, actor: Actor) -> CreatedIntent:
    now = clock.now()
    reason = decision.gate.rule if decision.gate else ""
    passages: list[store.Passage] = [
        (None, Status.ACCEPTED, intent.created_at, actors.EDGE, ""),
        (Status.ACCEPTED, Status.DECLINED, now, actors.POLICY, reason),
    ]
    events = [_accepted_event(intent, actor), policy.decision_event(decision, trace_id=intent.trace_id)]
    return _keep(replace(intent, status=Status.DECLINED, failure=reason), passages, events, "runtime.close", now)


def _keep(
    intent: IntentRecord,
    passages: list[store.Passage],
    events: list[NewEvent],
    next_work: str | None,
    now: datetime,
) -> CreatedIntent:
    kept = replace(intent, version=len(passages), updated_at=now)
    store.insert(kept, passages)
    record_events(events=events, now=now)
    if next_work:
        queue.enqueue(workspace_id=current_tenant().id, kind=next_work, ref=kept.intent_id, due_at=now, priority=1)
    return CreatedIntent(kept, tuple(Step(after, at) for _, after, at, *_ in passages))


def _reserve_of(intent: IntentRecord) -> dict[str, object]:
    """The posting that stands for an intent whose write was repeated; nothing while none is posted."""
    for stored in postings_of_intent(intent_id=intent.intent_id):
        posted = stored.posted
        if posted.purpose == "reserve":
            return {
                "posting_id": posted.posting_id,
                "debit_account": posted.entry("debit").account_code,
                "credit_account": posted.entry("credit").account_code,
            }
    return {}


def note_replay(*, intent_id: str, key: str, actor: Actor, now: datetime) -> None:
    """Record that a write was repeated under its key and answered with its first answer; no balance changed."""
    intent = store.find(intent_id)
    record_events(
        events=[
            NewEvent(
                type="idempotency.replayed",
                actor=actor,
                intent_id=intent_id if intent else None,
                trace_id=telemetry.trace_id(),
                data={
                    "key": key,
                    **(_reserve_of(intent) if intent else {}),
                    "result": "first answer returned",
                    "mutations": 0,
                },
            )
        ],
        now=now,
    )
    if intent is not None:
        store.count_replay(intent_id)
