"""``/accounts/{account}/monitors``: thresholds on balances; each crossing is an event."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from ledger.operations import add_monitor, remove_monitor
from ledger.queries import MonitorRecord, get_monitor, list_monitors
from zentra.api.doors import answer_json, answer_write, caller_of, door, words_of, write
from zentra.api.fields import Body, IdempotencyKey, Maybe, SignedMinor, Text
from zentra.api.problems import RouteNotFound
from zentra.api.v1.account_answers import account_of_path
from zentra.api.v1.accounts import ROUTE
from zentra.api.v1.chart_answers import MonitorAnswer, MonitorList
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Accounts"])


class AddMonitorBody(Body):
    """A balance to watch, in minor units and the account's normal direction: strictly above, or strictly below."""

    metric: Literal["available", "posted", "pending"]
    comparison: Literal["above", "below"]
    threshold_minor: SignedMinor
    name: Maybe[Text] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router, "POST", "/accounts/{account}/monitors", permission=Permission.ACCOUNTS_MANAGE, response={201: MonitorAnswer}
)
def add(request: HttpRequest, account: str, body: AddMonitorBody) -> HttpResponse:
    """Watch a balance: an event for each crossing, in both directions, from now on."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        added = add_monitor(
            account_id=account_of_path(account).id,
            metric=body.metric,
            comparison=body.comparison,
            threshold_minor=body.threshold_minor,
            name=body.name or "",
            actor=actor,
            now=now,
        )
        return 201, _show(added)

    route = f"{ROUTE}/{account}/monitors"
    return answer_write(write(request, operation="monitors.create", route=route, body=words_of(body), effect=effect))


@door(router, "GET", "/accounts/{account}/monitors", permission=Permission.ACCOUNTS_READ, response=MonitorList)
def list_all(request: HttpRequest, account: str) -> HttpResponse:
    """The monitors of an account, newest first."""
    with tenant_work(caller_of(request).tenant):
        found = list_monitors(account_id=account_of_path(account).id)
    return answer_json({"data": [_show(monitor) for monitor in found]})


@door(
    router,
    "DELETE",
    "/accounts/{account}/monitors/{monitor_id}",
    permission=Permission.ACCOUNTS_MANAGE,
    response=MonitorAnswer,
)
def remove(request: HttpRequest, account: str, monitor_id: str) -> HttpResponse:
    """Stop watching; what was recorded stays."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        if get_monitor(monitor_id=monitor_id).account_id != account_of_path(account).id:
            raise RouteNotFound(f"Account {account[:80]} has no monitor {monitor_id[:80]}.")
        return 200, _show(remove_monitor(monitor_id=monitor_id, actor=actor, now=now))

    route = f"{ROUTE}/{account}/monitors/{monitor_id}"
    return answer_write(write(request, operation="monitors.remove", route=route, body={}, effect=effect))


def _show(monitor: MonitorRecord) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "object": "balance_monitor",
        "account_id": monitor.account_id,
        "account_code": monitor.account_code,
        "currency": monitor.currency,
        "name": monitor.name,
        "metric": monitor.metric,
        "comparison": monitor.comparison,
        "threshold_minor": monitor.threshold_minor,
        "is_crossed": monitor.is_crossed,
        "checked_version": monitor.checked_version,
        "crossed_at": None if monitor.crossed_at is None else clock.iso(monitor.crossed_at),
        "created_at": clock.iso(monitor.created_at),
        "removed_at": None if monitor.removed_at is None else clock.iso(monitor.removed_at),
    }
