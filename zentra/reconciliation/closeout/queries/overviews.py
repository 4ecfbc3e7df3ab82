"""Where a period stands, in numbers: the five steps of closing it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from zentra.core import ids
from zentra.reconciliation.closeout.calendar import business_day
from zentra.reconciliation.closeout.checklist import TASKS
from zentra.reconciliation.closeout.figures import accounts_in, began_at, read_figures
from zentra.reconciliation.closeout.models import Period, Task, TieOut
from zentra.reconciliation.closeout.queries.items import count_in_flight, count_late
from zentra.reconciliation.closeout.store import get_row, read_period, rows
from zentra.reconciliation.closeout.types import Overview
from zentra.reconciliation.matching.calendars import is_business_day
from zentra.reconciliation.statements.queries import list_reconciled_accounts
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_LOCKED: Final = 6

# Days covered: of each account, how many days of the period lie in some statement of it.
_COUNTS: Final = """
SELECT p.id,
       (SELECT count(*) FROM recon_statement s WHERE s.is_complete AND s.ends_on BETWEEN p.first AND p.last),
       (SELECT coalesce(sum(c.days), 0)
          FROM (SELECT count(DISTINCT d.day) AS days
                  FROM recon_statement s
                 CROSS JOIN LATERAL generate_series(greatest(s.starts_on, p.first), least(s.ends_on, p.last),
                                                    interval '1 day') AS d (day)
                  JOIN recon_account a ON a.id = s.account_id AND (a.closed_at IS NULL OR a.closed_at >= p.starts_at)
                 WHERE s.is_complete AND s.ends_on >= p.first AND s.starts_on <= p.last
                 GROUP BY s.account_id) c),
       (SELECT coalesce(sum(s.lines), 0) FROM recon_statement s
         WHERE s.is_complete AND s.ends_on BETWEEN p.first AND p.last),
       (SELECT count(*) FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
         WHERE l.booked_on BETWEEN p.first AND p.last
           AND NOT EXISTS (SELECT FROM recon_exception x WHERE x.line_id = l.id AND x.state = 'resolved'
                              AND x.resolution IN ('explained', 'disputed'))),
       (SELECT count(*) FROM recon_exception x WHERE x.state <> 'resolved' AND x.happened_on <= p.last)
  FROM unnest(%(ids)s::uuid[], %(firsts)s::date[], %(lasts)s::date[], %(starts)s::timestamptz[])
    AS p (id, first, last, starts_at)
"""
_REACHED: Final = """
SELECT p.id, a.id,
       (SELECT max(s.ends_on) FROM recon_statement s
         WHERE s.account_id = a.id AND s.is_complete AND s.ends_on >= p.first),
       EXISTS (SELECT FROM recon_entry e WHERE e.account_id = a.id AND e.effective_on BETWEEN p.first AND p.last)
  FROM unnest(%(ids)s::uuid[], %(firsts)s::date[], %(lasts)s::date[]) AS p (id, first, last)
 CROSS JOIN recon_account a
"""
Reached = Mapping[UUID, tuple[date | None, bool]]


@dataclass(frozen=True, slots=True)
class _Read:
    """What is read of one period, before it is counted up."""

    row: Period
    counts: Sequence[int]  # statements, days covered, lines, lines open, exceptions
    reached: Reached
    accounts: Sequence[ReconciledAccountRecord]
    tie_outs: Sequence[TieOut]
    ticked: Collection[str]


def get_overview(*, period_id: str, now: datetime) -> Overview:
    """The numbers of a period as they are now; tie-outs as last computed. Raises PeriodNotFound, BadId."""
    return overview_of(row=get_row(period_id), now=now)


def list_overviews(*, limit: int = 12, now: datetime) -> dict[str, Overview]:  # noqa: ARG001  # as every page asks
    """The numbers of the newest periods by id, in a number of queries that does not depend on theirs.

    What needs the ledger and the runtime is not looked at: ``in_flight`` and ``late`` are 0 here.
    """
    return {each.row.id: _overview(each) for each in _read(list(Period.objects.order_by("-starts_on")[:limit]))}


def overview_of(*, row: Period, now: datetime) -> Overview:  # noqa: ARG001  # asked with the moment, as every page is
    """The overview of a period's row."""
    (found,) = _read([row])
    month = f"{row.starts_on:%Y-%m}"
    return replace(_overview(found), in_flight=count_in_flight(at=row.ends_at), late=count_late(month=month))


