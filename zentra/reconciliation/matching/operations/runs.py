"""Runs: one pass of an account's rules over what is open."""

from datetime import datetime

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.matching.types import RunRecord


def request_run(
    *, account_id: str, is_dry_run: bool, actor: Actor, ws: TenantRef, now: datetime, rules_version: int | None = None
) -> RunRecord:
    """Queue a run; a real one always goes by the newest rules. Raises RuleSetNotFound, ReconciledAccountNotFound."""
    raise NotImplementedError


def run_matching(
    *, account_id: str, is_dry_run: bool, actor: Actor, now: datetime, rules_version: int | None = None
) -> RunRecord:
    """Take over entries, run the rules, open and resolve exceptions, all in the caller's transaction.

    Raises RunInProgress when another run of the account holds it, ReconciledAccountNotFound, RuleSetNotFound.
    """
    raise NotImplementedError
