"""Rules that find one on one side and several on the other: ``batch`` by a batch's reference, ``split`` by one shared.

A group is everything of the account that bears the reference, never a part of it that happens to add up: it counts only
when it is whole (nothing of it is matched already, no line of it came twice) and faces exactly one on the other side.
"""

from typing import Any, Final

from django.db import connection

from zentra.reconciliation.matching.engine.working import OF_COMPLETE
from zentra.reconciliation.matching.types import Rule

# {key}: what lines and entries are grouped by on either side.
_LINES_TO_ENTRY: Final = """
INSERT INTO recon_w_match (rule, entry_id, lines, entries, line_minor, entry_minor, fee_minor, currency, explanation)
WITH l AS (
  SELECT {line_key} AS key, any_value(currency) AS currency, count(*) AS lines, sum(amount) AS amount,
         sum(cmp) AS cmp, max(day) AS last, min(day) AS first
    FROM recon_w_line WHERE {line_member} GROUP BY {line_key}
  HAVING count(*) > 1 AND count(DISTINCT currency) = 1 AND NOT bool_or(is_repeated OR is_fee_off)
), e AS (
  SELECT {entry_one} AS key, any_value(currency) AS currency, any_value(entry_id) AS entry_id,
         any_value(amount) AS amount, any_value(day) AS day
    FROM recon_w_entry WHERE {entry_one} <> '' GROUP BY {entry_one} HAVING count(*) = 1
)
SELECT %(rule)s, e.entry_id, l.lines, 1, l.amount, e.amount, e.amount - l.amount, e.currency,
       jsonb_build_object({word}, l.key, 'lines', l.lines, 'amount_minor', e.amount,
                          'days', greatest(abs(l.last - e.day), abs(l.first - e.day)))
  FROM l JOIN e ON e.key = l.key AND e.currency = l.currency AND l.cmp = e.amount
 WHERE (%(within)s::integer IS NULL OR greatest(abs(l.last - e.day), abs(l.first - e.day)) <= %(within)s::integer)
   AND (SELECT count(*) FROM recon_line x WHERE x.account_id = %(account)s AND {whole_lines}) = l.lines
   AND NOT EXISTS (SELECT FROM recon_w_apart a JOIN recon_w_line w ON w.line_id = a.line_id
                    WHERE a.entry_id = e.entry_id AND w.{line_key} = l.key)
"""
_LINE_TO_ENTRIES: Final = """
INSERT INTO recon_w_match (rule, line_id, lines, entries, line_minor, entry_minor, fee_minor, currency, explanation)
WITH e AS (
  SELECT {entry_key} AS key, any_value(currency) AS currency, count(*) AS entries, sum(amount) AS amount,
         max(day) AS last, min(day) AS first
    FROM recon_w_entry WHERE {entry_member} GROUP BY {entry_key}
  HAVING count(*) > 1 AND count(DISTINCT currency) = 1
), l AS (
  SELECT {line_one} AS key, any_value(currency) AS currency, any_value(line_id) AS line_id,
         any_value(amount) AS amount, any_value(cmp) AS cmp, any_value(day) AS day
    FROM recon_w_line WHERE {line_one} <> '' GROUP BY {line_one}
  HAVING count(*) = 1 AND NOT bool_or(is_repeated OR is_fee_off)
)
SELECT %(rule)s, l.line_id, 1, e.entries, l.amount, e.amount, e.amount - l.amount, l.currency,
       jsonb_build_object({word}, e.key, 'entries', e.entries, 'amount_minor', e.amount,
                          'days', greatest(abs(e.last - l.day), abs(e.first - l.day)))
  FROM e JOIN l ON l.key = e.key AND l.currency = e.currency AND e.amount = l.cmp
 WHERE (%(within)s::integer IS NULL OR greatest(abs(e.last - l.day), abs(e.first - l.day)) <= %(within)s::integer)
   AND (SELECT count(*) FROM recon_entry x WHERE x.account_id = %(account)s AND {whole_entries}) = e.entries
   AND NOT EXISTS (SELECT FROM recon_w_apart a JOIN recon_w_entry w ON w.entry_id = a.entry_id
                    WHERE a.line_id = l.line_id AND w.{entry_key} = e.key)
"""
_ITEMS_OF_ENTRY: Final = """
INSERT INTO recon_w_item (n, place, line_id, entry_id)
SELECT m.n, 0, NULL, m.entry_id FROM recon_w_match m WHERE m.n > %(after)s AND m.line_id IS NULL
UNION ALL
SELECT m.n, row_number() OVER (PARTITION BY m.n ORDER BY l.line_id), l.line_id, NULL
  FROM recon_w_match m JOIN recon_w_line l ON l.{line_key} = m.explanation ->> {word} AND {line_member}
 WHERE m.n > %(after)s AND m.line_id IS NULL
"""
_ITEMS_OF_LINE: Final = """
INSERT INTO recon_w_item (n, place, line_id, entry_id)
SELECT m.n, 0, m.line_id, NULL FROM recon_w_match m WHERE m.n > %(after)s AND m.entry_id IS NULL
UNION ALL
SELECT m.n, row_number() OVER (PARTITION BY m.n ORDER BY e.entry_id), NULL, e.entry_id
  FROM recon_w_match m JOIN recon_w_entry e ON e.{entry_key} = m.explanation ->> {word} AND {entry_member}
 WHERE m.n > %(after)s AND m.entry_id IS NULL
"""
# In a batch the one that bears its reference itself is the other side, no member.
_KEYS: Final = {
    "batch": {
        "word": "'batch'",
        "line_key": "batch", "line_member": "batch <> '' AND reference <> batch",
        "line_one": "(CASE batch WHEN '' THEN reference ELSE batch END)",
        "entry_key": "batch", "entry_member": "batch <> '' AND reference <> batch", "entry_one": "batch",
        "whole_lines": f"x.batch = l.key AND x.batch <> '' AND x.reference <> l.key AND {OF_COMPLETE}",
        "whole_entries": "x.batch = e.key AND x.batch <> '' AND x.reference <> e.key",
    },
    "split": {
        "word": "'reference'",
        "line_key": "reference", "line_member": "reference <> ''", "line_one": "reference",
        "entry_key": "reference", "entry_member": "reference <> ''", "entry_one": "reference",
        "whole_lines": f"x.reference = l.key AND x.reference <> '' AND {OF_COMPLETE}",
        "whole_entries": "x.reference = e.key AND x.reference <> ''",
    },
}  # fmt: skip


