"""Everything that changes the desk, in the transaction of the caller's ``tenant_work``."""

from zentra.reconciliation.matching.desk.operations.adjusting import (
    approve_adjustment,
    decline_adjustment,
    propose_adjustment,
    propose_write_off,
)
from zentra.reconciliation.matching.desk.operations.disputing import answer_dispute, dispute_exception
from zentra.reconciliation.matching.desk.operations.ending import (
    approve_explanation,
    bulk_explain,
    decline_explanation,
    explain_exception,
    reopen_exception,
)
from zentra.reconciliation.matching.desk.operations.notes import add_note, attach_file
from zentra.reconciliation.matching.desk.operations.owning import assign_exception, bulk_assign, take_exception

__all__ = [
    "add_note",
    "answer_dispute",
    "approve_adjustment",
    "approve_explanation",
    "assign_exception",
    "attach_file",
    "bulk_assign",
    "bulk_explain",
    "decline_adjustment",
    "decline_explanation",
    "dispute_exception",
    "explain_exception",
    "propose_adjustment",
    "propose_write_off",
    "reopen_exception",
    "take_exception",
]
