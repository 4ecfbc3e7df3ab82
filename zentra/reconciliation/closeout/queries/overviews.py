"""Where a period stands, in numbers: the five steps of closing it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from zentra.core import ids
from zentra.reconciliation.closeout.checklist import TASKS
from zentra.reconciliation.closeout.figures import reconciled_accounts
from zentra.reconciliation.closeout.models import Period, Task, TieOut
from zentra.reconciliation.closeout.queries.items import count_in_flight, count_late
from zentra.reconciliation.closeout.store import get_row, read_period, rows
from zentra.reconciliation.closeout.types import Overview
from zentra.reconciliation.matching.calendars import is_business_day
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_LOCKED: Final = 6

# Days covered: of each account, how many days of the period lie in some statement of it.
_COUNTS: Final = """
WITH covered AS (
  SELECT s.account_id, count(DISTINCT d.day) AS days
    FROM recon_statement s
   CROSS JOIN LATERAL generate_series(greatest(s.starts_on, %(first)s::date), least(s.ends_on, %(last)s::date),
                                      interval '1 day') AS d (day)
    JOIN recon_account a ON a.id = s.account_id AND a.closed_at IS NULL
   WHERE s.is_complete AND s.ends_on >= %(first)s AND s.starts_on <= %(last)s
   GROUP BY s.account_id
)
SELECT (SELECT count(*) FROM recon_statement s WHERE s.is_complete AND s.ends_on BETWEEN %(first)s AND %(last)s),
       (SELECT coalesce(sum(days), 0) FROM covered),
       (SELECT coalesce(sum(s.lines), 0) FROM recon_statement s
         WHERE s.is_complete AND s.ends_on BETWEEN %(first)s AND %(last)s),
       (SELECT count(*) FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
         WHERE l.booked_on BETWEEN %(first)s AND %(last)s
           AND NOT EXISTS (SELECT FROM recon_exception x WHERE x.line_id = l.id AND x.state = 'resolved'
                              AND x.resolution IN ('explained', 'disputed'))),
       (SELECT count(*) FROM recon_exception x WHERE x.state <> 'resolved' AND x.happened_on <= %(last)s)
"""
_REACHED: Final = """
SELECT a.id, (SELECT max(s.ends_on) FROM recon_statement s
               WHERE s.account_id = a.id AND s.is_complete AND s.ends_on >= %(first)s),
       EXISTS (SELECT FROM recon_entry e
                WHERE e.account_id = a.id AND e.effective_on BETWEEN %(first)s AND %(last)s)
  FROM recon_account a
"""


def get_overview(*, period_id: str, now: datetime) -> Overview:
    """The numbers of a period as they are now; tie-outs as last computed. Raises PeriodNotFound, BadId."""
    return overview_of(row=get_row(period_id), now=now)


def overview_of(*, row: Period, now: datetime) -> Overview:  # noqa: ARG001  # asked with the moment, as every page is
    """The overview of a period's row."""
    ((statements, covered, lines, lines_open, exceptions),) = rows(
        _COUNTS, {"first": row.starts_on, "last": row.ends_on}
    )
    accounts = reconciled_accounts()
    known = {
        key: (ends_on, bool(entries))
        for key, ends_on, entries in rows(_REACHED, {"first": row.starts_on, "last": row.ends_on})
    }
    tie_outs = list(TieOut.objects.filter(period_id=row.id))
    unexplained: defaultdict[str, int] = defaultdict(int)
    for each in tie_outs:
        explained = each.explained_hash == each.figures_hash
        unexplained[each.currency] += 0 if explained else abs(each.figures["unexplained_minor"])
    facts: dict[str, Any] = {
        "period": read_period(row),
        "accounts": len(accounts),
        "reached": sum(_reached(row, each, known) for each in accounts),
        "statements": int(statements),
        "days_covered": int(covered),
        "days": (row.ends_on - row.starts_on).days + 1,
        "lines": int(lines),
        "lines_open": int(lines_open),
        "exceptions": int(exceptions),
        "unexplained": dict(unexplained),
        "tie_outs": len(tie_outs),
        "prepared": sum(each.state in ("prepared", "approved") for each in tie_outs),
        "approved": sum(each.state == "approved" for each in tie_outs),
        "suspended": sum(each.state == "suspended" for each in tie_outs),
        "tasks": len(TASKS),
        "in_flight": count_in_flight(at=row.ends_at),
        "late": count_late(month=f"{row.starts_on:%Y-%m}"),
    }
    ticked = set(Task.objects.filter(period_id=row.id, done_at__isnull=False).values_list("key", flat=True))
    draft = Overview(**facts, step=0, tasks_done=0)
    done = {kind.key for kind in TASKS if (kind.done(draft) if kind.done else kind.key in ticked)}
    return Overview(**facts, step=_step(done), tasks_done=len(done))


def _reached(row: Period, account: ReconciledAccountRecord, known: Mapping[UUID, tuple[date | None, bool]]) -> bool:
    """Whether an account's statements are all there: a bank's to the last business day, a rail's as it pays."""
    ends_on, has_entries = known[ids.to_uuid(account.id, prefix="rca")]
    if account.kind == "rail":
        return ends_on is not None or not has_entries
    last = row.ends_on
    while not is_business_day(last, calendar=account.calendar):
        last -= timedelta(days=1)
    return ends_on is not None and ends_on >= last


def _step(done: set[str]) -> int:
    """The first of import, match, resolve, tie out, sign and lock that is not done."""
    for number, key in enumerate(("statements", "match", "exceptions", "tie_out", "lock"), start=1):
        if key not in done and "lock" not in done:
            return number
    return _LOCKED