def find_groups(*, rule: Rule, values: dict[str, Any]) -> int:
    """Let one of the rules batch and split find its groups, both ways; how many matches."""
    keys = _KEYS[rule.kind]
    given = {**values, "rule": rule.key, "within": rule.within_days}
    found = _find(_LINES_TO_ENTRY.format(**keys), _ITEMS_OF_ENTRY, keys, given)
    return found + _find(_LINE_TO_ENTRIES.format(**keys), _ITEMS_OF_LINE, keys, given)


def _find(matches: str, items: str, keys: dict[str, str], values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        after = last_match(cursor=cursor)
        found = join_by_hash(cursor=cursor, statement=matches, values=values)
        if found:
            qualified = {name: _qualified(name, text) for name, text in keys.items()}
            cursor.execute(items.format(**qualified), {**values, "after": after})
            take_away(cursor=cursor, after=after)
    return found


def _qualified(name: str, text: str) -> str:
    """The condition of membership over the alias that the items' statement joins."""
    if not name.endswith("member"):
        return text
    alias = "l" if name.startswith("line") else "e"
    return text.replace("reference", f"{alias}.reference").replace("batch", f"{alias}.batch")


def join_by_hash(*, cursor: Any, statement: str, values: dict[str, Any]) -> int:
    """Run a rule's statement without nested loops over whole tables; how many rows it wrote.

    Of groups that count as one, the planner guesses few, and would go over all of one side for each of the other.
    """
    cursor.execute("SELECT set_config('enable_nestloop', 'off', true)")
    cursor.execute(statement, values)
    found = int(cursor.rowcount)
    cursor.execute("SELECT set_config('enable_nestloop', 'on', true)")
    return found


def last_match(*, cursor: Any) -> int:
    """The number of the newest match that rules found in this run; 0 before the first."""
    cursor.execute("SELECT coalesce(max(n), 0) FROM recon_w_match")
    return int(cursor.fetchone()[0])


def take_away(*, cursor: Any, after: int) -> None:
    """Take what matches after this number hold out of what is open, so that no later rule sees it."""
    for item in ("line", "entry"):
        cursor.execute(
            f"DELETE FROM recon_w_{item} w USING (SELECT {item}_id FROM recon_w_match WHERE n > %(after)s UNION ALL"  # noqa: S608  # constants
            f" SELECT {item}_id FROM recon_w_item WHERE n > %(after)s) m WHERE m.{item}_id = w.{item}_id",
            {"after": after},
        )
