"""Rules that find one line and one entry.

Each is one statement. A pair counts only when it is the only candidate on both sides: of the same reference, amount and
currency for ``exact``, of the same reference and currency for ``fee`` and ``tolerance``. The dates are compared after
that, so that a window never makes a choice among several.
"""

from typing import Any, Final

from django.db import connection

from zentra.reconciliation.matching.engine.grouping import join_by_hash, last_match, take_away
from zentra.reconciliation.matching.engine.working import OF_COMPLETE
from zentra.reconciliation.matching.types import Rule
from zentra.reconciliation.references import normalise_reference

_NOT_APART: Final = (
    """NOT EXISTS (SELECT FROM recon_w_apart a WHERE a.line_id = l.line_id AND a.entry_id = e.entry_id)"""
)
_IN_TIME: Final = "(%(within)s::integer IS NULL OR abs(l.day - e.day) <= %(within)s::integer)"
# The indexes of references leave out empty ones, so each look-up says that it wants none.
# Something else of the account bears this reference, now or in the past: the pair is one of several, who knows which.
# The line itself, sent again, is nothing else. Looked up for each pair that was found, so that it never grows with
# history.
_NOT_ALONE: Final = f"""
DELETE FROM recon_w_match m
 WHERE m.n > %(after)s AND (
   EXISTS (SELECT FROM recon_line x WHERE x.account_id = %(account)s AND x.reference = m.explanation ->> 'reference'
              AND x.reference <> '' AND x.id <> m.line_id AND {OF_COMPLETE}
              AND NOT EXISTS (SELECT FROM recon_line y WHERE y.id = m.line_id AND y.fingerprint = x.fingerprint))
   OR EXISTS (SELECT FROM recon_entry x WHERE x.account_id = %(account)s AND x.reference = m.explanation ->> 'reference'
                 AND x.reference <> '' AND x.entry_id <> m.entry_id))
"""  # noqa: S608  # constants
_EXACT: Final = f"""
INSERT INTO recon_w_match (rule, line_id, entry_id, lines, entries, line_minor, entry_minor, fee_minor, currency,
                           explanation)
WITH l AS (
  SELECT reference, currency, cmp, any_value(line_id) AS line_id, any_value(amount) AS amount, any_value(day) AS day
    FROM recon_w_line WHERE reference <> '' AND NOT is_repeated GROUP BY reference, currency, cmp
  HAVING count(*) = 1 AND NOT bool_or(is_fee_off)
), e AS (
  SELECT reference, currency, amount, any_value(entry_id) AS entry_id, any_value(day) AS day
    FROM recon_w_entry WHERE reference <> '' GROUP BY reference, currency, amount HAVING count(*) = 1
)
SELECT %(rule)s, l.line_id, e.entry_id, 1, 1, l.amount, e.amount, e.amount - l.amount, l.currency,
       jsonb_build_object('reference', l.reference, 'amount_minor', e.amount, 'days', abs(l.day - e.day))
  FROM l JOIN e ON e.reference = l.reference AND e.currency = l.currency AND e.amount = l.cmp
 WHERE {_IN_TIME} AND {_NOT_APART}
"""  # noqa: S608  # constants
_PAIRS: Final = f"""
INSERT INTO recon_w_match (rule, line_id, entry_id, lines, entries, line_minor, entry_minor, fee_minor, currency,
                           explanation)
WITH l AS (
  SELECT reference, any_value(currency) AS currency, any_value(line_id) AS line_id, any_value(amount) AS amount,
         any_value(cmp) AS cmp, any_value(gross) AS gross, any_value(batch) AS batch, any_value(day) AS day
    FROM recon_w_line WHERE reference <> '' AND NOT is_repeated GROUP BY reference
  HAVING count(*) = 1 AND NOT bool_or(is_fee_off)
), e AS (
  SELECT reference, any_value(currency) AS currency, any_value(entry_id) AS entry_id, any_value(amount) AS amount,
         any_value(day) AS day
    FROM recon_w_entry WHERE reference <> '' GROUP BY reference HAVING count(*) = 1
)
SELECT %(rule)s, l.line_id, e.entry_id, 1, 1, l.amount, e.amount, {{fee}}, l.currency, {{says}}
  FROM l JOIN e ON e.reference = l.reference AND e.currency = l.currency AND sign(e.amount) = sign(l.cmp)
 WHERE {_IN_TIME} AND {_NOT_APART}
   AND {{agrees}}
"""  # noqa: S608  # constants
# Told by the line itself, or what the agreed table makes of the entry's amount. What one person's rules may settle has
# the bounds of what one person may match: a table takes a fifth at most, and on a bank's account, where nobody posts
# the fee, one that is told stays below the limit or near the table.
_EXPECTED: Final = "(floor((abs(e.amount)::numeric * %(percent)s + 5000) / 10000) + %(fixed)s)"
_OF_TABLE: Final = f"""(%(has_table)s AND starts_with(l.batch || l.reference, %(source)s)
   AND {_EXPECTED} <= floor(abs(e.amount)::numeric / 5) + %(limit)s
   AND abs(abs(e.amount) - abs(l.amount) - {_EXPECTED}) <= least(%(tolerance)s, %(limit)s))"""
