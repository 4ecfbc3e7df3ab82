"""What is left open, told apart by kind: one statement for the lines, one for the entries.

Reads the working tables after the rules have taken away what they matched. An entry that a line's exception names has
none of its own, and an entry is nobody's fault before its money is due: while no statement covers the day on which it
should be there, it is in transit.
"""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from zentra.reconciliation.matching.calendars import add_business_days
from zentra.reconciliation.matching.engine.working import EXPECTED_FEE, OF_COMPLETE, fee_case, fee_values
from zentra.reconciliation.matching.locks import Locked
from zentra.reconciliation.matching.types import Rule

_TABLE: Final = """
DROP TABLE IF EXISTS pg_temp.recon_w_exception;
CREATE TEMP TABLE recon_w_exception (
  n bigint GENERATED ALWAYS AS IDENTITY, line_id uuid, entry_id uuid, expected_id uuid, kind text NOT NULL,
  amount bigint NOT NULL, difference bigint NOT NULL, currency text NOT NULL, happened_on date NOT NULL,
  intent_id text, facts jsonb NOT NULL) ON COMMIT DROP;
"""
_GROUPS: Final = """
WITH lr AS MATERIALIZED (
  SELECT reference, count(*) AS n, sum(cmp) AS total FROM recon_w_line WHERE reference <> '' GROUP BY reference
), er AS MATERIALIZED (
  SELECT reference, count(*) AS n, sum(amount) AS total, any_value(entry_id) AS entry_id,
         any_value(currency) AS currency, any_value(amount) AS amount, any_value(day) AS day
    FROM recon_w_entry WHERE reference <> '' GROUP BY reference
), lk AS MATERIALIZED (
  SELECT reference, currency, cmp, count(*) AS n FROM recon_w_line WHERE reference <> ''
   GROUP BY reference, currency, cmp
), ek AS MATERIALIZED (
  SELECT reference, currency, amount, count(*) AS n FROM recon_w_entry WHERE reference <> ''
   GROUP BY reference, currency, amount
), lb AS MATERIALIZED (
  SELECT batch, count(*) AS n, sum(cmp) AS total FROM recon_w_line WHERE batch <> '' AND reference <> batch
   GROUP BY batch
), eb AS MATERIALIZED (
  SELECT batch, count(*) AS n, sum(amount) AS total FROM recon_w_entry WHERE batch <> '' GROUP BY batch
)
"""
# An entry of another account that bears the line's reference in another currency: reported under the wrong one.
_ELSEWHERE: Final = """
LEFT JOIN LATERAL (
  SELECT x.entry_id, x.amount_minor, x.currency, x.intent_id
    FROM recon_account a
    JOIN recon_entry x ON x.account_id = a.id AND x.reference = l.reference AND x.reference <> ''
    JOIN recon_open_entry o ON o.entry_id = x.entry_id
   WHERE a.id <> %(account)s AND a.currency <> l.currency AND l.reference <> '' AND er.n IS NULL
   ORDER BY x.entry_id LIMIT 1) w ON true
"""
_LINES: Final = f"""
INSERT INTO recon_w_exception (line_id, entry_id, kind, amount, difference, currency, happened_on, intent_id, facts)
{_GROUPS}SELECT l.line_id, p.entry_id, k.kind, l.amount,
       CASE k.kind WHEN 'fee_variance' THEN coalesce(f.fee - abs(l.gross - l.amount), l.cmp - coalesce(e.amount, l.cmp))
                   WHEN 'split_mismatch' THEN g.lines_minor - g.entries_minor
                   WHEN 'date_differs' THEN 0 WHEN 'amount_differs' THEN l.cmp - e.amount ELSE l.amount END,
       l.currency, l.booked_on, coalesce(x.intent_id, w.intent_id),
       jsonb_strip_nulls(jsonb_build_object(
         'reference', nullif(l.reference, ''), 'batch', nullif(l.batch, ''), 'line_minor', l.amount,
         'entry_minor', CASE WHEN p.entry_id IS NOT NULL THEN coalesce(e.amount, w.amount_minor) END,
         'entry_currency', CASE k.kind WHEN 'currency_differs' THEN coalesce(e.currency, w.currency) END,
         'fee_minor', CASE k.kind WHEN 'fee_variance' THEN abs(l.gross - l.amount) END,
         'agreed_fee_minor', CASE k.kind WHEN 'fee_variance' THEN f.fee END,
         'days', CASE k.kind WHEN 'date_differs' THEN abs(e.day - l.day) END,
         'days_allowed', CASE k.kind WHEN 'date_differs' THEN %(window)s::integer END,
         'lines', CASE k.kind WHEN 'split_mismatch' THEN g.lines WHEN 'duplicate' THEN coalesce(lr.n, lb.n) END,
         'entries', CASE k.kind WHEN 'split_mismatch' THEN g.entries WHEN 'duplicate' THEN coalesce(er.n, eb.n, 0) END,
         'lines_minor', CASE k.kind WHEN 'split_mismatch' THEN g.lines_minor END,
         'entries_minor', CASE k.kind WHEN 'split_mismatch' THEN g.entries_minor END,
         'same_line_twice', CASE WHEN l.is_repeated THEN true END))
  FROM recon_w_line l
  LEFT JOIN lr ON lr.reference = l.reference
  LEFT JOIN er ON er.reference = l.reference
  LEFT JOIN er e ON e.reference = l.reference AND e.n = 1 AND lr.n = 1
  LEFT JOIN recon_entry x ON x.entry_id = e.entry_id
  LEFT JOIN lk ON lk.reference = l.reference AND lk.currency = l.currency AND lk.cmp = l.cmp
  LEFT JOIN ek ON ek.reference = l.reference AND ek.currency = l.currency AND ek.amount = l.cmp
  LEFT JOIN lb ON lb.batch = l.batch AND l.reference <> l.batch
  LEFT JOIN eb ON eb.batch = l.batch AND l.reference <> l.batch
{_ELSEWHERE} CROSS JOIN LATERAL (SELECT {{fee}} AS fee) f
 CROSS JOIN LATERAL (SELECT CASE WHEN er.n > 0 THEN lr.n ELSE lb.n END AS lines,
                            CASE WHEN er.n > 0 THEN er.n ELSE eb.n END AS entries,
                            CASE WHEN er.n > 0 THEN lr.total ELSE lb.total END AS lines_minor,
                            CASE WHEN er.n > 0 THEN er.total ELSE eb.total END AS entries_minor) g
 CROSS JOIN LATERAL (SELECT CASE
    WHEN l.is_repeated THEN 'duplicate'
    WHEN l.is_fee_off THEN 'fee_variance'
    WHEN e.n = 1 AND e.currency <> l.currency THEN 'currency_differs'
    WHEN e.n = 1 AND e.amount = l.cmp AND abs(e.day - l.day) > %(window)s::integer THEN 'date_differs'
    WHEN e.n = 1 AND e.amount = l.cmp THEN 'line_only'
    WHEN e.n = 1 AND e.amount = l.gross THEN 'fee_variance'
    WHEN e.n = 1 AND abs(e.amount) > abs(l.cmp) AND sign(e.amount) = sign(l.cmp)
         AND abs(e.amount) - abs(l.cmp) <= {{most_fee}} THEN 'fee_variance'
    WHEN e.n = 1 THEN 'amount_differs'
    WHEN ek.n > 0 AND ek.n + lk.n > 2 THEN 'duplicate'
    WHEN er.n > 0 OR eb.n > 0 THEN 'split_mismatch'
    WHEN l.reference <> '' AND EXISTS (
         SELECT FROM recon_line x WHERE x.account_id = %(account)s AND x.reference = l.reference AND x.reference <> ''
            AND x.amount_minor = l.amount AND x.currency = l.currency AND x.id <> l.line_id
            AND {OF_COMPLETE}) THEN 'duplicate'
    WHEN w.entry_id IS NOT NULL THEN 'currency_differs'
    ELSE 'line_only' END AS kind) k
 CROSS JOIN LATERAL (SELECT CASE WHEN k.kind IN ('amount_differs', 'date_differs', 'fee_variance', 'currency_differs')
                                 THEN coalesce(e.entry_id, w.entry_id) END AS entry_id) p
"""  # noqa: S608  # constants
_ENTRIES: Final = f"""
INSERT INTO recon_w_exception (entry_id, expected_id, kind, amount, difference, currency, happened_on, intent_id, facts)
{_GROUPS}SELECT e.entry_id, CASE k.kind WHEN 'missing' THEN d.id END, k.kind, e.amount,
       CASE k.kind WHEN 'split_mismatch' THEN coalesce(lr.total, lb.total) - coalesce(er.total, eb.total)
                   ELSE -e.amount END,
       e.currency, e.effective_on, x.intent_id,
       jsonb_strip_nulls(jsonb_build_object(
         'reference', nullif(e.reference, ''), 'batch', nullif(x.batch, ''), 'entry_minor', e.amount,
         'due_on', CASE k.kind WHEN 'missing' THEN d.due_on END,
         'lines', CASE WHEN k.kind IN ('split_mismatch', 'duplicate') THEN coalesce(lr.n, lb.n, 0) END,
         'entries', CASE WHEN k.kind IN ('split_mismatch', 'duplicate') THEN coalesce(er.n, eb.n) END,
         'lines_minor', CASE k.kind WHEN 'split_mismatch' THEN coalesce(lr.total, lb.total) END,
         'entries_minor', CASE k.kind WHEN 'split_mismatch' THEN coalesce(er.total, eb.total) END))
  FROM recon_w_entry e
  JOIN recon_entry x ON x.entry_id = e.entry_id
  LEFT JOIN lr ON lr.reference = e.reference
  LEFT JOIN er ON er.reference = e.reference
  LEFT JOIN lk ON lk.reference = e.reference AND lk.currency = e.currency AND lk.cmp = e.amount
  LEFT JOIN ek ON ek.reference = e.reference AND ek.currency = e.currency AND ek.amount = e.amount
  LEFT JOIN lb ON lb.batch = e.batch
  LEFT JOIN eb ON eb.batch = e.batch
  LEFT JOIN (
    SELECT DISTINCT ON (d.reference) d.reference, d.id, d.state, d.due_on FROM recon_expected d
     WHERE d.account_id = %(account)s AND d.reference <> '' AND d.state IN ('expected', 'missing')
     ORDER BY d.reference, d.id) d ON d.reference = e.reference
 CROSS JOIN LATERAL (SELECT CASE
    WHEN d.state = 'missing' THEN 'missing'
    WHEN lr.n = 1 AND er.n = 1 THEN 'entry_only'
    WHEN lr.n > 0 AND (ek.n > 1 OR lk.n > 1) THEN 'duplicate'
    WHEN lr.n > 0 OR lb.n > 0 THEN 'split_mismatch'
    WHEN e.reference <> '' AND EXISTS (
         SELECT FROM recon_entry z WHERE z.account_id = %(account)s AND z.reference = e.reference AND z.reference <> ''
            AND z.amount_minor = e.amount AND z.currency = e.currency AND z.entry_id <> e.entry_id) THEN 'duplicate'
    ELSE 'entry_only' END AS kind) k
 WHERE (d.state = 'missing' OR (d.state IS NULL AND e.effective_on <= %(late_from)s::date))
   AND NOT EXISTS (SELECT FROM recon_w_exception o WHERE o.entry_id = e.entry_id)
   AND NOT EXISTS (SELECT FROM recon_exception o
                    WHERE o.entry_id = e.entry_id AND o.account_id <> %(account)s AND o.state <> 'resolved')
"""  # noqa: S608  # constants
# The subject of an exception is its line, else its entry.
_SUBJECT: Final = """
  LEFT JOIN recon_match_item i ON i.stands AND i.line_id = x.line_id
  LEFT JOIN recon_match_item j ON j.stands AND x.line_id IS NULL AND j.entry_id = x.entry_id
  LEFT JOIN recon_match m ON m.id = coalesce(i.match_id, j.match_id)
  LEFT JOIN recon_w_exception a ON a.line_id = x.line_id
  LEFT JOIN recon_w_exception b ON b.line_id IS NULL AND x.line_id IS NULL AND b.entry_id = x.entry_id
"""
_RESOLVE: Final = f"""
UPDATE recon_exception x
   SET state = 'resolved', resolution = s.resolution, match_id = coalesce(s.match_id, x.match_id),
       resolved_by = %(actor)s::jsonb, resolved_at = %(now)s, version = x.version + 1
  FROM (
    SELECT x.id, CASE WHEN m.state = 'confirmed' THEN 'matched' ELSE 'gone' END AS resolution, m.id AS match_id
      FROM recon_exception x {_SUBJECT}
     WHERE x.account_id = %(account)s AND x.state <> 'resolved' AND coalesce(x.line_id, x.entry_id) IS NOT NULL
       AND (m.state = 'confirmed' OR (m.id IS NULL AND x.state = 'open' AND a.n IS NULL AND b.n IS NULL))) s
 WHERE x.id = s.id
RETURNING x.id, x.kind, x.resolution, x.match_id, x.amount_minor, x.difference_minor, x.currency
"""  # noqa: S608  # constants
_CHANGE: Final = """
UPDATE recon_exception x
   SET kind = w.kind, entry_id = w.entry_id, amount_minor = w.amount, difference_minor = w.difference,
       facts = w.facts, intent_id = coalesce(w.intent_id, x.intent_id), version = x.version + 1,
       expected_id = CASE WHEN w.expected_id IS NOT NULL AND NOT EXISTS (
         SELECT FROM recon_exception o WHERE o.expected_id = w.expected_id AND o.state <> 'resolved' AND o.id <> x.id)
         THEN w.expected_id ELSE x.expected_id END
  FROM recon_w_exception w
 WHERE x.account_id = %(account)s AND x.state = 'open'
   AND {subject}
   AND (x.kind, x.entry_id, x.difference_minor) IS DISTINCT FROM (w.kind, w.entry_id, w.difference)
"""
_SUBJECTS: Final = (
    "w.line_id = x.line_id",
    "w.line_id IS NULL AND x.line_id IS NULL AND w.entry_id = x.entry_id",
    # Money that was missed before its entry was taken over: the entry is what it is about.
    """w.line_id IS NULL AND x.line_id IS NULL AND x.entry_id IS NULL AND w.expected_id = x.expected_id
   AND NOT EXISTS (SELECT FROM recon_exception o
                    WHERE o.entry_id = w.entry_id AND o.line_id IS NULL AND o.state <> 'resolved')""",
)
_ID: Final = """(lpad(to_hex(%(ms)s::bigint + (w.n >> 12)), 12, '0') || '7' || lpad(to_hex(w.n & 4095), 3, '0')
  || %(salt)s)::uuid"""
