"""Refusals are evidence too: what was refused, to whom, and why, in a transaction of its own after the rollback.

Denied access is ``access.denied``, in the caller's workspace when the key was proven, else in ``platform``, and in the
workspace that the request named (``zentra.tenants.denials``). A write that is refused for what it says is
``ingress.refused``, a key that returns with another body ``idempotency.refused``.
Never recorded: secrets, bodies, what passes by itself (in flight, rate limits) and requests without any key.

Whoever has no key could fill the ``platform`` log at will. So each process records a bounded number of nameless
attempts a second, and the next that it records says how many it left out.
"""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.api import limits
from zentra.api.auth import DENIALS, Caller, ScopeMismatch
from zentra.api.pagination import ForeignCursor
from zentra.core import clock, ids, telemetry
from zentra.core.actors import ANONYMOUS
from zentra.core.errors import DomainError
from zentra.core.idempotency.operations import IdempotencyKeyReused
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import note_miss, record_denial
from zentra.tenants.denials.budgets import Budget
from zentra.tenants.denials.operations import plain_name
from zentra.tenants.denials.queries import find_named
from zentra.tenants.queries import platform_ref

_NOT_RECORDED: Final = frozenset({404, 405, 408, 425, 429})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Addresses that take dry_run: such a request writes nothing, also when it is refused.
_PREVIEWED: Final = ("ledger-entries",)
# Addresses that only show what would be.
_PREVIEWS: Final = ("/webhook-replays/preview",)

log = structlog.get_logger(__name__)
NAMELESS: Final = Budget(burst=100, per_second=5)


def record_refusal(request: HttpRequest, error: Exception, answer: HttpResponse) -> None:
    """Keep a refusal as evidence when it is one to keep. It is answered even if that fails; the log says so then."""
    caller: Caller | None = getattr(request, "caller", None)
    if isinstance(error, DENIALS):
        _record_denial(request, error, answer, caller)
        return
    if isinstance(error, ForeignCursor) and caller is not None:
        _record_foreign_cursor(request, error, answer, caller)
        return
    if caller is not None and answer.status_code == 404:
        action = f"{request.method} {_facts(request, answer)['route']}"
        note_miss(actor=caller.actor, action=action, surface="api", tenant=caller.tenant, now=clock.now())
    event = _event(request, error, answer, caller)
    if event is None:
        return
    if caller is None:
        record_nameless(event)
        return
    try:
        _record(event, tenant=caller.tenant, now=clock.now())
    except (DatabaseError, LookupError):
        log.exception("api.refusal_not_recorded", type=event.type, data=event.data)


def record_nameless(event: NewEvent) -> None:
    """Keep an attempt of somebody whom we cannot name in ``platform``, as far as the budget goes."""
    suppressed = NAMELESS.spend(time.monotonic())
    if suppressed is None:
        return
    if suppressed:
        event = replace(event, data={**event.data, "suppressed_before": suppressed})
    try:
        _record(event, tenant=platform_ref(), now=clock.now())
    except (DatabaseError, LookupError):
        log.exception("api.refusal_not_recorded", type=event.type, data=event.data)


def _record_denial(request: HttpRequest, error: DomainError, answer: HttpResponse, caller: Caller | None) -> None:
    """Keep a denied access on both sides: of whoever asked, and of the workspace that they named."""
    facts = _facts(request, answer)
    named = {name: str(value)[:80] for name, value in error.extra.items()}
    if caller is not None and caller.end_user is not None:  # whatever a browser sent: free text is kept nowhere
        named = {name: plain_name(name=text) for name, text in named.items()}
    own = caller.tenant if caller else None
    said = named.get("scope", "") if isinstance(error, ScopeMismatch) else ""
    if said:
        named["scope"] = plain_name(name=said)
    record_denial(
        actor=caller.actor if caller else ANONYMOUS,
        action=f"{request.method} {facts['route']}",
        reason=error.code,
        surface="api",
        target=_named(said) if said else own,
        named=said,
        home=own,
        extra={**facts, "named": named},
        now=clock.now(),
    )


def _record_foreign_cursor(request: HttpRequest, error: ForeignCursor, answer: HttpResponse, caller: Caller) -> None:
    facts, whose = _facts(request, answer), ids.to_public("ws", error.workspace_id)
    record_denial(
        actor=caller.actor, action=f"{request.method} {facts['route']}", reason="foreign cursor", surface="api",
        target=_named(whose), named=whose, home=caller.tenant, extra=facts, now=clock.now(),
    )  # fmt: skip


def _named(said: str) -> TenantRef | None:
    """The workspace of a name; None also while the database is away, which the refusal does not wait for."""
    try:
        return find_named(name=said)
    except DatabaseError:
        log.exception("api.workspace_not_looked_up")
        return None


def _record(event: NewEvent, *, tenant: TenantRef, now: datetime) -> None:
    with tenant_work(tenant):
        record_events(events=[event], now=now)


def _event(request: HttpRequest, error: Exception, answer: HttpResponse, caller: Caller | None) -> NewEvent | None:
    if isinstance(error, limits.RateLimited):
        return _limited(error, _facts(request, answer), caller)
    if caller is None or request.method in _READS or _is_preview(request) or not _is_lasting_refusal(error, answer):
        return None
    actor, data = caller.actor, _facts(request, answer)
    if isinstance(error, IdempotencyKeyReused):
        # Both fingerprints, so that whoever looks into it later can tell which of two requests had the key first.
        data |= {"key": getattr(request, "idempotency_key", None), **error.extra}
        return NewEvent(type="idempotency.refused", actor=actor, data=data, trace_id=telemetry.trace_id())
    return NewEvent(type="ingress.refused", actor=actor, data=data, trace_id=telemetry.trace_id())


def _limited(error: limits.RateLimited, data: dict[str, Any], caller: Caller | None) -> NewEvent | None:
    """The one of its minute that is kept; none of an address, which no event may name."""
    if caller is None or not error.is_first:
        return None
    said = {name: data[name] for name in ("method", "route", "request_id")}
    said |= {"credential": caller.credential_id or caller.actor.id, **limits.limited_facts(error)}
    return NewEvent(type="rate.limited", actor=caller.actor, data=said, trace_id=telemetry.trace_id())


def _is_preview(request: HttpRequest) -> bool:
    if request.path.endswith(_PREVIEWS):
        return True
    asked = request.GET.get("dry_run", "").lower() in {"true", "1", "on", "yes", "t", "y"}
    return asked and request.path.rstrip("/").endswith(_PREVIEWED)


def _is_lasting_refusal(error: Exception, answer: HttpResponse) -> bool:
    passes_by = isinstance(error, DomainError) and error.retryable
    return 400 <= answer.status_code < 500 and answer.status_code not in _NOT_RECORDED and not passes_by


def _facts(request: HttpRequest, answer: HttpResponse) -> dict[str, Any]:
    match = request.resolver_match
    return {
        "code": getattr(answer, "problem_code", "unknown"),
        "status": answer.status_code,
        "method": request.method,
        "route": f"/{match.route}" if match else "/v1",
        "request_id": telemetry.request_id(),
    }