_FEE_AGREES: Final = f"""
(CASE WHEN l.gross IS NULL THEN {_OF_TABLE}
      ELSE l.gross = e.amount AND (%(is_rail)s OR abs(e.amount - l.amount) <= %(limit)s OR {_OF_TABLE}) END)
"""
_FEE_SAYS: Final = """jsonb_build_object('reference', l.reference, 'gross_minor', e.amount, 'net_minor', l.amount,
  'fee_minor', e.amount - l.amount, 'fee_from', CASE WHEN l.gross IS NULL THEN 'table' ELSE 'line' END,
  'days', abs(l.day - e.day))"""
_ALLOWED: Final = "least(%(limit)s, greatest(%(tolerance)s, floor(abs(e.amount)::numeric * %(tolerance_bp)s / 10000)))"
_TOLERANCE_AGREES: Final = f"abs(e.amount - l.cmp) <= {_ALLOWED}"
_TOLERANCE_SAYS: Final = f"""jsonb_build_object('reference', l.reference, 'amount_minor', e.amount,
  'difference_minor', e.amount - l.cmp, 'allowed_minor', {_ALLOWED}, 'days', abs(l.day - e.day))"""


def find_pairs(*, rule: Rule, values: dict[str, Any]) -> int:
    """Let one of the rules exact, fee and tolerance find its pairs; how many.

    ``values``: the account, ``is_rail``, and ``limit``, the difference that one person may match alone.
    """
    with connection.cursor() as cursor:
        after = last_match(cursor=cursor)
        found = join_by_hash(cursor=cursor, statement=_statement(rule), values={**values, **_numbers(rule)})
        if rule.kind != "exact":
            found -= leave_alone(cursor=cursor, after=after, values=values)
        if found:
            take_away(cursor=cursor, after=after)
    return found


def leave_alone(*, cursor: Any, after: int, values: dict[str, Any]) -> int:
    """Drop the pairs found since whose reference something else bears too; how many."""
    cursor.execute(_NOT_ALONE, {**values, "after": after})
    return int(cursor.rowcount)


def _statement(rule: Rule) -> str:
    if rule.kind == "exact":
        return _EXACT
    if rule.kind == "fee":
        return _PAIRS.format(fee="e.amount - l.amount", says=_FEE_SAYS, agrees=_FEE_AGREES)
    return _PAIRS.format(fee="l.cmp - l.amount", says=_TOLERANCE_SAYS, agrees=_TOLERANCE_AGREES)


def _numbers(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.key,
        "within": rule.within_days,
        "percent": rule.fee_percent_bp,
        "fixed": rule.fee_fixed_minor,
        "has_table": rule.has_fee_table,
        "source": normalise_reference(rule.source),
        "tolerance": rule.tolerance_minor,
        "tolerance_bp": rule.tolerance_bp,
    }