# What a person settled without a match is not asked again, whatever it would be called now: only of an entry that they
# did not see beside it.
_OPEN: Final = f"""
INSERT INTO recon_exception (id, account_id, kind, state, line_id, entry_id, expected_id, intent_id, amount_minor,
  difference_minor, currency, facts, happened_on, due_at, resolution, reason_code, reason, opened_at)
SELECT {_ID}, %(account)s, w.kind, 'open', w.line_id, w.entry_id, w.expected_id, w.intent_id, w.amount, w.difference,
       w.currency, w.facts, w.happened_on, %(due_at)s, '', '', '', %(now)s
  FROM recon_w_exception w
 WHERE NOT EXISTS (
   SELECT FROM recon_exception x
    WHERE w.line_id = x.line_id
      AND (x.state <> 'resolved' OR (x.resolution NOT IN ('matched', 'gone')
           AND (w.entry_id IS NULL OR w.entry_id = x.entry_id))))
   AND NOT EXISTS (
   SELECT FROM recon_exception x
    WHERE w.line_id IS NULL AND x.line_id IS NULL AND w.entry_id = x.entry_id
      AND (x.state <> 'resolved' OR x.resolution NOT IN ('matched', 'gone')))
   AND NOT EXISTS (
   SELECT FROM recon_exception x WHERE w.expected_id = x.expected_id AND x.state <> 'resolved')
RETURNING id, kind
"""  # noqa: S608  # constants
_BREAKS: Final = """
INSERT INTO recon_exception (id, account_id, kind, state, statement_id, amount_minor, difference_minor, currency, facts,
  happened_on, due_at, resolution, reason_code, reason, opened_at)
SELECT (lpad(to_hex(%(ms)s::bigint), 12, '0') || '7' || lpad(to_hex(row_number() OVER () + 2048), 3, '0')
         || %(salt)s)::uuid, s.account_id,
       'continuity_break', 'open', s.id, coalesce(s.opening_minor, 0), coalesce(s.break_minor, 0), s.currency,
       jsonb_strip_nulls(jsonb_build_object('continuity', s.continuity, 'sequence', s.sequence,
         'opening_minor', s.opening_minor, 'closing_before_minor', s.opening_minor - s.break_minor)),
       s.starts_on, %(due_at)s, '', '', '', %(now)s
  FROM recon_statement s
 WHERE s.account_id = %(account)s AND s.is_complete AND s.continuity IN ('gap', 'overlap')
   AND NOT EXISTS (SELECT FROM recon_exception x WHERE x.statement_id = s.id AND x.kind = 'continuity_break'
                       AND (x.state <> 'resolved' OR x.resolution <> 'gone'))
 ORDER BY s.id LIMIT 1000
RETURNING id, kind
"""
# The statement that was missing has come in.
_MENDED: Final = """
UPDATE recon_exception x
   SET state = 'resolved', resolution = 'gone', resolved_by = %(actor)s::jsonb, resolved_at = %(now)s,
       version = x.version + 1
  FROM recon_statement s
 WHERE x.account_id = %(account)s AND x.kind = 'continuity_break' AND x.state = 'open' AND s.id = x.statement_id
   AND s.continuity NOT IN ('gap', 'overlap')
RETURNING x.id, x.kind, x.resolution, x.match_id, x.amount_minor, x.difference_minor, x.currency
"""
# A statement that ends in years to come does not tell what it covers.
_COVERED: Final = "SELECT max(ends_on) FROM recon_statement WHERE account_id = %s AND is_complete AND ends_on <= %s"
_NO_DAY: Final = date(1, 1, 1)
_FEE_GUESS: Final = 3
"""A difference of up to this many times the agreed fee is told as one of the fee."""


