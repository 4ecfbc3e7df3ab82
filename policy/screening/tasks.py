"""Screening's background work: verifications, runs over all parties, expiry, monitoring."""

from typing import Final

from policy.screening import operations
from policy.screening.models import RunBatch, Verification
from policy.screening.operations.runs import WORK as BATCH_WORK
from policy.screening.operations.verifications import WORK as VERIFY_WORK
from policy.screening.vendors.adapters import vendor_named
from policy.screening.vendors.types import AnswerKind
from policy.screening.watchlists import tasks as watchlist_tasks
from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import of_this_workspace

__all__ = ["watchlist_tasks"]

MOST: Final = 200
FEW: Final = 50
"""In one transaction."""


@handles(VERIFY_WORK)
@of_this_workspace(Verification.DoesNotExist)
def pursue_verification(item: WorkItem, ws: TenantRef) -> None:
    """Ask a vendor once, outside any transaction, and again later while the answer is not final."""
    with tenant_work(ws):
        call = operations.next_call(verification_id=item.ref, now=now())
    if call is None:
        return
    vendor = vendor_named(call.vendor)
    answer = vendor.send(call.request) if call.is_send else vendor.ask(call.request.key)
    with tenant_work(ws):
        again_at = operations.record_answer(verification_id=item.ref, answer=answer, now=now())
    if again_at is not None:
        # What the vendor has never seen is sent again at once, after this one wait.
        raise Defer(until=again_at, reason=answer.detail if answer.kind is not AnswerKind.PENDING else "pending")


@handles(BATCH_WORK)
@of_this_workspace(RunBatch.DoesNotExist)
def screen_batch(item: WorkItem, ws: TenantRef) -> None:
    """Screen one batch of a run over all parties."""
    with tenant_work(ws):
        operations.screen_batch(batch_id=item.ref, now=now())


@periodic("screening.expiry", every_seconds=30)
def expire_verifications(ws: TenantRef) -> None:
    """Let verifications and documents run out."""
    done = MOST
    while done == MOST:
        with tenant_work(ws):
            done = operations.expire_kyc(now=now(), limit=MOST)


@periodic("screening.stragglers", every_seconds=30)
def screen_stragglers(ws: TenantRef) -> None:
    """Screen whoever was made while a list's version became active."""
    done = FEW
    while done == FEW:
        with tenant_work(ws):
            done = operations.screen_stragglers(now=now(), limit=FEW)


@periodic("screening.monitoring", every_seconds=60)
def monitor_history(ws: TenantRef) -> None:
    """Judge whoever moved something since the last pass; each slice is a transaction of its own."""
    moment, after = now(), ""
    with tenant_work(ws):
        span = operations.next_span(now=moment)
    while True:
        with tenant_work(ws):
            references = operations.customers_in(span=span, after=after)
            operations.judge_customers(references=references, now=moment)
        if not references:
            break
        after = references[-1]
    with tenant_work(ws):
        operations.end_pass(span=span)
