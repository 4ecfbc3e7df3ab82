"""All checks of one workspace, in the caller's snapshot."""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from ledger.integrity.histories import inspect_histories
from ledger.integrity.postings import inspect_postings
from ledger.integrity.sums import inspect_sums
from ledger.integrity.types import Finding, Notebook, Progress, Report

# Sorting and hashing on the way through a large ledger; compiling its statements would take longer than most of them.
_SETTINGS: Final = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"
_SIZE: Final = """
SELECT (SELECT coalesce(sum(version), 0) FROM ledger_balance)::bigint + (SELECT count(*) FROM ledger_entry_unsequenced),
       (SELECT count(*) FROM ledger_account)
"""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was looked at, and what was found."""

    postings: int
    entries: int
    accounts: int
    findings: tuple[Finding, ...]


def inspect_ledger(*, report: Report) -> Inspection:
    """Make every check; the caller's transaction must be one snapshot (REPEATABLE READ), else traffic looks like drift.

    Memory stays bounded whatever the size of the ledger; time grows with its entries. ``report`` is told of progress
    after each stretch, in entries read.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        cursor.execute(_SIZE)
        expected, accounts = cursor.fetchone()
    notebook, read = Notebook(), (0, 0)
    for read in inspect_postings(notebook):
        report(Progress("postings", read[1], expected))
    for done in inspect_histories(notebook):
        report(Progress("histories", done, expected))
    for done, total in inspect_sums(notebook):
        report(Progress("sums", done, total))
    return Inspection(*read, accounts, notebook.findings())