def sort_open(*, account: Locked, rules: Sequence[Rule], today: date) -> None:
    """Fill ``recon_w_exception``: each open line, and each entry whose money is late, with its kind and facts."""
    tables = [rule for rule in rules if rule.is_on and rule.has_fee_table]
    windows = [rule.within_days for rule in rules if rule.is_on and rule.kind == "exact"]
    named = {"l.gross_minor": "l.gross", "l.kind": "''"}
    fee = fee_case(tables, then=EXPECTED_FEE) if tables else "NULL::numeric"
    for stored, working in named.items():
        fee = fee.replace(stored, working)
    values = {
        **fee_values(tables),
        "account": account.key,
        "window": None if None in windows or not windows else max(day for day in windows if day is not None),
        "late_from": _late_from(account, today),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute(_LINES.format(fee=fee, most_fee=_most_fee(tables, values)), values)
        cursor.execute(_ENTRIES, values)
        cursor.execute("ANALYZE recon_w_exception")


def _most_fee(tables: Sequence[Rule], values: dict[str, Any]) -> str:
    """How large a difference may be to be one of the fee, over ``e`` and ``l``, where the line tells none."""
    branches = []
    for number, rule in enumerate(tables):
        values[f"most_{number}"], values[f"base_{number}"] = rule.fee_percent_bp, rule.fee_fixed_minor
        branches.append(
            f"WHEN l.gross IS NULL AND starts_with(l.batch || l.reference, %(fee_source_{number})s) THEN {_FEE_GUESS} *"
            f" (floor((abs(e.amount)::numeric * %(most_{number})s + 5000) / 10000) + %(base_{number})s)"
        )
    return f"CASE {' '.join(branches)} ELSE 0 END" if branches else "0"


def _late_from(account: Locked, today: date) -> date:
    """The last day whose entries should be on a statement by now."""
    with connection.cursor() as cursor:
        cursor.execute(_COVERED, [account.key, today + timedelta(days=1)])
        covered: date | None = cursor.fetchone()[0]
    if covered is None:
        return _NO_DAY
    day = covered
    while day > _NO_DAY and add_business_days(day, account.settle_days, calendar=account.calendar) > covered:
        day = date.fromordinal(day.toordinal() - 1)
    return day


def keep_exceptions(*, account: Locked, actor: str, due_at: datetime, now: datetime) -> tuple[list[Any], list[Any]]:
    """Resolve what is matched or gone, change what is now something else, open what is new.

    Returns the rows of what was resolved (id, kind, resolution, match_id, amount, difference, currency) and of what was
    opened (id, kind).
    """
    values: dict[str, Any] = {
        "account": account.key, "actor": actor, "now": now, "due_at": due_at, "ms": int(now.timestamp() * 1000),
        "salt": f"{8 | secrets.randbelow(4):x}{secrets.token_hex(8)[1:]}",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, values)
        resolved = cursor.fetchall()
        cursor.execute(_MENDED, values)
        resolved.extend(cursor.fetchall())
        for subject in _SUBJECTS:
            cursor.execute(_CHANGE.format(subject=subject), values)
        cursor.execute(_OPEN, values)
        opened = cursor.fetchall()
        cursor.execute(_BREAKS, {**values, "salt": f"{8 | secrets.randbelow(4):x}{secrets.token_hex(8)[1:]}"})
        opened.extend(cursor.fetchall())
    return resolved, opened
