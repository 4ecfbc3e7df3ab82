"""Everything that writes to the ledger."""

from ledger.operations.accounts import create_chart, freeze_account, open_account, unfreeze_account
from ledger.operations.events import posting_event
from ledger.operations.postings import post_entries, post_postings, reverse_posting
from ledger.operations.sequencing import resum_entries, sequence_entries
from ledger.operations.turnover import fold_due

__all__ = [
    "create_chart",
    "fold_due",
    "freeze_account",
    "open_account",
    "post_entries",
    "post_postings",
    "posting_event",
    "resum_entries",
    "reverse_posting",
    "sequence_entries",
    "unfreeze_account",
]
