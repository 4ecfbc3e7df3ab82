"""The ledger's tables. Private to this app: others go through ``ledger.operations`` and ``ledger.queries``.

There are no foreign keys on the way of a posting: their check locks the referenced row (FOR KEY SHARE), and a
settlement account that every posting touches would become a queue. Accounts and postings are never deleted and the
triggers in ``sql/`` look each reference up, which is the same guarantee without the lock.
"""

from ledger.models.accounts import Account, Balance, Category, Monitor
from ledger.models.checks import CheckRun, Resum
from ledger.models.files import Export, Import, ImportRefusal
from ledger.models.history import EntryPosition, EntryUnsequenced, Fold, FoldDue, Turnover
from ledger.models.holds import Hold, HoldEvent
from ledger.models.postings import Entry, Period, Posting, PostingTransition, Reversed

__all__ = [
    "Account",
    "Balance",
    "Category",
    "CheckRun",
    "Entry",
    "EntryPosition",
    "EntryUnsequenced",
    "Export",
    "Fold",
    "FoldDue",
    "Hold",
    "HoldEvent",
    "Import",
    "ImportRefusal",
    "Monitor",
    "Period",
    "Posting",
    "PostingTransition",
    "Resum",
    "Reversed",
    "Turnover",
]
