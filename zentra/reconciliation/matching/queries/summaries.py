"""How accounts stand."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db import connection

from zentra.core.ids import to_public, to_uuid
from zentra.reconciliation.matching.queries.runs import last_runs
from zentra.reconciliation.matching.types import DayRate, RuleCount, RunRecord, Summary
from zentra.reconciliation.statements.queries import get_reconciled_account

_SUMMARY: Final = """
SELECT a.id,
       (SELECT count(*) FROM recon_open_line o WHERE o.account_id = a.id),
       (SELECT count(*) FROM recon_open_entry o WHERE o.account_id = a.id),
       (SELECT coalesce(sum(l.amount_minor), 0) FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
         WHERE o.account_id = a.id),
       (SELECT coalesce(sum(e.amount_minor), 0) FROM recon_open_entry o JOIN recon_entry e ON e.entry_id = o.entry_id
         WHERE o.account_id = a.id),
       (SELECT coalesce(sum(s.lines), 0) FROM recon_statement s WHERE s.account_id = a.id AND s.is_complete),
       (SELECT count(*) FROM recon_match m WHERE m.account_id = a.id AND m.state = 'proposed'),
       (SELECT coalesce(sum(m.lines), 0) FROM recon_match m WHERE m.account_id = a.id AND m.state = 'proposed'),
       (SELECT count(*) FROM recon_exception x WHERE x.account_id = a.id AND x.state <> 'resolved')
  FROM recon_account a WHERE {where} ORDER BY a.id
"""
_RATES: Final = """
SELECT l.booked_on, count(*),
       count(*) FILTER (WHERE EXISTS (SELECT FROM recon_match_item i JOIN recon_match m ON m.id = i.match_id
                                       WHERE i.line_id = l.id AND i.stands AND m.state = 'confirmed'))
  FROM recon_line l JOIN recon_statement s ON s.id = l.statement_id AND s.is_complete
 WHERE (%(account)s::uuid IS NULL OR l.account_id = %(account)s::uuid) AND l.booked_on BETWEEN %(first)s AND %(last)s
 GROUP BY l.booked_on ORDER BY l.booked_on
"""
_BY_RULE: Final = """
SELECT CASE m.how WHEN 'rule' THEN m.rule ELSE m.how END AS rule, count(DISTINCT m.id), count(*),
       sum(m.entries) FILTER (WHERE i.place = first.place)
  FROM recon_line l
  JOIN recon_match_item i ON i.line_id = l.id AND i.stands
  JOIN recon_match m ON m.id = i.match_id AND m.state = 'confirmed'
 CROSS JOIN LATERAL (SELECT min(f.place) AS place FROM recon_match_item f
                      WHERE f.match_id = m.id AND f.line_id IS NOT NULL) first
 WHERE (%(account)s::uuid IS NULL OR l.account_id = %(account)s::uuid) AND l.booked_on BETWEEN %(first)s AND %(last)s
 GROUP BY 1 ORDER BY 2 DESC, 1
"""
_FOLLOW: Final = """
SELECT a.id, EXISTS (SELECT FROM recon_open_line o WHERE o.account_id = a.id)
         AND NOT EXISTS (SELECT FROM recon_run r
                          WHERE r.account_id = a.id AND r.created_at > now() - interval '1 minute')
  FROM recon_account a WHERE a.closed_at IS NULL ORDER BY a.id
"""


def summarize(*, account_id: str) -> Summary:
    """How an account stands now; raises AccountNotFound, BadId."""
    account = get_reconciled_account(account_id=account_id)
    return _summaries("a.id = %s", [to_uuid(account.id, prefix="rca")])[0]


def summarize_all() -> list[Summary]:
    """How every account stands, by id."""
    return _summaries("true", [])


def match_rates(*, account_id: str | None, from_on: date, to_on: date) -> list[DayRate]:
    """Per booking day, both ends included, how many lines there are and how many are matched; days without are left
    out. Of all accounts when none is named. Raises BadId.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RATES, _between(account_id, from_on, to_on))
        return [DayRate(*row) for row in cursor.fetchall()]


def matched_by_rule(*, account_id: str | None, from_on: date, to_on: date) -> list[RuleCount]:
    """Confirmed matches of lines booked in these days, by rule (``manual`` and ``forced`` count as such).

    A match counts with the lines of it that are booked then. Raises BadId.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BY_RULE, _between(account_id, from_on, to_on))
        return [
            RuleCount(rule, matches, lines, int(entries or 0)) for rule, matches, lines, entries in cursor.fetchall()
        ]


def accounts_to_follow() -> list[tuple[str, bool]]:
    """Accounts that are not closed, and of each whether lines wait and no run was made within a minute."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW)
        return [(to_public("rca", key), waits) for key, waits in cursor.fetchall()]


def _between(account_id: str | None, first: date, last: date) -> dict[str, Any]:
    key = None if account_id is None else to_uuid(account_id, prefix="rca")
    return {"account": key, "first": first, "last": last}


def _summaries(where: str, values: list[Any]) -> list[Summary]:
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARY.format(where=where), values)
        rows = cursor.fetchall()
    runs = last_runs(account_ids=[to_public("rca", row[0]) for row in rows])
    return [_summary(row, runs) for row in rows]


def _summary(row: Sequence[Any], runs: Mapping[str, RunRecord]) -> Summary:
    key, lines, entries, lines_minor, entries_minor, all_lines, proposed, proposed_lines, exceptions = row
    account_id = to_public("rca", key)
    return Summary(
        account_id=account_id,
        open_lines=lines,
        open_entries=entries,
        open_lines_minor=int(lines_minor),
        open_entries_minor=int(entries_minor),
        matched_lines=int(all_lines) - lines - int(proposed_lines),
        lines=int(all_lines),
        proposed=proposed,
        open_exceptions=exceptions,
        last_run=runs.get(account_id),
    )
