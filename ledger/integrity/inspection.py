"""All checks of one workspace, in the caller's snapshot."""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from ledger.integrity.histories import inspect_histories
from ledger.integrity.postings import inspect_orphans, inspect_postings
from ledger.integrity.sums import inspect_sums
from ledger.integrity.types import Finding, Notebook, Progress, Report

# Stretches are looked up by key, whatever the size of the tables; left to itself the planner reads a whole table for
# each of them until that is very large, and the time of a check would grow with the square of the ledger.
_BY_KEY: Final = """
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off
"""
# Sums read everything once.
_WHOLE: Final = """
SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on;
SET LOCAL work_mem = '64MB'
"""
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
        cursor.execute(_SIZE)
        expected, accounts = cursor.fetchone()
    notebook, read = Notebook(), (0, 0)
    _plan(_BY_KEY)
    for read in inspect_postings(notebook):
        report(Progress("postings", read[1], expected))
    for done in inspect_histories(notebook):
        report(Progress("histories", done, expected))
    _plan(_WHOLE)
    inspect_orphans(notebook)
    for done, total in inspect_sums(notebook):
        report(Progress("sums", done, total))
    return Inspection(*read, accounts, notebook.findings())


def _plan(settings: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(settings)
