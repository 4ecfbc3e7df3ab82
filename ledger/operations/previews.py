"""What would be: postings are written in a savepoint and taken back, with everything that came with them."""

from collections.abc import Callable, Mapping, Sequence

from django.db import transaction

from ledger.operations.postings import post_items
from ledger.queries.balances import list_balances
from ledger.types import Balances, BatchItem, HoldChange, Posted, Preview


def preview_posting(*, item: BatchItem) -> Preview:
    """What a posting would be and what its accounts would hold, checked like any other and not written.

    Raises what ``post_entries`` does.
    """
    (posted,), balances = preview_written(write=lambda: post_items(items=[item]))
    return Preview(posted=posted, balances=balances)


def preview_placed(*, place: Callable[[], HoldChange]) -> Preview:
    """The same of a two-phase posting that ``place`` would place. Raises what ``place`` does."""
    (posted,), balances = preview_written(write=lambda: place().postings)
    return Preview(posted=posted, balances=balances)


def preview_written(*, write: Callable[[], Sequence[Posted]]) -> tuple[Sequence[Posted], Mapping[str, Balances]]:
    """What ``write`` would post, and what those accounts would hold, by account id. Raises what ``write`` does."""
    with transaction.atomic():
        posted = write()
        account_ids = dict.fromkeys(entry.account_id for each in posted for entry in each.entries)
        balances = list_balances(account_ids=list(account_ids))
        transaction.set_rollback(True)
    return posted, balances
