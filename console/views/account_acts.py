"""What people do to an account: freeze, unfreeze, close, limits, monitors. Each with a reason, once per form."""

from collections.abc import Callable

from django.http import HttpResponse

from console.asked import minor, optional_minor
from console.doors import Visit, room
from console.forms import act_once, words
from console.presenters.words import grouped
from ledger.operations import (
    add_monitor,
    close_account,
    freeze_account,
    remove_monitor,
    set_limits,
    unfreeze_account,
)
from ledger.queries import get_monitor
from zentra.tenants.permissions import Permission


def _back(visit: Visit, account_id: str) -> str:
    return f"{visit.base}accounts/{account_id}/"


def _once(visit: Visit, account_id: str, operation: str, effect: Callable[[], str]) -> HttpResponse:
    return act_once(visit, operation=f"accounts.{operation}", effect=effect, to=_back(visit, account_id))


@room(Permission.ACCOUNTS_FREEZE, step_up=True)
def freeze(visit: Visit, account_id: str) -> HttpResponse:
    """Lock an account for investigation."""
    reason = words(visit, "reason")

    def effect() -> str:
        account = freeze_account(account_id=account_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{account.code} is frozen: nothing posts to it until somebody unfreezes it."

    return _once(visit, account_id, "freeze", effect)


@room(Permission.ACCOUNTS_FREEZE, step_up=True)
def unfreeze(visit: Visit, account_id: str) -> HttpResponse:
    """Allow postings again."""
    reason = words(visit, "reason")

    def effect() -> str:
        account = unfreeze_account(account_id=account_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{account.code} takes postings again."

    return _once(visit, account_id, "unfreeze", effect)


@room(Permission.ACCOUNTS_MANAGE, step_up=True)
def close(visit: Visit, account_id: str) -> HttpResponse:
    """Close an account for good."""
    reason = words(visit, "reason")

    def effect() -> str:
        account = close_account(account_id=account_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{account.code} is closed for good. Its entries and statements stay."

    return _once(visit, account_id, "close", effect)


@room(Permission.ACCOUNTS_MANAGE, step_up=True)
def limits(visit: Visit, account_id: str) -> HttpResponse:
    """Set the least available and the highest balance; an empty field is no limit."""
    reason = words(visit, "reason")
    floor = optional_minor(visit.request.POST.get("floor_minor", ""), what="The floor")
    ceiling = optional_minor(visit.request.POST.get("ceiling_minor", ""), what="The ceiling")

    def effect() -> str:
        account = set_limits(
            account_id=account_id,
            floor_minor=floor,
            ceiling_minor=ceiling,
            reason=reason,
            actor=visit.actor(),
            now=visit.now,
        )
        low = "no floor" if floor is None else f"floor {grouped(floor)}"
        high = "no ceiling" if ceiling is None else f"ceiling {grouped(ceiling)}"
        return f"{account.code}: {low}, {high}, for every posting from now on."

    return _once(visit, account_id, "limits", effect)


@room(Permission.ACCOUNTS_MANAGE)
def watch(visit: Visit, account_id: str) -> HttpResponse:
    """Add a balance monitor."""
    threshold = minor(visit.request.POST.get("threshold_minor", ""), what="The threshold")

    def effect() -> str:
        monitor = add_monitor(
            account_id=account_id,
            metric=words(visit, "metric"),
            comparison=words(visit, "comparison"),
            threshold_minor=threshold,
            name=words(visit, "name", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return (
            f"{monitor.account_code} is watched: an event each time {monitor.metric} goes {monitor.comparison}"
            f" {grouped(threshold)} {monitor.currency}, or back."
        )

    return _once(visit, account_id, "monitors.add", effect)


@room(Permission.ACCOUNTS_MANAGE)
def unwatch(visit: Visit, account_id: str) -> HttpResponse:
    """Remove a balance monitor; what it said is kept."""
    monitor_id = words(visit, "monitor")

    def effect() -> str:
        monitor = get_monitor(monitor_id=monitor_id)
        remove_monitor(monitor_id=monitor_id, actor=visit.actor(), now=visit.now)
        return f"{monitor.account_code} is no longer watched for {monitor.name or monitor.comparison}."

    return _once(visit, account_id, "monitors.remove", effect)
