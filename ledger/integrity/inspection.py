"""The two parts of a check: what never changes, statement by statement, and what follows from it, in one snapshot.

Only the second needs a snapshot that lasts, and while one lasts PostgreSQL keeps every version of the balances that
are written a thousand times a second. The first part takes most of the time, as it computes every hash, and holds none.
"""

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


def inspect_records(*, notebook: Notebook, report: Report) -> tuple[int, int]:
    """Check postings and entries, and that each entry has its place; (postings, entries) that were read.

    They never change, and an entry takes its place within one statement, so no two statements here need to see the
    same moment: READ COMMITTED is enough, and better. What is posted meanwhile may be left to the next check.
    """
    expected, _ = _size()
    _plan(_BY_KEY)
    read = (0, 0)
    for read in inspect_postings(notebook):
        report(Progress("postings", read[1], expected))
    _plan(_WHOLE)
    inspect_orphans(notebook)
    return read


def inspect_derived(*, notebook: Notebook, report: Report) -> int:
    """Check histories, balances and sums against the entries; how many accounts there are.

    The caller's transaction must be one snapshot (REPEATABLE READ), else traffic going on looks like a divergence.
    """
    expected, accounts = _size()
    _plan(_BY_KEY)
    for done in inspect_histories(notebook):
        report(Progress("histories", done, expected))
    _plan(_WHOLE)
    for done, total in inspect_sums(notebook):
        report(Progress("sums", done, total))
    return accounts


def _size() -> tuple[int, int]:
    """Entries and accounts."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        entries, accounts = cursor.fetchone()
    return entries, accounts


def _plan(settings: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(settings)
