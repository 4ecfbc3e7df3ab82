"""The figures of a tie-out: statement − ledger, part by part, until nothing is left or what is left is told.

Every line and entry up to the end of a period is matched with others inside it, or with others beyond its end, or
open. statement − ledger is the sum over all of them, so it splits into parts without remainder; what no line and no
entry accounts for (an opening balance, a statement that is missing) is a part too.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ledger.queries import balances_as_of
from zentra.core import ids
from zentra.core.canonical import dumps, sha256_hex
from zentra.reconciliation.closeout.models import Period, TieOut
from zentra.reconciliation.closeout.store import rows
from zentra.reconciliation.closeout.types import Figures, Part
from zentra.reconciliation.matching.calendars import add_business_days
from zentra.reconciliation.statements.queries import list_reconciled_accounts
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_INSTANT: Final = timedelta(microseconds=1)
_LONGEST: Final = 100  # days: settle_days is at most 60 business days
Began = Mapping[str, tuple[datetime | None, date | None]]

# What a line counts: on a rail's account its gross, which is what an entry of the receivable says.
_WORTH: Final = "CASE WHEN %(is_rail)s THEN coalesce(l.gross_minor, l.amount_minor) ELSE l.amount_minor END"
_EXPLAINED: Final = """
EXISTS (SELECT FROM recon_exception x WHERE x.{column} = {id} AND x.state = 'resolved'
           AND x.resolution IN ('explained', 'disputed'))
"""
# Lines and entries without a confirmed match: those of the worklists, and those of matches that wait for somebody.
_OPEN_LINES: Final = f"""
SELECT CASE WHEN {_EXPLAINED.format(column="line_id", id="l.id")} THEN 'explained' ELSE 'line_open' END, count(*),
       sum({_WORTH})
  FROM (SELECT o.line_id FROM recon_open_line o WHERE o.account_id = %(account)s
         UNION
        SELECT i.line_id FROM recon_match m JOIN recon_match_item i ON i.match_id = m.id AND i.stands
         WHERE m.account_id = %(account)s AND m.state = 'proposed' AND i.line_id IS NOT NULL) o
  JOIN recon_line l ON l.id = o.line_id
  JOIN recon_statement s ON s.id = l.statement_id AND s.is_complete
 WHERE l.booked_on <= %(day)s
 GROUP BY 1
"""  # noqa: S608  # constants
_OPEN_ENTRIES: Final = f"""
SELECT CASE WHEN {_EXPLAINED.format(column="entry_id", id="e.entry_id")} THEN 'explained'
            WHEN e.effective_on >= %(due_from)s THEN 'entry_in_transit' ELSE 'entry_open' END,
       count(*), -sum(e.amount_minor)
  FROM (SELECT o.entry_id FROM recon_open_entry o WHERE o.account_id = %(account)s
         UNION
        SELECT i.entry_id FROM recon_match m JOIN recon_match_item i ON i.match_id = m.id AND i.stands
         WHERE m.account_id = %(account)s AND m.state = 'proposed' AND i.entry_id IS NOT NULL) o
  JOIN recon_entry e ON e.entry_id = o.entry_id
 WHERE e.effective_at < %(end)s
 GROUP BY 1
"""  # noqa: S608  # constants
# Confirmed matches that leave a difference, and those that reach over the end; whoever is inside counts.
_MATCHES: Final = f"""
WITH touched AS (
  SELECT m.id FROM recon_match m
   WHERE m.account_id = %(account)s AND m.state = 'confirmed' AND m.line_minor <> m.entry_minor
   UNION
  SELECT i.match_id FROM recon_line l JOIN recon_match_item i ON i.line_id = l.id AND i.stands
    JOIN recon_match m ON m.id = i.match_id AND m.state = 'confirmed'
   WHERE l.account_id = %(account)s AND l.booked_on > %(day)s
   UNION
  SELECT i.match_id FROM recon_entry e JOIN recon_match_item i ON i.entry_id = e.entry_id AND i.stands
    JOIN recon_match m ON m.id = i.match_id AND m.state = 'confirmed'
   WHERE e.account_id = %(account)s AND e.effective_at >= %(end)s
), told AS (
  SELECT t.id,
         coalesce(sum({_WORTH}) FILTER (WHERE l.booked_on <= %(day)s), 0)
           - coalesce(sum(e.amount_minor) FILTER (WHERE e.effective_at < %(end)s), 0) AS left_minor,
         coalesce(bool_or(l.booked_on > %(day)s OR e.effective_at >= %(end)s), false) AS is_over
    FROM touched t
    JOIN recon_match_item i ON i.match_id = t.id AND i.stands
    LEFT JOIN recon_line l ON l.id = i.line_id
    LEFT JOIN recon_entry e ON e.entry_id = i.entry_id
   GROUP BY t.id
)
SELECT CASE WHEN is_over THEN 'match_over_the_end' ELSE 'match_difference' END, count(*), sum(left_minor)
  FROM told WHERE left_minor <> 0 GROUP BY 1
