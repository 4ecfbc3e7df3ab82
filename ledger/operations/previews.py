"""What would be: a posting is written and taken back, with everything that came with it."""

from collections.abc import Callable

from django.db import transaction

from ledger.operations.postings import post_items
from ledger.queries.balances import list_balances
from ledger.types import BatchItem, HoldChange, Posted, Preview


def preview_posting(*, item: BatchItem) -> Preview:
    """What a posting would be and what its accounts would hold, checked like any other and not written.

    Raises what ``post_entries`` does.
    """
    return _previewed(lambda: post_items(items=[item])[0])


def preview_placed(*, place: Callable[[], HoldChange]) -> Preview:
    """The same of a two-phase posting that ``place`` would place. Raises what ``place`` does."""
    return _previewed(lambda: place().postings[0])


def _previewed(write: Callable[[], Posted]) -> Preview:
    with transaction.atomic():
        posted = write()
        balances = list_balances(account_ids=list(dict.fromkeys(entry.account_id for entry in posted.entries)))
        transaction.set_rollback(True)
    return Preview(posted=posted, balances=balances)
