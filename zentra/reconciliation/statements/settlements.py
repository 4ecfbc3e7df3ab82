"""Posting what a rail says that it has paid out: one posting for each batch of a settlement report, once.

PRODUCT.md 1, the rail's money arrives: debit ``bank`` net, debit ``fees`` fee, credit what the rail owed, gross.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import ClosedPeriod, PeriodSoftClosed, PostingConflict
from ledger.operations import post_entries, posting_event
from ledger.types import Line as Move
from ledger.types import Posted
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Statement
from zentra.tenants.configuration.queries import settings_at_hand

log = structlog.get_logger(__name__)

PURPOSE: Final = "settlement.batch"
EXPECT_WORK: Final = "recon.expect"
"""Work of ``matching``: the bank account expects what a rail paid out; ``ref`` is the statement."""

BANK: Final = "bank"
FEES: Final = "fees"
# A batch's posting has an id made of the account and the batch, so that the database itself refuses a second one.
_NAMESPACE: Final = uuid.UUID("0d9cc0a5-2a5e-4d0c-9f0c-6c1c2f6c7a55")


@dataclass(frozen=True, slots=True)
class Payout:
    """What a rail paid out in one batch. Minor units, from the bank's side: ``net`` is what arrives there.

    ``net = gross - fee``. A batch with more refunds than payments has a negative gross: the rail collects from us.
    """

    batch: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    paid_on: date

    def moves(self, *, rail_account_id: str) -> list[Move]:
        """The entries of its posting; sides without money are left out."""
        signed = (
            (BANK, self.net_minor), (FEES, self.fee_minor),
            (ids.to_uuid(rail_account_id, prefix="acct"), -self.gross_minor),
        )  # fmt: skip
        return [Move(account, "debit" if minor > 0 else "credit", abs(minor)) for account, minor in signed if minor]


def post_settlement(*, statement_id: str, actor: Actor, now: datetime) -> list[str]:
    """Post each payout of a rail's report that is not posted yet; the ids of the postings, in the report's order.

    Runs in the caller's transaction, which has written the lines. Nothing happens for a bank's statement. Doing it
    again, also from another report that tells of the same batch, posts nothing more: a batch that was posted with
    other figures stays as it is, and its lines show the difference. A batch of a period that is closed, softly or hard,
    counts from now.
    Raises what ``ledger.operations.post_entries`` does but those two, Statement.DoesNotExist.
    """
    statement = Statement.objects.get(id=statement_id)
    account = ReconciledAccount.objects.get(id=statement.account_id)
    if account.kind != "rail":
        return []
    lines = Line.objects.filter(statement_id=statement_id, kind="payout").order_by("number")
    posted = [_post(payout, account, statement_id, actor, now) for payout in map(_payout, lines)]
    enqueue(workspace_id=current_tenant().id, kind=EXPECT_WORK, ref=statement_id, due_at=now)
    return [each for each in posted if each is not None]


def _payout(line: Line) -> Payout:
    """The payout of a report's line, whose signs are the rail account's: what we are owed goes down."""
    gross = line.amount_minor if line.gross_minor is None else line.gross_minor
    batch = str(line.references.get("batch") or line.batch or line.reference)
    return Payout(batch, line.currency, -gross, line.amount_minor - gross, -line.amount_minor, line.value_on)


def _post(payout: Payout, account: ReconciledAccount, statement_id: str, actor: Actor, now: datetime) -> str | None:
    posting_id = settlement_posting_id(account_id=account.id, batch=payout.batch)
    effective_at = min(_start_of(payout.paid_on), now)
    try:
        posted = _write(payout, account, statement_id, posting_id, effective_at, actor, now)
    except (ClosedPeriod, PeriodSoftClosed):
        posted = _write(payout, account, statement_id, posting_id, now, actor, now)
    except PostingConflict as error:
        log.warning("settlement_differs", account=account.id, batch=payout.batch, detail=error.detail)
        return None
    if not posted.replayed:
        _tell(payout, account, statement_id, posted, actor, now)
    return posted.posting_id


@transaction.atomic
def _write(
    payout: Payout, account: ReconciledAccount, statement_id: str, posting_id: str, effective_at: datetime,
    actor: Actor, now: datetime,
) -> Posted:  # fmt: skip
    """One batch behind a savepoint, so that a refusal leaves the statement standing."""
    return post_entries(
        lines=payout.moves(rail_account_id=account.ledger_account_id), currency=payout.currency, posting_id=posting_id,
        purpose=PURPOSE, actor=actor, correlation_id=statement_id, external_reference=payout.batch,
        effective_at=effective_at, recorded_at=now, description=f"Settlement {payout.batch}",
        metadata={
            "account_id": account.id, "statement_id": statement_id, "batch": payout.batch,
            "paid_on": payout.paid_on.isoformat(),
        },
    )  # fmt: skip


def settlement_posting_id(*, account_id: str, batch: str) -> str:
    """The id that the posting of a batch has, whoever posts it and how often."""
    return ids.to_public("posting", uuid.uuid5(_NAMESPACE, f"{account_id}/{batch}"))


def _start_of(day: date) -> datetime:
    """When a day begins for the workspace."""
    return datetime.combine(day, time(), _zone()).astimezone(UTC)


def _zone() -> tzinfo:
    name = settings_at_hand(workspace_id=current_tenant().id).time_zone
    return UTC if name == "UTC" else ZoneInfo(name)


def _tell(
    payout: Payout, account: ReconciledAccount, statement_id: str, posted: Posted, actor: Actor, now: datetime
) -> None:
    facts: dict[str, object] = {
        "posting_id": posted.posting_id,
        "account_id": account.id,
        "statement_id": statement_id,
        "batch": payout.batch,
        "gross_minor": payout.gross_minor,
        "fee_minor": payout.fee_minor,
        "net_minor": payout.net_minor,
        "currency": payout.currency,
    }
    settled = NewEvent("settlement.posted", actor, facts, occurred_at=now)
    record_events(events=[posting_event(posted, actor=actor, intent_id=None, trace_id=None), settled], now=now)
