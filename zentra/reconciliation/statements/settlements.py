"""Posting what a rail says that it has paid out: one posting for each batch of a settlement report, once.

PRODUCT.md 1, the rail's money arrives: debit ``bank`` net, debit ``fees`` fee, credit what the rail owed, gross.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import ClosedPeriod, PeriodSoftClosed
from ledger.operations import post_entries, posting_event
from ledger.queries import placement_of
from ledger.types import Line as Move
from ledger.types import Placement, Posted
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.months import within_month
from zentra.reconciliation.statements.checks import EARLIEST
from zentra.tenants.configuration.queries import settings_at_hand

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

    statement_id: str
    account_id: str
    ledger_account_id: str
    batch: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    paid_on: date

    def moves(self) -> list[Move]:
        """The entries of its posting; sides without money are left out."""
        signed = (
            (BANK, self.net_minor), (FEES, self.fee_minor),
            (ids.to_uuid(self.ledger_account_id, prefix="acct"), -self.gross_minor),
        )  # fmt: skip
        return [Move(account, "debit" if minor > 0 else "credit", abs(minor)) for account, minor in signed if minor]


@dataclass(frozen=True, slots=True)
class Settled:
    """Where a batch stands in the ledger; ``late_for`` is the month that was closed when it came, or empty."""

    posting_id: str
    effective_at: datetime
    late_for: str


def post_payout(payout: Payout, *, actor: Actor, now: datetime) -> Settled:
    """Post a batch, unless it stands already: effective on its day, or late, when that day's period is closed.

    Late money counts at the beginning of the first period that takes it, and names the month that it belongs to. Runs
    in the caller's transaction; its own part is undone when it raises. Doing it again, also for another report of the
    same batch, posts nothing more. Raises what ``ledger.operations.post_entries`` does: PostingConflict when the batch
    stands with other figures, ClosedPeriod and PeriodSoftClosed when no period takes it now.
    """
    # Never from the future, and from no day that an hour of the workspace would take out of the calendar.
    day = min(_start_of(min(max(payout.paid_on, EARLIEST), now.date() + timedelta(days=1))), now)
    try:
        posted, place = _write(payout, placement_of(at=day, purpose=PURPOSE, now=now), actor, now)
    except (ClosedPeriod, PeriodSoftClosed):  # it closed in between
        posted, place = _write(payout, placement_of(at=day, purpose=PURPOSE, now=now), actor, now)
    if not posted.replayed:
        _tell(payout, posted, actor, now)
    return Settled(posted.posting_id, posted.effective_at, place.late_for if not posted.replayed else "")


@transaction.atomic
def _write(payout: Payout, place: Placement, actor: Actor, now: datetime) -> tuple[Posted, Placement]:
    """One batch behind a savepoint, so that a refusal leaves the statement standing."""
    metadata: dict[str, object] = {
        "account_id": payout.account_id, "statement_id": payout.statement_id, "batch": payout.batch,
        "paid_on": payout.paid_on.isoformat(),
    }  # fmt: skip
    if place.late_for:
        metadata["late_for"] = place.late_for
    posted = post_entries(
        lines=payout.moves(), currency=payout.currency,
        posting_id=settlement_posting_id(account_id=payout.account_id, batch=payout.batch), purpose=PURPOSE,
        actor=actor, correlation_id=payout.statement_id, external_reference=payout.batch,
        effective_at=place.effective_at, recorded_at=now, description=f"Settlement {payout.batch}", metadata=metadata,
    )  # fmt: skip
    return posted, place


def settlement_posting_id(*, account_id: str, batch: str) -> str:
    """The id that the posting of a batch has, whoever posts it and how often."""
    return ids.to_public("posting", uuid.uuid5(_NAMESPACE, f"{account_id}/{batch}"))


def _start_of(day: date) -> datetime:
    """When a day begins for the workspace, in the month that it belongs to: a month keeps the zone it was made with."""
    return within_month(day=day, at=datetime.combine(day, time(), _zone()).astimezone(UTC))


def _zone() -> tzinfo:
    name = settings_at_hand(workspace_id=current_tenant().id).time_zone
    return UTC if name == "UTC" else ZoneInfo(name)


def _tell(payout: Payout, posted: Posted, actor: Actor, now: datetime) -> None:
    facts: dict[str, object] = {
        "posting_id": posted.posting_id,
        "account_id": payout.account_id,
        "statement_id": payout.statement_id,
        "batch": payout.batch,
        "gross_minor": payout.gross_minor,
        "fee_minor": payout.fee_minor,
        "net_minor": payout.net_minor,
        "currency": payout.currency,
    }
    settled = NewEvent("settlement.posted", actor, facts, occurred_at=now)
    record_events(events=[posting_event(posted, actor=actor, intent_id=None, trace_id=None), settled], now=now)
