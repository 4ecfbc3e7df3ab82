"""Everything that changes matching. Each door opens its own transaction or joins the caller's."""

from zentra.reconciliation.matching.operations.entries import take_entries
from zentra.reconciliation.matching.operations.expected import expect, mark_missing
from zentra.reconciliation.matching.operations.matches import (
    approve_match,
    confirm_match,
    decline_match,
    force_match,
    keep_match,
    undo_match,
)
from zentra.reconciliation.matching.operations.rules import save_rules
from zentra.reconciliation.matching.operations.runs import request_run, run_matching

__all__ = [
    "approve_match",
    "confirm_match",
    "decline_match",
    "expect",
    "force_match",
    "keep_match",
    "mark_missing",
    "request_run",
    "run_matching",
    "save_rules",
    "take_entries",
    "undo_match",
]
