"""The way of a rail's payout into the ledger: who has to let it, whether the ledger took it, and why not yet.

A report that our own collector fetched from the rail is posted with its statement. One that somebody sent waits for a
person who may post to the ledger: a file alone moves no money. What the ledger refuses is kept with its reason and
tried again until it is taken.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from ledger.errors import PostingConflict
from ledger.queries import find_account
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.errors import DomainError
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements.errors import AccountInvalid
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Settlement, Statement
from zentra.reconciliation.statements.settlements import EXPECT_WORK, Payout, Settled, post_payout
from zentra.reconciliation.statements.types import SETTLE_WORK

AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""How long after the first, second … refusal it is tried again; the last one from then on."""

AWAITS: Final = "Somebody sent this report: a person who may post to the ledger has to let it be posted."
_RAIL_TYPE: Final = ("asset", "receivable")


def is_owed_by_a_rail(*, type_: str, account_type: str) -> bool:
    """Whether a ledger account can be what a rail owes us: a settlement credits it."""
    return (type_, account_type) == _RAIL_TYPE


def begin_settlement(*, statement: Statement, now: datetime) -> Settlement | None:
    """Note what a complete report says was paid out, and post it when it came from the rail itself.

    In the transaction that lets the statement count. None for whatever is no report of a rail with a payout. A refusal
    of the ledger leaves the statement standing.
    """
    account = ReconciledAccount.objects.get(id=statement.account_id)
    if account.kind != "rail" or statement.format != "settlement":
        return None
    line = Line.objects.filter(statement_id=statement.id, kind="payout").first()
    if line is None:
        return None
    row = _noted(line, statement, now)
    if not row.is_collected:
        posted = Settlement.objects.filter(account_id=row.account_id, batch=row.batch, state="posted").first()
        if posted is not None:
            _follow(row, posted, now)
    row.save(force_insert=True)
    if row.is_collected:
        expect_and_post(row=row, actor=RECONCILIATION, now=now)
    return row


def expect_and_post(*, row: Settlement, actor: Actor, now: datetime) -> None:
    """Have the bank account expect the money, whatever the ledger says, and post it; saves the row."""
    tenant = current_tenant()
    enqueue(workspace_id=tenant.id, kind=EXPECT_WORK, ref=row.statement_id, due_at=now)
    try_to_post(row=row, actor=actor, now=now)
    if row.state == "waiting":
        enqueue(workspace_id=tenant.id, kind=SETTLE_WORK, ref=row.statement_id, due_at=row.next_try_at or now)


def try_to_post(*, row: Settlement, actor: Actor, now: datetime) -> None:
    """Post a settlement, or keep why the ledger does not take it; saves the row, which its caller has locked."""
    row.tries, row.changed_at = row.tries + 1, now
    try:
        with transaction.atomic():
            settled = post_payout(_payout(row), actor=actor, now=now)
    except PostingConflict as error:
        row.state, row.next_try_at = "conflict", None
        row.reason_code, row.reason = error.code, error.detail[:500]
    except DomainError as error:
        row.state, row.next_try_at = "waiting", now + AFTER[min(row.tries, len(AFTER)) - 1]
        row.reason_code, row.reason = error.code, error.detail[:500]
    else:
        _posted(row, settled)
    row.save()
    if row.state == "posted":
        _settle_others(row, now)


def _noted(line: Line, statement: Statement, now: datetime) -> Settlement:
    """The settlement of a report's payout line, whose signs are the rail account's: what we are owed goes down."""
    gross = line.amount_minor if line.gross_minor is None else line.gross_minor
    return Settlement(
        statement_id=statement.id, account_id=statement.account_id,
        batch=str(line.references.get("batch") or line.batch or line.reference), currency=line.currency,
        gross_minor=-gross, fee_minor=line.amount_minor - gross, net_minor=-line.amount_minor, paid_on=line.value_on,
        state="waiting" if statement.is_collected else "awaiting_person", is_collected=statement.is_collected,
        reason="" if statement.is_collected else AWAITS, created_at=now, changed_at=now,
    )  # fmt: skip


def _payout(row: Settlement) -> Payout:
    """Raises AccountInvalid when the reconciled account is none that a rail can owe."""
    account = ReconciledAccount.objects.get(id=row.account_id)
    ledger_account = find_account(ref=account.ledger_account_id)
    if not is_owed_by_a_rail(type_=ledger_account.type, account_type=ledger_account.account_type):
        raise AccountInvalid(f"{ledger_account.code} is no receivable: no rail can owe it.", field="ledger_account")
    return Payout(
        row.statement_id, row.account_id, account.ledger_account_id, row.batch, row.currency, row.gross_minor,
        row.fee_minor, row.net_minor, row.paid_on,
    )  # fmt: skip


def _posted(row: Settlement, settled: Settled) -> None:
    row.state, row.next_try_at, row.reason_code, row.reason = "posted", None, "", ""
    row.posting_id, row.effective_at, row.late_for = settled.posting_id, settled.effective_at, settled.late_for


def _settle_others(row: Settlement, now: datetime) -> None:
    """Other reports of the same batch that were not posted: they say the same, or show that they do not."""
    others = Settlement.objects.filter(
        account_id=row.account_id, batch=row.batch, state__in=("awaiting_person", "waiting")
    )
    for other in others.select_for_update(skip_locked=True):  # one that is being posted finds out by itself
        _follow(other, row, now)
        other.save()


def _follow(other: Settlement, row: Settlement, now: datetime) -> None:
    """What posting another report of a posted batch would come to; nothing is posted."""
    other.next_try_at, other.changed_at = None, now
    if (other.gross_minor, other.fee_minor) == (row.gross_minor, row.fee_minor):
        other.state, other.posting_id, other.effective_at = "posted", row.posting_id, row.effective_at
        other.posted_with, other.late_for, other.reason_code, other.reason = row.statement_id, row.late_for, "", ""
    else:
        other.state, other.reason_code = "conflict", PostingConflict.code
        other.reason = f"The batch is posted as {row.posting_id} with other figures."
