"""Letting a rail's payout into the ledger: by a person, by trying again, or because the rail itself says the same."""

from datetime import datetime

from django.db import transaction

from zentra.core import ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements.errors import SettlementNeedsPerson, SettlementNotFound, SettlementSettled
from zentra.reconciliation.statements.models import Settlement, Statement, StatementImport
from zentra.reconciliation.statements.records import settlement_record
from zentra.reconciliation.statements.settlements import EXPECT_WORK
from zentra.reconciliation.statements.settling import AWAITS, expect_and_post, try_to_post
from zentra.reconciliation.statements.types import SETTLE_WORK, SettlementRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import may_still


@transaction.atomic
def post_settlement_of(*, statement_id: str, actor: Actor, now: datetime) -> SettlementRecord:
    """Let a report be posted that somebody sent, or try one now that the ledger refused; what became of it.

    For a person who may post to the ledger (``ledger.post``), with a fresh second factor. A refusal of the ledger is no
    error here: the settlement is ``waiting``, says why, and is tried again by itself for as long as that person may
    post. Raises SettlementNotFound, SettlementSettled, SettlementNeedsPerson, BadId.
    """
    if actor.kind != "user":
        raise SettlementNeedsPerson("A person who may post to the ledger lets a settlement be posted.")
    row = _locked(statement_id)
    if row.state not in ("awaiting_person", "waiting"):
        raise SettlementSettled(f"{row.batch} is {row.state}.", statement_id=statement_id, state=row.state,
                                posting_id=row.posting_id)  # fmt: skip
    row.confirmed_by, row.confirmed_at = actor.as_dict(), now
    is_first = row.state == "awaiting_person"
    if is_first:
        row.state = "waiting"
        expect_and_post(row=row, actor=actor, now=now)
    else:
        try_to_post(row=row, actor=actor, now=now)
    return settlement_record(row)


@transaction.atomic
def settle_waiting(*, statement_id: str, now: datetime) -> SettlementRecord:
    """Try again what the ledger refused; what became of it.

    What a person let be posted is posted for as long as that person may post to the ledger; after that it waits for
    another one. Raises SettlementNotFound, BadId.
    """
    row = _locked(statement_id)
    if row.state != "waiting":
        return settlement_record(row)
    actor = RECONCILIATION
    if not row.is_collected:
        said = row.confirmed_by or {}
        if not may_still(workspace=current_tenant(), asked_by=said, permission=Permission.LEDGER_POST):
            row.state, row.next_try_at, row.changed_at = "awaiting_person", None, now
            row.reason_code, row.reason, row.confirmed_by, row.confirmed_at = "", AWAITS, None, None
            row.save()
            return settlement_record(row)
        actor = Actor(**said)
    try_to_post(row=row, actor=actor, now=now)
    return settlement_record(row)


@transaction.atomic
def vouch_for_import(*, import_id: str, collected_from: str, collected_as: str, now: datetime) -> None:
    """The rail itself gave out the very bytes that somebody had sent: what waits for a person is posted without one."""
    row = StatementImport.objects.select_for_update().get(id=import_id)
    if row.collected_from:
        return
    row.collected_from, row.collected_as, row.updated_at = collected_from, collected_as, now
    row.save()
    complete = Statement.objects.filter(import_id=import_id, is_complete=True).values("id")
    for one in Settlement.objects.select_for_update().filter(statement_id__in=complete, is_collected=False):
        if one.state not in ("awaiting_person", "waiting"):
            continue
        if one.state == "awaiting_person":
            enqueue(workspace_id=current_tenant().id, kind=EXPECT_WORK, ref=one.statement_id, due_at=now)
        one.is_collected, one.state, one.changed_at = True, "waiting", now
        one.next_try_at, one.reason = one.next_try_at or now, "" if one.reason == AWAITS else one.reason
        one.save()
        enqueue(workspace_id=current_tenant().id, kind=SETTLE_WORK, ref=one.statement_id, due_at=now)


def _locked(statement_id: str) -> Settlement:
    ids.to_uuid(statement_id, prefix="stm")
    row = Settlement.objects.select_for_update().filter(statement_id=statement_id).first()
    if row is None:
        raise SettlementNotFound(f"{statement_id} has no payout of a rail.", statement_id=statement_id)
    return row
