"""Dry runs as pages show them."""

from collections.abc import Callable, Sequence

from console.presenters.postings import consequences, preview_lines, totals
from console.presenters.words import grouped
from console.types.postings import PreviewView
from ledger.operations import preview_written
from ledger.types import Posted


def rehearse(operation: Callable[[], Sequence[Posted]], *, base: str) -> PreviewView:
    """What an operation would post, and what its accounts would hold. Raises what the operation does."""
    written, after = preview_written(write=operation)
    entries = [entry for posted in written for entry in posted.entries]
    return PreviewView(
        words=f"{grouped(len(entries))} entries, checked like any posting; nothing is written yet.",
        entries=preview_lines(entries, base=base),
        consequences=consequences(entries, after, base=base),
        totals=totals(entries),
    )
