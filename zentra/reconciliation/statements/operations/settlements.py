"""Letting a rail's payout into the ledger: by a person, or by trying again."""

from datetime import datetime

from django.db import transaction

from zentra.core import ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements.errors import SettlementNeedsPerson, SettlementNotFound, SettlementSettled
from zentra.reconciliation.statements.models import Settlement
from zentra.reconciliation.statements.records import settlement_record
from zentra.reconciliation.statements.settling import AWAITS, expect_and_post, try_to_post
from zentra.reconciliation.statements.types import SettlementRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import may_still


@transaction.atomic
def post_settlement_of(*, statement_id: str, actor: Actor, now: datetime) -> SettlementRecord:
    """Let a report be posted that somebody sent, or try one now that the ledger refused; what became of it.

    For a person who may post to the ledger (``ledger.post``), with a fresh second factor. A refusal of the ledger is no
    error here: the settlement is ``waiting``, says why, and is tried again by itself for as long as that person may
    post. Raises SettlementNotFound, SettlementSettled, SettlementNeedsPerson, BadId.
    """
    needed = "A person who may post to the ledger lets a settlement be posted."
    if actor.kind != "user":
        raise SettlementNeedsPerson(needed)
    row = _locked(statement_id)
    if not may_still(workspace=current_tenant(), asked_by=actor.as_dict(), permission=Permission.LEDGER_POST):
        raise SettlementNeedsPerson(needed)
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


def _locked(statement_id: str) -> Settlement:
    ids.to_uuid(statement_id, prefix="stm")
    row = Settlement.objects.select_for_update().filter(statement_id=statement_id).first()
    if row is None:
        raise SettlementNotFound(f"{statement_id} has no payout of a rail.", statement_id=statement_id)
    return row
