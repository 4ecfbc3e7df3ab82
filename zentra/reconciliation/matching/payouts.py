"""What a rail says that it paid out is money that the bank should soon show: expected, and missing after its day."""

from datetime import datetime
from typing import Final

import structlog

from zentra.core.clock import now as now_here
from zentra.core.ids import BadId
from zentra.core.queue import WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.calendars import add_business_days
from zentra.reconciliation.matching.errors import ExpectedConflict
from zentra.reconciliation.matching.operations import expect
from zentra.reconciliation.statements.errors import StatementNotFound
from zentra.reconciliation.statements.queries import (
    find_reconciled_account,
    get_reconciled_account,
    get_statement,
    list_lines,
)
from zentra.reconciliation.statements.settlements import BANK, EXPECT_WORK
from zentra.reconciliation.statements.types import LineRecord
from zentra.tenants.denials import of_this_workspace

log = structlog.get_logger(__name__)

_PAGE: Final = 1_000


@handles(EXPECT_WORK)
@of_this_workspace(StatementNotFound, BadId)
def expect_of(item: WorkItem, ws: TenantRef) -> None:
    """Expect what a settlement statement says was paid out; ``ref`` is the statement."""
    with tenant_work(ws.id):
        expect_payouts(statement_id=item.ref, now=now_here())


def expect_payouts(*, statement_id: str, now: datetime) -> int:
    """Expect each payout of a rail's report at the bank account of its currency; how many are expected.

    It is due as many business days after it was paid as the bank account says. Nothing is expected where nobody
    reconciles that bank account, and a batch that is told of again with other figures stays expected as it was first.
    Raises StatementNotFound, BadId.
    """
    statement = get_statement(statement_id=statement_id)
    bank = find_reconciled_account(ledger_account_code=BANK, currency=statement.currency)
    if get_reconciled_account(account_id=statement.account_id).kind != "rail" or bank is None:
        return 0
    expected = 0
    for line in _payouts(statement_id):
        if line.amount_minor >= 0:
            continue  # the rail collects from us: nothing will arrive
        batch = str(line.references.get("batch", ""))
        try:
            expect(
                account_id=bank.id, source=batch.partition("-")[0] or "rail", reference=batch,
                amount_minor=-line.amount_minor, currency=line.currency,
                due_on=add_business_days(line.value_on, bank.settle_days, calendar=bank.calendar), now=now,
                gross_minor=None if line.gross_minor is None else -line.gross_minor,
                fee_minor=None if line.fee_minor is None else -line.fee_minor,
            )  # fmt: skip
        except ExpectedConflict as error:
            log.warning("payout_differs", statement=statement_id, batch=batch, detail=error.detail)
        expected += 1
    return expected


def _payouts(statement_id: str) -> list[LineRecord]:
    """The payouts of a report."""
    payouts: list[LineRecord] = []
    after = 0
    while page := list_lines(statement_id=statement_id, limit=_PAGE, after=after):
        payouts += [line for line in page if line.kind == "payout"]
        after = page[-1].number
    return payouts