"""  # noqa: S608  # constants
_CLOSING: Final = """
SELECT s.id, s.ends_on, s.closing_minor FROM recon_statement s
 WHERE s.account_id = %(account)s AND s.is_complete AND s.ends_on <= %(day)s AND s.closing_minor IS NOT NULL
 ORDER BY s.ends_on DESC, s.sequence DESC NULLS LAST, s.id DESC LIMIT 1
"""
_REPORTED: Final = f"""
SELECT (array_agg(s.id ORDER BY s.ends_on DESC, s.id DESC))[1], max(s.ends_on), sum({_WORTH})
  FROM recon_line l JOIN recon_statement s ON s.id = l.statement_id AND s.is_complete
 WHERE l.account_id = %(account)s AND l.booked_on <= %(day)s
HAVING count(*) > 0
"""  # noqa: S608  # constants
_COUNTS: Final = """
SELECT (SELECT count(*) FROM recon_statement s WHERE s.account_id = %(account)s AND s.is_complete
           AND s.ends_on BETWEEN %(first)s AND %(day)s),
       (SELECT count(*) FROM recon_exception x WHERE x.account_id = %(account)s AND x.state <> 'resolved'
           AND x.happened_on <= %(day)s)
"""
# Since when an account has entries and statements; both read an index.
_BEGAN: Final = """
SELECT a.id,
       (SELECT min(e.effective_at) FROM recon_entry e WHERE e.account_id = a.id AND e.effective_on =
          (SELECT min(f.effective_on) FROM recon_entry f WHERE f.account_id = a.id)),
       (SELECT min(s.starts_on) FROM recon_statement s WHERE s.account_id = a.id AND s.is_complete)
  FROM recon_account a
