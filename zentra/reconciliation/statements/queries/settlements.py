"""What rails paid out, and whether the ledger has it."""

from collections.abc import Sequence

from zentra.core import ids
from zentra.reconciliation.statements.models import Settlement
from zentra.reconciliation.statements.records import settlement_record
from zentra.reconciliation.statements.types import SettlementRecord, SettlementState


def find_settlement(*, statement_id: str) -> SettlementRecord | None:
    """What became of a report's payout; None for a statement without one. Raises BadId."""
    ids.to_uuid(statement_id, prefix="stm")
    row = Settlement.objects.filter(statement_id=statement_id).first()
    return None if row is None else settlement_record(row)


def list_settlements(
    *,
    states: Sequence[SettlementState] = ("awaiting_person", "waiting", "conflict"),
    limit: int = 100,
    account_id: str | None = None,
) -> list[SettlementRecord]:
    """Settlements in these states, oldest first; without ``states`` those that are not in the ledger. Raises BadId."""
    rows = Settlement.objects.filter(state__in=states).order_by("created_at", "statement_id")
    if account_id is not None:
        ids.to_uuid(account_id, prefix="rca")
        rows = rows.filter(account_id=account_id)
    return [settlement_record(row) for row in rows[:limit]]
