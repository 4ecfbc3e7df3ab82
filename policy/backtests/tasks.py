"""The batches of a backtest."""

from policy.backtests import operations
from policy.backtests.errors import NoSuchBacktest
from policy.backtests.operations import WORK
from policy.rules.documents import InvalidRuleSet
from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import of_this_workspace


@handles(WORK)
@of_this_workspace(NoSuchBacktest)
def ask_batch(item: WorkItem, ws: TenantRef) -> None:
    """Ask the rules about one batch of decisions; the next batch is an item of its own."""
    try:
        with tenant_work(ws):
            operations.go_on(backtest_id=item.ref, now=now())
    except InvalidRuleSet as error:
        with tenant_work(ws):
            operations.fail_backtest(backtest_id=item.ref, error=error.detail, now=now())