"""
_GROUPS: Final = {
    "entry_in_transit": "in_transit",
    "match_over_the_end": "in_transit",
    "match_difference": "explained",
    "explained": "explained",
}


def reconciled_accounts(period: Period) -> list[ReconciledAccountRecord]:
    """The accounts that are tied out in a period, by id: those that were kept, or had money, at some time of it.

    One that has a tie-out stays, whenever it was closed: what was computed or signed does not drop out. A locked
    period has those alone: nothing joins it any more.
    """
    known = TieOut.objects.filter(period_id=period.id).values_list("account_id", flat=True)
    accounts = list_reconciled_accounts(includes_closed=True)
    return accounts_in(period, accounts, {str(each) for each in known}, began_at())


def began_at() -> Began:
    """Since when each reconciled account has entries and statements, by id; None where it has none."""
    return {ids.to_public("rca", key): (entry_at, stated_on) for key, entry_at, stated_on in rows(_BEGAN, [])}


def accounts_in(
    period: Period, accounts: Sequence[ReconciledAccountRecord], computed: Collection[str], began: Began
) -> list[ReconciledAccountRecord]:
    """The same, of all accounts, the ids of those that have a tie-out in the period, and since when they have money."""
    found = [
        each
        for each in accounts
        if each.id in computed or (period.state != "closed" and _is_kept_in(period, each, began))
    ]
    return sorted(found, key=lambda each: each.id)


def compute(period: Period, account: ReconciledAccountRecord, *, today: date) -> Figures:
    """The figures of an account at the end of a period, or up to today where that lies ahead."""
    day = min(period.ends_on, max(today, period.starts_on))
    values: dict[str, Any] = {
        "account": ids.to_uuid(account.id, prefix="rca"),
        "is_rail": account.kind == "rail",
        "first": period.starts_on,
        "day": day,
        "end": period.ends_at,
        "due_from": _due_from(day, account),
    }
    ledger = ledger_balances([account], before=period.ends_at)[account.id]
    statement = rows(_REPORTED if account.kind == "rail" else _CLOSING, values)
    (counts,) = rows(_COUNTS, values)
    closing = None if not statement else int(statement[0][2])
    parts = _parts(values) if closing is not None else []
    rest = (closing or 0) - ledger - sum(part.amount_minor for part in parts)
    if rest:
        parts.append(Part("rest", "unexplained", 1, rest))
    return Figures(
        ledger_minor=ledger,
        statement_minor=closing,
        in_transit_minor=_sum(parts, "in_transit"),
        explained_minor=_sum(parts, "explained"),
        unexplained_minor=_sum(parts, "unexplained"),
        parts=tuple(parts),
        statement_id=ids.to_public("stm", statement[0][0]) if statement else None,
        statement_ends_on=statement[0][1] if statement else None,
        statements=int(counts[0]),
        open_exceptions=int(counts[1]),
    )


def ledger_balances(accounts: Sequence[ReconciledAccountRecord], *, before: datetime) -> dict[str, int]:
    """What the ledger's accounts held when a moment came, in their normal direction, by reconciled account."""
    found = balances_as_of(at=before - _INSTANT, account_ids=[each.ledger_account_id for each in accounts])
    return {
        each.id: found[each.ledger_account_id].posted_minor if each.ledger_account_id in found else 0
        for each in accounts
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    """The figures as they are kept, hashed and signed."""
    return {
        "ledger_minor": figures.ledger_minor,
        "statement_minor": figures.statement_minor,
        "difference_minor": figures.difference_minor,
        "in_transit_minor": figures.in_transit_minor,
        "explained_minor": figures.explained_minor,
        "unexplained_minor": figures.unexplained_minor,
        "parts": [
            {"kind": part.kind, "group": part.group, "count": part.count, "amount_minor": part.amount_minor}
            for part in figures.parts
        ],
        "statement_id": figures.statement_id,
        "statement_ends_on": None if figures.statement_ends_on is None else figures.statement_ends_on.isoformat(),
        "statements": figures.statements,
        "open_exceptions": figures.open_exceptions,
    }


def read_figures(stored: dict[str, Any]) -> Figures:
    """The figures of a row."""
    ends_on = stored["statement_ends_on"]
    return Figures(
        ledger_minor=stored["ledger_minor"],
        statement_minor=stored["statement_minor"],
        in_transit_minor=stored["in_transit_minor"],
        explained_minor=stored["explained_minor"],
        unexplained_minor=stored["unexplained_minor"],
        parts=tuple(Part(**part) for part in stored["parts"]),
        statement_id=stored["statement_id"],
        statement_ends_on=None if ends_on is None else date.fromisoformat(ends_on),
        statements=stored["statements"],
        open_exceptions=stored["open_exceptions"],
    )


def figures_hash(stored: dict[str, Any]) -> str:
    """What is signed: SHA-256 of the figures' canonical form."""
    return sha256_hex(dumps(stored))


def _is_kept_in(period: Period, account: ReconciledAccountRecord, began: Began) -> bool:
    """Whether an account was there in a period: not closed before, and kept or with money before its end."""
    if account.closed_at is not None and account.closed_at < period.starts_at:
        return False
    entry_at, stated_on = began.get(account.id, (None, None))
    return (
        account.created_at < period.ends_at
        or (entry_at is not None and entry_at < period.ends_at)
        or (stated_on is not None and stated_on <= period.ends_on)
    )


def _parts(values: dict[str, Any]) -> list[Part]:
    found: Sequence[tuple[Any, ...]] = [
        *rows(_OPEN_LINES, values),
        *rows(_OPEN_ENTRIES, values),
        *rows(_MATCHES, values),
    ]
    merged: dict[str, tuple[int, int]] = {}
    for kind, count, amount in found:
        before = merged.get(kind, (0, 0))
        merged[kind] = (before[0] + int(count), before[1] + int(amount or 0))
    return [
        Part(kind, _GROUPS.get(kind, "unexplained"), count, amount)  # type: ignore[arg-type]  # words of the table
        for kind, (count, amount) in sorted(merged.items())
    ]


def _sum(parts: Sequence[Part], group: str) -> int:
    return sum(part.amount_minor for part in parts if part.group == group)


def _due_from(day: date, account: ReconciledAccountRecord) -> date:
    """The first day whose money is not due yet on ``day``: what is open from there on is on its way."""
    first = day
    for _ in range(_LONGEST):
        earlier = first - timedelta(days=1)
        if add_business_days(earlier, account.settle_days, calendar=account.calendar) <= day:
            return first
        first = earlier
    return first
