"""Dry runs: an operation is done in a savepoint, its consequences are read, and it is undone."""

from collections.abc import Callable, Sequence

from django.db import transaction

from console.presenters.postings import consequences, preview_lines, totals
from console.presenters.words import grouped
from console.types.postings import PreviewView
from ledger.queries import list_balances
from ledger.types import Posted


def rehearse(operation: Callable[[], Sequence[Posted]], *, base: str) -> PreviewView:
    """What an operation would post, and what its accounts would hold. Raises what the operation does."""
    with transaction.atomic():
        entries = [entry for posted in operation() for entry in posted.entries]
        after = list_balances(account_ids=list(dict.fromkeys(entry.account_id for entry in entries)))
        transaction.set_rollback(True)
    return PreviewView(
        words=f"{grouped(len(entries))} entries, checked like any posting; nothing is written yet.",
        entries=preview_lines(entries, base=base),
        consequences=consequences(entries, after, base=base),
        totals=totals(entries),
    )
