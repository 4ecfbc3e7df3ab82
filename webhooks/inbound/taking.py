"""Taking a callback in from its beginning to its end. Each function opens its own transactions; none may be inside one.

What fails here fails in one of two ways. The database is away, too busy, or ended the transaction for another one's
sake: that says nothing about the callback, it is raised, and whoever sent it sends it again. Anything else would fail
again with the same bytes: the callback, which is genuine, is then quarantined in a transaction of its own and answered
202, so that the provider stops; a person applies it when the cause is mended.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar, get_args
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError

from webhooks.inbound.holding import CallbackApplyFailed
from webhooks.inbound.matching import find_matches, match_callback
from webhooks.inbound.receiving import receive_callback
from webhooks.types import CallbackReceipt, CallbackSource, CallbackState
from zentra.core.errors import DomainError
from zentra.core.telemetry import Counter
from zentra.core.tenancy import TenantRef, tenant_work

TAKEN: Final = {
    state: Counter(f"zentra_callbacks_{state}_total", f"Callbacks of this process that ended as {state}.")
    for state in get_args(CallbackState)
}
_LONGEST_DETAIL: Final = 300

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


def take_callback(
    *,
    workspace: TenantRef | UUID,
    connection_id: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    source: CallbackSource = "callback",
) -> CallbackReceipt:
    """Take in a callback of a rail connection. Raises only what passes by itself; see ``receive_callback``."""

    def receive(failure: DomainError | None) -> CallbackReceipt:
        with tenant_work(workspace):
            return receive_callback(
                connection_id=connection_id, headers=headers, body=body, now=now, source=source, failure=failure
            )

    receipt = _or_quarantine(receive, connection_id=connection_id)
    TAKEN[receipt.state].add()
    return receipt


def match_waiting(*, workspace: TenantRef | UUID, now: datetime, reference: str | None = None) -> int:
    """Take in the callbacks that waited for an attempt which exists by now, each by itself; how many were."""
    with tenant_work(workspace):
        found = find_matches(now=now, reference=reference)
    return sum(_match(workspace, callback_id, now) is not None for callback_id in found)


def _match(workspace: TenantRef | UUID, callback_id: str, now: datetime) -> CallbackReceipt | None:
    def match(failure: DomainError | None) -> CallbackReceipt | None:
        with tenant_work(workspace):
            return match_callback(callback_id=callback_id, now=now, failure=failure)

    return _or_quarantine(match, callback_id=callback_id)


def _or_quarantine(take: Callable[[DomainError | None], Answer], **facts: str) -> Answer:
    try:
        return take(None)
    except (OperationalError, InterfaceError):
        raise
    except DomainError as error:
        if error.retryable or error.status >= 500:
            raise
        failure = CallbackApplyFailed(f"{error.code}: {error.detail}"[:_LONGEST_DETAIL])
        log.warning("callback.apply_failed", error=failure.detail, **facts)
    except Exception as error:  # whatever it was, the same bytes would meet it again
        failure = CallbackApplyFailed(f"{type(error).__name__}: {error}"[:_LONGEST_DETAIL])
        log.exception("callback.apply_failed", **facts)
    return take(failure)