def _read(periods: Sequence[Period]) -> list[_Read]:
    names = [each.id for each in periods]
    asked: dict[str, list[Any]] = {
        "ids": [ids.to_uuid(each, prefix="prd") for each in names],
        "firsts": [each.starts_on for each in periods],
        "lasts": [each.ends_on for each in periods],
        "starts": [each.starts_at for each in periods],
    }
    counts = {key: [int(each) for each in numbers] for key, *numbers in rows(_COUNTS, asked)}
    reached: defaultdict[UUID, dict[UUID, tuple[date | None, bool]]] = defaultdict(dict)
    for key, account, ends_on, entries in rows(_REACHED, asked):
        reached[key][account] = (ends_on, bool(entries))
    tie_outs: defaultdict[str, list[TieOut]] = defaultdict(list)
    for tie_out in TieOut.objects.filter(period_id__in=names):
        tie_outs[tie_out.period_id].append(tie_out)
    ticked: defaultdict[str, set[str]] = defaultdict(set)
    for task in Task.objects.filter(period_id__in=names, done_at__isnull=False):
        ticked[task.period_id].add(task.key)
    accounts, began = list_reconciled_accounts(includes_closed=True), began_at()
    return [
        _Read(
            row=row,
            counts=counts[key],
            reached=reached[key],
            accounts=accounts_in(row, accounts, {each.account_id for each in tie_outs[row.id]}, began),
            tie_outs=tie_outs[row.id],
            ticked=ticked[row.id],
        )
        for row, key in zip(periods, asked["ids"], strict=True)
    ]


def _overview(found: _Read) -> Overview:
    row, tie_outs = found.row, found.tie_outs
    statements, covered, lines, lines_open, exceptions = found.counts
    unexplained: defaultdict[str, int] = defaultdict(int)
    for each in tie_outs:
        explained = each.explained_hash == each.figures_hash
        unexplained[each.currency] += 0 if explained else abs(each.figures["unexplained_minor"])
    untied = [
        each for each in tie_outs if each.explained_hash != each.figures_hash and not read_figures(each.figures).is_tied
    ]
    draft = Overview(
        period=read_period(row),
        step=0,
        accounts=len(found.accounts),
        reached=sum(_reached(row, each, found.reached) for each in found.accounts),
        statements=statements,
        days_covered=covered,
        days=(row.ends_on - row.starts_on).days + 1,
        lines=lines,
        lines_open=lines_open,
        exceptions=exceptions,
        unexplained=dict(unexplained),
        untied=len(untied),
        tie_outs=len(tie_outs),
        prepared=sum(each.state in ("prepared", "approved") for each in tie_outs),
        approved=sum(each.state == "approved" for each in tie_outs),
        suspended=sum(each.state == "suspended" for each in tie_outs),
        tasks=len(TASKS),
        tasks_done=0,
        in_flight=0,
        late=0,
    )
    done = {kind.key for kind in TASKS if (kind.done(draft) if kind.done else kind.key in found.ticked)}
    return replace(draft, step=_step(done), tasks_done=len(done))


def _reached(row: Period, account: ReconciledAccountRecord, known: Reached) -> bool:
    """Whether an account's statements are all there: a bank's to the last business day, a rail's as it pays.

    A bank's account that was closed has them to the day before, or none if nothing ever moved.
    """
    ends_on, has_entries = known[ids.to_uuid(account.id, prefix="rca")]
    if account.kind == "rail":
        return ends_on is not None or not has_entries
    last = row.ends_on
    if account.closed_at is not None:
        closed_on = business_day(at=account.closed_at, zone=row.time_zone, hour=row.cut_off_hour)
        last = min(last, closed_on - timedelta(days=1))
        if last < row.starts_on or (ends_on is None and not has_entries):
            return True
    while not is_business_day(last, calendar=account.calendar):
        last -= timedelta(days=1)
    return ends_on is not None and ends_on >= last


def _step(done: set[str]) -> int:
    """The first of import, match, resolve, tie out, sign and lock that is not done."""
    for number, key in enumerate(("statements", "match", "exceptions", "tie_out", "lock"), start=1):
        if key not in done and "lock" not in done:
            return number
    return _LOCKED
