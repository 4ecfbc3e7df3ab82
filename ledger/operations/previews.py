"""What would be: a two-phase posting is placed and taken back, with everything that it wrote."""

from collections.abc import Callable

from django.db import transaction

from ledger.queries.balances import list_balances
from ledger.types import HoldChange, Preview


def preview_placed(*, place: Callable[[], HoldChange]) -> Preview:
    """What ``place`` would write and what its accounts would hold after it, checked like any other and not written.

    Raises what ``place`` does.
    """
    with transaction.atomic():
        posted = place().postings[0]
        balances = list_balances(account_ids=list(dict.fromkeys(entry.account_id for entry in posted.entries)))
        transaction.set_rollback(True)
    return Preview(posted=posted, balances=balances)
