"""Everything that closeout changes. Each door takes part in the caller's transaction."""

from zentra.reconciliation.closeout.operations.gl_accounts import save_gl_account
from zentra.reconciliation.closeout.operations.money import mark_stated_days, open_money_days, prove_money_day
from zentra.reconciliation.closeout.operations.packets import (
    fail_packet,
    refresh_for_packet,
    request_packet,
    seal_requested,
)
from zentra.reconciliation.closeout.operations.periods import (
    ensure_periods,
    lock_expired,
    lock_period,
    soft_close_period,
    soft_open_period,
)
from zentra.reconciliation.closeout.operations.reopening import approve_reopen, decline_reopen, request_reopen
from zentra.reconciliation.closeout.operations.tie_outs import (
    approve_tie_out,
    explain_tie_out,
    prepare_tie_out,
    refresh_tie_outs,
)
from zentra.reconciliation.closeout.operations.todo import assign_task, finish_task, undo_task

__all__ = [
    "approve_reopen",
    "approve_tie_out",
    "assign_task",
    "decline_reopen",
    "ensure_periods",
    "explain_tie_out",
    "fail_packet",
    "finish_task",
    "lock_expired",
    "lock_period",
    "mark_stated_days",
    "open_money_days",
    "prepare_tie_out",
    "prove_money_day",
    "refresh_for_packet",
    "refresh_tie_outs",
    "request_packet",
    "request_reopen",
    "save_gl_account",
    "seal_requested",
    "soft_close_period",
    "soft_open_period",
    "undo_task",
]
