"""What the rules found, kept as matches; or, of a dry run, compared with the matches that stand."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core.actors import Actor
from zentra.reconciliation.matching.types import RuleCount

# UUIDv7 (RFC 9562) made of the run's moment, the number of the match and the run's own random part: one row needs no
# call, and both inserts make the same id.
_ID: Final = """(lpad(to_hex(%(ms)s::bigint + (m.n >> 12)), 12, '0') || '7' || lpad(to_hex(m.n & 4095), 3, '0')
  || %(salt)s)::uuid"""
_MATCHES: Final = f"""
INSERT INTO recon_match (id, account_id, state, how, rule, rules_version, run_id, lines, entries, line_minor,
  entry_minor, fee_minor, currency, reason, explanation, made_by, made_at, undone_reason)
SELECT {_ID}, %(account)s, 'confirmed', 'rule', m.rule, %(version)s, %(run)s, m.lines, m.entries, m.line_minor,
       m.entry_minor, m.fee_minor, m.currency, '', m.explanation, %(actor)s::jsonb, %(now)s, ''
  FROM recon_w_match m
"""  # noqa: S608  # constants
_PAIRS: Final = f"""
INSERT INTO recon_match_item (match_id, place, line_id, entry_id, stands)
SELECT {_ID}, 0, m.line_id, m.entry_id, true
  FROM recon_w_match m WHERE m.line_id IS NOT NULL AND m.entry_id IS NOT NULL
"""  # noqa: S608  # constants
_ITEMS: Final = f"""
INSERT INTO recon_match_item (match_id, place, line_id, entry_id, stands)
SELECT {_ID}, m.place, m.line_id, m.entry_id, true FROM recon_w_item m
"""  # noqa: S608  # constants
_CLOSE: Final = """
DELETE FROM recon_open_{item} o
 USING (SELECT {item}_id FROM recon_w_match UNION ALL SELECT {item}_id FROM recon_w_item) m
 WHERE m.{item}_id = o.{item}_id
"""
_COUNT: Final = """
SELECT rule, count(*), sum(lines), sum(entries) FROM recon_w_match GROUP BY rule ORDER BY rule
"""
# A match is the same when its lines and entries are. Under the key of the rule that would make it, else that made it.
_COMPARE: Final = """
WITH made AS (
  SELECT x.n, m.rule, string_agg(item, ' ' ORDER BY item) AS items FROM (
    SELECT m.n, v.id::text AS item FROM recon_w_match m CROSS JOIN LATERAL (VALUES (m.line_id), (m.entry_id)) v (id)
     WHERE m.line_id IS NOT NULL AND m.entry_id IS NOT NULL
    UNION ALL
    SELECT n, coalesce(line_id, entry_id)::text FROM recon_w_item) x
    JOIN recon_w_match m ON m.n = x.n
   GROUP BY x.n, m.rule
), standing AS (
  SELECT match_id, rule, string_agg(item, ' ' ORDER BY item) AS items FROM (
    SELECT i.match_id, m.rule, v.id::text AS item FROM recon_w_again w JOIN recon_match m ON m.id = w.match_id
     JOIN recon_match_item i ON i.match_id = m.id
     CROSS JOIN LATERAL (VALUES (i.line_id), (i.entry_id)) v (id)
     WHERE v.id IS NOT NULL) x
   GROUP BY match_id, rule
)
SELECT coalesce(a.rule, b.rule), count(*) FILTER (WHERE a.n IS NOT NULL AND b.match_id IS NOT NULL),
       count(*) FILTER (WHERE b.match_id IS NULL), count(*) FILTER (WHERE a.n IS NULL)
  FROM made a FULL JOIN standing b ON a.items = b.items
 GROUP BY 1 ORDER BY 1
"""


def keep_matches(*, account: UUID, run: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Write what the rules found as confirmed matches, and take it from the open lines and entries."""
    values: dict[str, Any] = {
        "account": account,
        "run": run,
        "version": version,
        "actor": json.dumps(actor.as_dict()),
        "now": now,
        "ms": int(now.timestamp() * 1000),
        "salt": f"{8 | secrets.randbelow(4):x}{secrets.token_hex(8)[1:]}",
    }
    with connection.cursor() as cursor:
        for statement in (_MATCHES, _PAIRS, _ITEMS):
            cursor.execute(statement, values)
        for item in ("line", "entry"):
            cursor.execute(_CLOSE.format(item=item))


def count_by_rule() -> list[RuleCount]:
    """What each rule found in this run."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)
        return [
            RuleCount(rule, matches, int(lines), int(entries)) for rule, matches, lines, entries in cursor.fetchall()
        ]


def compare_with_standing(*, counts: Sequence[RuleCount]) -> list[RuleCount]:
    """What each rule found, with how much of it stands already, is new, or stands and would not be made again."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE)
        rows = cursor.fetchall()
    found = {count.rule: count for count in counts}
    return [
        replace(found.get(rule, RuleCount(rule, 0, 0, 0)), same=same, fresh=fresh, lost=lost)
        for rule, same, fresh, lost in rows
    ]
