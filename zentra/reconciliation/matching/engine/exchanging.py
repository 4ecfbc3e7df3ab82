"""The rule ``fx``: a line and an entry of one reference that are the same money before it was exchanged.

The statement tells what was instructed, in which currency and often at which rate; the entry is in that currency, or
its posting tells the same. A pair counts only when nothing else bears the reference. Where both are in one currency,
they may lie ``tolerance_bp`` apart; where the statement tells its rate, the line may lie that far from it. What does
not agree so is left for people.
"""

from typing import Any, Final

from django.db import connection

from zentra.core.errors import DomainError
from zentra.core.money import exponent
from zentra.reconciliation.matching.engine.grouping import join_by_hash, last_match, take_away
from zentra.reconciliation.matching.engine.pairing import leave_alone
from zentra.reconciliation.matching.types import Rule

_CURRENCIES: Final = """
SELECT currency FROM recon_w_line WHERE original IS NOT NULL
UNION SELECT original_currency FROM recon_w_line WHERE original IS NOT NULL
"""
# A rate is told either way round; a text that is no number says nothing.
_RATE: Final = """
CASE WHEN x.exchange_rate ~ '^[0-9]{1,12}([.][0-9]{1,12})?$' AND x.exchange_rate ~ '[1-9]'
     THEN x.exchange_rate::numeric END
"""
_MADE: Final = (
    "abs(l.cmp) / 10::numeric ^ lx.exponent::numeric / (abs(l.original) / 10::numeric ^ ox.exponent::numeric)"
)
_FIND: Final = f"""
INSERT INTO recon_w_match (rule, line_id, entry_id, lines, entries, line_minor, entry_minor, fee_minor, currency,
                           explanation)
WITH c AS (
  SELECT currency, exponent FROM unnest(%(currencies)s::text[], %(exponents)s::integer[]) AS t (currency, exponent)
), l AS (
  SELECT reference, any_value(currency) AS currency, any_value(line_id) AS line_id, any_value(amount) AS amount,
         any_value(cmp) AS cmp, any_value(original) AS original, any_value(original_currency) AS original_currency,
         any_value(day) AS day
    FROM recon_w_line WHERE reference <> '' AND NOT is_repeated GROUP BY reference
  HAVING count(*) = 1 AND NOT bool_or(is_fee_off) AND any_value(original) IS NOT NULL
), e AS (
  SELECT reference, any_value(currency) AS currency, any_value(entry_id) AS entry_id, any_value(amount) AS amount,
         coalesce(any_value(original), any_value(amount)) AS original,
         coalesce(any_value(original_currency), any_value(currency)) AS original_currency, any_value(day) AS day
    FROM recon_w_entry WHERE reference <> '' GROUP BY reference HAVING count(*) = 1
), p AS (
  SELECT l.*, e.entry_id, e.amount AS entry_amount, e.currency AS entry_currency, abs(l.day - e.day) AS days,
         {_RATE} AS rate, {_MADE} AS made
    FROM l
    JOIN e ON e.reference = l.reference AND e.original = l.original AND e.original_currency = l.original_currency
    JOIN recon_line x ON x.id = l.line_id
    JOIN c lx ON lx.currency = l.currency
    JOIN c ox ON ox.currency = l.original_currency
   WHERE (%(within)s::integer IS NULL OR abs(l.day - e.day) <= %(within)s::integer)
     AND NOT EXISTS (SELECT FROM recon_w_apart a WHERE a.line_id = l.line_id AND a.entry_id = e.entry_id)
)
SELECT %(rule)s, p.line_id, p.entry_id, 1, 1, p.amount, p.entry_amount, 0, p.currency,
       jsonb_strip_nulls(jsonb_build_object('reference', p.reference, 'original_minor', p.original,
         'original_currency', p.original_currency, 'rate', coalesce(p.rate, round(p.made, 8))::text,
         'source', CASE WHEN p.rate IS NULL THEN 'amounts' ELSE 'statement' END, 'line_minor', p.amount,
         'entry_minor', p.entry_amount, 'entry_currency', nullif(p.entry_currency, p.currency), 'days', p.days))
  FROM p
 WHERE (p.entry_currency <> p.currency
        OR abs(p.entry_amount - p.cmp) <= abs(p.entry_amount)::numeric * %(tolerance_bp)s / 10000)
   AND (p.rate IS NULL OR least(abs(p.made - p.rate) / p.rate, abs(p.made - 1 / p.rate) * p.rate)
        <= %(tolerance_bp)s::numeric / 10000)
"""  # noqa: S608  # constants


def find_exchanged(*, rule: Rule, values: dict[str, Any]) -> int:
    """Let a rule of kind fx find its pairs; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES)
        exponents = _exponents([row[0] for row in cursor.fetchall()])
        if not exponents:
            return 0
        after = last_match(cursor=cursor)
        numbers = {"rule": rule.key, "within": rule.within_days, "tolerance_bp": rule.tolerance_bp}
        sizes = {"currencies": list(exponents), "exponents": list(exponents.values())}
        found = join_by_hash(cursor=cursor, statement=_FIND, values={**values, **numbers, **sizes})
        found -= leave_alone(cursor=cursor, after=after, values=values)
        if found:
            take_away(cursor=cursor, after=after)
    return found


def _exponents(currencies: list[str]) -> dict[str, int]:
    """Of the currencies that are known; a line in another one is left for people."""
    known = {}
    for currency in sorted(currencies):
        try:
            known[currency] = exponent(currency)
        except DomainError:
            continue
    return known
