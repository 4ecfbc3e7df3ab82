"""A locked period opens again softly: one person asks, another one lets it, for a time; then it locks by itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from evidence.types import NewEvent
from ledger.operations import set_period_state
from zentra.core import clock
from zentra.core.actors import Actor, ActorKind
from zentra.reconciliation.closeout.errors import CloseoutInvalid, SameHand, WrongState
from zentra.reconciliation.closeout.models import Period
from zentra.reconciliation.closeout.reasons import check_reason
from zentra.reconciliation.closeout.store import add_act, lock_period, period_facts, record_of_period, save_period
from zentra.reconciliation.closeout.types import PeriodRecord

SHORTEST_MINUTES: Final = 5
LONGEST_MINUTES: Final = 60 * 24 * 7


def request_reopen(
    *, period_id: str, reason: str, minutes: int, version: int, actor: Actor, now: datetime
) -> PeriodRecord:
    """Ask that a locked period takes adjustments again for ``minutes`` (5 to 10,080), once somebody else lets it.

    Raises PeriodNotFound, StalePeriod, WrongState (not locked, or asked for already), CloseoutInvalid, BadId.
    """
    reason = check_reason(reason)
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise CloseoutInvalid(f"Give {SHORTEST_MINUTES} to {LONGEST_MINUTES:,} minutes.")
    row = lock_period(period_id, version)
    if row.state != "closed" or row.request is not None:
        raise WrongState("Only a locked period is asked to be opened again, once at a time.", state=row.state)
    row.request = {
        "by": actor.as_dict(),
        "maker": actor.maker,
        "reason": reason,
        "minutes": minutes,
        "at": clock.iso(now),
    }
    add_act(row, "reopen_requested", by=actor, now=now, reason=reason, facts={"minutes": minutes})
    return save_period(row, "request")


@transaction.atomic
def approve_reopen(*, period_id: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """Let it: adjustments are posted until the time is up. Records ``period.reopened``.

    Raises PeriodNotFound, StalePeriod, WrongState (nobody asked), SameHand, LedgerBusy, BadId.
    """
    row, asked = _asked(period_id, version)
    if asked["maker"] == actor.maker:
        raise SameHand("Who asked for the period to be opened again does not let it.")
    until = now + timedelta(minutes=asked["minutes"])
    set_period_state(
        period_id=row.id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        before="closed",
        state="soft",
        until=until,
        requested_by=_actor(asked),
        actor=actor,
        now=now,
    )
    row.state, row.until, row.locked_by, row.locked_maker, row.locked_at = "soft", until, None, "", None
    # Whoever lets it stands where the soft close stood: another one locks.
    row.soft_closed_by, row.soft_closed_maker, row.soft_closed_at = actor.as_dict(), actor.maker, now
    found = save_period(
        row, "state", "until", "locked_by", "locked_maker", "locked_at", "soft_closed_by", "soft_closed_maker",
        "soft_closed_at",
    )  # fmt: skip
    add_act(row, "reopened", by=actor, now=now, reason=asked["reason"], facts={"until": clock.iso(until)})
    data = {
        **period_facts(row),
        "state": "soft",
        "requested_by": asked["by"]["id"],
        "has_reason": True,
        "until": clock.iso(until),
    }
    record_of_period(row.id, [NewEvent(type="period.reopened", actor=actor, data=data)], now=now)
    return found


def decline_reopen(*, period_id: str, reason: str, version: int, actor: Actor, now: datetime) -> PeriodRecord:
    """Refuse it, or take one's own request back. Raises PeriodNotFound, StalePeriod, WrongState, CloseoutInvalid."""
    reason = check_reason(reason)
    row, _ = _asked(period_id, version)
    row.request = None
    add_act(row, "reopen_declined", by=actor, now=now, reason=reason)
    return save_period(row, "request")


def _asked(period_id: str, version: int) -> tuple[Period, Mapping[str, Any]]:
    row = lock_period(period_id, version)
    if row.state != "closed" or row.request is None:
        raise WrongState("Nobody asks for this period to be opened again.", state=row.state)
    return row, row.request


def _actor(asked: Mapping[str, Any]) -> Actor:
    """Who asked, as the event bytes keep it, with the person behind it."""
    by = asked["by"]
    kind: ActorKind = by["kind"]
    return Actor(kind=kind, id=by["id"], role=by["role"], credential=by["credential"], responsible=asked["maker"])
