"""Entries are taken over from the ledger in the order of the account's history."""

from datetime import datetime

from zentra.reconciliation.matching.types import Taken


def take_entries(*, account_id: str, now: datetime) -> Taken:
    """Take over what the ledger account has had since; raises ReconciledAccountNotFound."""
    raise NotImplementedError
