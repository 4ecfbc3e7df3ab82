"""Dry runs: an operation is done in a savepoint, its consequences are read, and it is undone."""

from collections.abc import Callable, Sequence

from django.db import transaction

from console.presenters.postings import consequences, preview_lines, totals
from console.presenters.words import grouped
from console.types.ledger import PreviewView
from ledger.queries import list_balances
from ledger.types import Balances, Posted


def rehearse(undo_later: Callable[[], Sequence[Posted]], *, base: str) -> PreviewView:
    """What an operation would post, and what its accounts would hold. Raises what the operation does."""
    with transaction.atomic():
        posted = undo_later()
        accounts = list(dict.fromkeys(entry.account_id for each in posted for entry in each.entries))
        after = list_balances(account_ids=accounts)
        transaction.set_rollback(True)
    before = list_balances(account_ids=accounts)
    return _preview(posted, before, after, base)


def _preview(
    posted: Sequence[Posted], before: dict[str, Balances], after: dict[str, Balances], base: str
) -> PreviewView:
    entries = [entry for each in posted for entry in each.entries]
    return PreviewView(
        words=f"{grouped(len(entries))} entries, checked like any posting; nothing is written yet.",
        entries=preview_lines(entries, base=base),
        consequences=consequences(before, after, base=base),
        totals=totals(entries),
    )
