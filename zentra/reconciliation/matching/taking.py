"""Taking over what a ledger account has had since, a transaction per stretch: what dies goes on where it stopped."""

from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching import operations


def take_all(*, account_id: str, ws: TenantRef) -> int:
    """Take over entries outside any transaction of the caller; how many.

    Each stretch of at most ``entries.MOST`` versions commits by itself, so that no transaction grows with the ledger.
    Raises AccountNotFound, BadId.
    """
    taken = 0
    while True:
        with tenant_work(ws.id):
            found = operations.take_entries(account_id=account_id, now=now())
        taken += found.entries
        if not found.more:
            return taken
