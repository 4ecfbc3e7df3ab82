"""Work of matching: runs, following the ledger, and money that is missing. Each opens the workspace itself."""

from datetime import timedelta
from typing import Final

import structlog

from zentra.core.actors import RECONCILIATION
from zentra.core.clock import now
from zentra.core.errors import DomainError
from zentra.core.ids import BadId
from zentra.core.queue import Defer, WorkItem, enqueue, handles, periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching import operations
from zentra.reconciliation.matching import payouts as _payouts  # noqa: F401  # registers what is expected of payouts
from zentra.reconciliation.matching.desk import tasks as _desk  # noqa: F401  # registers recon.adjusted and the watcher
from zentra.reconciliation.matching.errors import RunInProgress, RunNotFound
from zentra.reconciliation.matching.operations.runs import fail_run, perform_run
from zentra.reconciliation.matching.queries import get_run
from zentra.reconciliation.matching.queries.summaries import accounts_to_follow
from zentra.reconciliation.matching.taking import take_all
from zentra.reconciliation.matching.types import RUN
from zentra.reconciliation.statements.errors import AccountNotFound
from zentra.tenants.denials import of_this_workspace

log = structlog.get_logger(__name__)
_BUSY: Final = timedelta(seconds=2)


@handles(RUN)
@of_this_workspace(AccountNotFound, RunNotFound, BadId)
def run(item: WorkItem, ws: TenantRef) -> None:
    """Run an account's rules: of an account (``rca_…``), or a run that somebody asked for (``mrn_…``)."""
    account_id = item.ref
    try:
        if item.ref.startswith("mrn_"):
            account_id = _account_of(item, ws)
        take_all(account_id=account_id, ws=ws)
        with tenant_work(ws.id):
            if item.ref.startswith("mrn_"):
                perform_run(run_id=item.ref, now=now())
            else:
                operations.run_matching(account_id=item.ref, is_dry_run=False, actor=RECONCILIATION, now=now())
    except RunInProgress as busy:
        raise Defer(now() + _BUSY, "the account is being matched") from busy
    except DomainError as problem:
        _give_up(item, ws, problem)


@periodic("recon.follow", every_seconds=10.0)
def follow(ws: TenantRef) -> None:
    """Take over what the ledger has had since, so that rooms show it; where lines wait for entries, run the rules."""
    with tenant_work(ws.id):
        accounts = accounts_to_follow()
    for account_id, waits in accounts:
        taken = take_all(account_id=account_id, ws=ws)
        if taken and waits:
            with tenant_work(ws.id):
                enqueue(workspace_id=ws.id, kind=RUN, ref=account_id, due_at=now())


@periodic("recon.missing", every_seconds=60.0)
def mark_missing(ws: TenantRef) -> None:
    """Money that should have been here."""
    with tenant_work(ws.id):
        operations.mark_missing(now=now())


def _account_of(item: WorkItem, ws: TenantRef) -> str:
    with tenant_work(ws.id):
        return get_run(run_id=item.ref).account_id


def _give_up(item: WorkItem, ws: TenantRef, problem: DomainError) -> None:
    """A refusal is final for a run that somebody asked for; else it is tried again."""
    if not item.ref.startswith("mrn_") or isinstance(problem, RunNotFound):
        raise problem
    log.warning("recon.run_refused", run=item.ref, problem=problem.code)
    with tenant_work(ws.id):
        fail_run(run_id=item.ref, problem=problem.detail, now=now())
