"""Tie-outs as they were last computed, with their signatures."""

from collections.abc import Sequence

from zentra.core import ids
from zentra.reconciliation.closeout.errors import TieOutNotFound
from zentra.reconciliation.closeout.figures import read_figures
from zentra.reconciliation.closeout.models import SignOff, TieOut
from zentra.reconciliation.closeout.store import get_row
from zentra.reconciliation.closeout.types import SignOffRecord, TieOutRecord
from zentra.reconciliation.statements.queries import list_reconciled_accounts


def list_tie_outs(*, period_id: str) -> list[TieOutRecord]:
    """The tie-outs of a period by the accounts' codes and currencies; raises PeriodNotFound, BadId."""
    get_row(period_id)
    return _read(list(TieOut.objects.filter(period_id=period_id)))


def get_tie_out(*, tie_out_id: str) -> TieOutRecord:
    """One tie-out; raises TieOutNotFound, BadId."""
    ids.to_uuid(tie_out_id, prefix="tie")
    found = _read(list(TieOut.objects.filter(id=tie_out_id)))
    if not found:
        raise TieOutNotFound(f"There is no tie-out {tie_out_id}.", tie_out_id=tie_out_id)
    return found[0]


def _read(rows: Sequence[TieOut]) -> list[TieOutRecord]:
    accounts = {each.id: each for each in list_reconciled_accounts(includes_closed=True)}
    signed: dict[str, list[SignOffRecord]] = {}
    for each in SignOff.objects.filter(tie_out_id__in=[row.id for row in rows]).order_by("signed_at", "id"):
        signed.setdefault(each.tie_out_id, []).append(
            SignOffRecord(
                id=each.id,
                step=each.step,  # type: ignore[arg-type]  # a constraint's words
                figures_hash=each.figures_hash,
                explanation_version=each.explanation_version,
                by=each.signed_by,
                at=each.signed_at,
                suspended_at=each.suspended_at,
            )
        )
    found = [
        TieOutRecord(
            id=row.id,
            period_id=row.period_id,
            account_id=row.account_id,
            account_name=accounts[row.account_id].name,
            account_kind=accounts[row.account_id].kind,
            external_id=accounts[row.account_id].external_id,
            ledger_account_id=accounts[row.account_id].ledger_account_id,
            ledger_account_code=accounts[row.account_id].ledger_account_code,
            currency=row.currency,
            figures=read_figures(row.figures),
            figures_hash=row.figures_hash,
            state=row.state,  # type: ignore[arg-type]  # a constraint's words
            explanation=row.explanation if row.explained_hash == row.figures_hash else "",
            explained_by=row.explained_by if row.explained_hash == row.figures_hash else None,
            explanation_version=row.explanation_version,
            sign_offs=tuple(signed.get(row.id, ())),
            version=row.version,
            computed_at=row.computed_at,
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.ledger_account_code, each.currency))
