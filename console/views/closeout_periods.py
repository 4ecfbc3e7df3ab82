"""What people do to a period: compute it anew, close it softly, lock it, open it again for a time."""

from django.http.response import HttpResponseBase

from console.asked import read_whole, version_of
from console.doors import Visit, room
from console.forms import FormIncomplete, words
from console.kept import keeping
from console.presenters.words import dated
from console.readings.closeout import act_on_period, period_of, period_url
from console.views.closeout import period_page
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.operations.reopening import LONGEST_MINUTES, SHORTEST_MINUTES
from zentra.tenants.permissions import Permission


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="refresh")
def refresh(visit: Visit, month: str) -> HttpResponseBase:
    """Compute the tie-outs anew."""
    period = period_of(month)

    def effect() -> str:
        found = closing.refresh_tie_outs(period_id=period.id, now=visit.now)
        return f"{len(found)} tie-outs are computed anew."

    return act_on_period(visit, "refresh", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="soft-close")
def soft_close(visit: Visit, month: str) -> HttpResponseBase:
    """From now on only adjustments post into it."""
    period = period_of(month)

    def effect() -> str:
        closing.soft_close_period(period_id=period.id, version=version_of(visit), actor=visit.actor(), now=visit.now)
        return f"{period.name} is soft closed: only adjustments post into it."

    return act_on_period(visit, "soft_close", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="soft-open")
def soft_open(visit: Visit, month: str) -> HttpResponseBase:
    """Open a soft-closed period again."""
    period = period_of(month)

    def effect() -> str:
        closing.soft_open_period(
            period_id=period.id,
            reason=words(visit, "reason"),
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{period.name} is open again."

    return act_on_period(visit, "soft_open", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(period_page, act="lock")
def lock(visit: Visit, month: str) -> HttpResponseBase:
    """Lock it: nothing posts into it any more."""
    period = period_of(month)
    if visit.request.POST.get("sure") != "yes":
        raise FormIncomplete("Tick that you looked at it: a locked period is opened by two people only.", field="sure")

    def effect() -> str:
        closing.lock_period(period_id=period.id, version=version_of(visit), actor=visit.actor(), now=visit.now)
        return f"{period.name} is locked. Nothing posts into it."

    return act_on_period(visit, "lock", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False, step_up=True)
@keeping(period_page, act="reopen")
def reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Ask for a locked period to be opened for a while."""
    period = period_of(month)
    minutes = read_whole(visit.request.POST.get("minutes", ""))
    if minutes is None or not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        said = f"Say for how many minutes, {SHORTEST_MINUTES} to {LONGEST_MINUTES:,}."
        raise FormIncomplete(said, field="minutes")

    def effect() -> str:
        closing.request_reopen(
            period_id=period.id,
            reason=words(visit, "reason"),
            minutes=minutes,
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return "A second person has to let it be opened."

    return act_on_period(visit, "reopen", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(period_page, act="approve-reopen")
def approve_reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Let it be opened; it locks again by itself."""
    period = period_of(month)

    def effect() -> str:
        found = closing.approve_reopen(
            period_id=period.id, version=version_of(visit), actor=visit.actor(), now=visit.now
        )
        return f"{period.name} takes adjustments until {dated(found.until)} UTC and locks again by itself."

    return act_on_period(visit, "reopen.approve", period_url(visit, period), effect)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(period_page, act="decline-reopen")
def decline_reopen(visit: Visit, month: str) -> HttpResponseBase:
    """Leave it locked."""
    period = period_of(month)

    def effect() -> str:
        closing.decline_reopen(
            period_id=period.id,
            reason=words(visit, "reason"),
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{period.name} stays locked."

    return act_on_period(visit, "reopen.decline", period_url(visit, period), effect)
