"""What the ledger puts into a new workspace."""

from datetime import datetime

from ledger.operations import assign_default_categories, create_chart
from zentra.core.tenancy import TenantRef


def make_chart(ref: TenantRef, now: datetime) -> None:
    """The chart of accounts in the workspace's ledger currency, in its categories, funded when it is a sandbox."""
    create_chart(currency=ref.ledger_currency, now=now)
    assign_default_categories(currency=ref.ledger_currency, now=now)
