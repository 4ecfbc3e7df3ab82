"""Everything that writes to the ledger."""

from ledger.operations.accounts import DEFAULT_FLOOR, change_account, create_chart, open_account
from ledger.operations.categories import apply_chart, assign_default_categories, create_category, rename_category
from ledger.operations.checking import is_check_due, request_check, run_check
from ledger.operations.events import account_created_event, posting_event, posting_events
from ledger.operations.files import cancel_import, start_export, start_import
from ledger.operations.holds import (
    capture_hold,
    expire_holds,
    extend_hold,
    increase_hold,
    place_hold,
    place_posting,
    release_hold,
    review_hold,
)
from ledger.operations.monitors import add_monitor, check_monitors, remove_monitor
from ledger.operations.periods import set_period_state
from ledger.operations.postings import post_batch, post_entries, post_postings
from ledger.operations.previews import preview_placed, preview_posting, preview_written
from ledger.operations.reversals import correct_posting, reverse_posting
from ledger.operations.sequencing import resum_entries, sequence_entries
from ledger.operations.states import close_account, freeze_account, set_limits, unfreeze_account
from ledger.operations.turnover import fold_due

__all__ = [
    "DEFAULT_FLOOR",
    "account_created_event",
    "add_monitor",
    "apply_chart",
    "assign_default_categories",
    "cancel_import",
    "capture_hold",
    "change_account",
    "check_monitors",
    "close_account",
    "correct_posting",
    "create_category",
    "create_chart",
    "expire_holds",
    "extend_hold",
    "fold_due",
    "freeze_account",
    "increase_hold",
    "is_check_due",
    "open_account",
    "place_hold",
    "place_posting",
    "post_batch",
    "post_entries",
    "post_postings",
    "posting_event",
    "posting_events",
    "preview_placed",
    "preview_posting",
    "preview_written",
    "release_hold",
    "remove_monitor",
    "rename_category",
    "request_check",
    "resum_entries",
    "reverse_posting",
    "review_hold",
    "run_check",
    "sequence_entries",
    "set_limits",
    "set_period_state",
    "start_export",
    "start_import",
    "unfreeze_account",
]
