"""How a posting is told to the event log: one leaf, announced under every name that subscribers may know."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from evidence.types import NewEvent
from ledger.hashing import fx_content
from ledger.types import AccountRecord, HoldRecord, Posted
from zentra.core import clock, telemetry
from zentra.core.actors import Actor

_ANNOUNCED = ("ledger.entry.created", "ledger.balance.updated", "posting.committed")


def posting_event(
    posted: Posted,
    *,
    actor: Actor,
    intent_id: str | None,
    trace_id: str | None,
    announced_as_extra: tuple[str, ...] = (),
) -> NewEvent:
    """The ``ledger.entry.posted`` event of a posting; an intent's reserve step is ``ledger.reserved`` too."""
    reserve = ("ledger.reserved",) if intent_id is not None and posted.purpose == "reserve" else ()
    return NewEvent(
        type="ledger.entry.posted",
        actor=actor,
        data=posting_facts(posted),
        intent_id=intent_id,
        trace_id=trace_id,
        announced_as=tuple(dict.fromkeys((*_ANNOUNCED, *reserve, *announced_as_extra))),
        occurred_at=posted.recorded_at,
    )


def posting_events(*, postings: Sequence[Posted], actor: Actor) -> list[NewEvent]:
    """One event for each posting of a request; a reversal is told as one."""
    return [
        posting_event(
            posted,
            actor=actor,
            intent_id=posted.intent_id,
            trace_id=telemetry.trace_id(),
            announced_as_extra=("ledger.reversed",) if posted.reverses_id else (),
        )
        for posted in postings
    ]


def hold_event(
    *,
    hold: HoldRecord,
    kind: str,
    amount_minor: int | None,
    postings: Sequence[Posted],
    actor: Actor,
    reason: str,
    trace_id: str | None,
    now: datetime,
) -> NewEvent:
    """The event of a step of a hold. A capture moves money, so it is a posting's event, announced as captured too.

    Ids, amounts and times only: a reference may be a person's, and so may a reason.
    """
    facts = _hold_facts(hold, reason)
    if amount_minor is not None:
        facts["amount_minor"] = amount_minor
    if kind == "captured":
        posted = posting_event(
            postings[-1],
            actor=actor,
            intent_id=hold.intent_id,
            trace_id=trace_id,
            announced_as_extra=("hold.captured",),
        )
        return replace(posted, data={**facts, **posted.data, "release_posting_id": postings[0].posting_id})
    if postings:
        facts.update(posting_id=postings[-1].posting_id, entry_hash=postings[-1].entry_hash)
    return NewEvent(
        type=f"hold.{kind}", actor=actor, data=facts, intent_id=hold.intent_id, trace_id=trace_id, occurred_at=now
    )


def _hold_facts(hold: HoldRecord, reason: str) -> dict[str, object]:
    return {
        "hold_id": hold.id,
        "hold_state": hold.state,
        "account_id": hold.account_id,
        "destination_id": hold.destination_id,
        "currency": hold.currency,
        "held_minor": hold.amount_minor,
        "captured_minor": hold.captured_minor,
        "released_minor": hold.released_minor,
        "remaining_minor": hold.remaining_minor,
        "expires_at": None if hold.expires_at is None else clock.iso(hold.expires_at),
        "has_reason": bool(reason),
    }


def account_event(
    *, account: AccountRecord, kind: str, actor: Actor, facts: Mapping[str, object], now: datetime
) -> NewEvent:
    """``account.frozen``, ``.unfrozen``, ``.closed``, ``.limits_changed``: ids, states and amounts only."""
    data = {"account_id": account.id, "currency": account.currency, "state": account.state, **facts}
    return NewEvent(type=f"account.{kind}", actor=actor, data=data, trace_id=telemetry.trace_id(), occurred_at=now)


def account_created_event(*, account: AccountRecord, actor: Actor) -> NewEvent:
    """``account.created``. Ids and words of ours only: a leaf is for ever, and a customer's name may be a person's."""
    facts: dict[str, object] = {
        "account_id": account.id,
        "account_type": account.account_type,
        "type": account.type,
        "normal_balance": account.normal_balance,
        "currency": account.currency,
    }
    return NewEvent("account.created", actor, facts, trace_id=telemetry.trace_id())


def posting_facts(posted: Posted) -> dict[str, object]:
    """What a posting's event and packet show: proof first, then every entry, in minor units."""
    facts: dict[str, object] = {
        "posting_id": posted.posting_id,
        "entry_hash": posted.entry_hash,
        "purpose": posted.purpose,
        "correlation_id": posted.correlation_id,
        "amount_minor": posted.amount_minor,
        "currency": posted.currency,
        "debit_account": posted.entry("debit").account_code,
        "credit_account": posted.entry("credit").account_code,
        "entries": [
            {
                "entry_id": entry.id,
                "account_id": entry.account_id,
                "account": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                **({} if entry.currency == posted.currency else {"currency": entry.currency}),
            }
            for entry in posted.entries
        ],
    }
    if posted.fx is not None:
        facts["fx"] = fx_content(posted.fx)
    if posted.corrects_id is not None:
        facts["corrects_id"] = posted.corrects_id
    if posted.reverses_id is not None:
        facts["reverses_id"] = posted.reverses_id
    return facts
