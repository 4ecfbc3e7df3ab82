"""What is open, copied into temporary tables of this transaction: each rule reads these and takes away what it matched.

``recon_w_line``: the open lines; ``cmp`` is what compares with an entry (gross on a rail's account, the amount on a
bank's), ``day`` the number of its value date among business days, ``is_repeated`` whether the account had the same line
before, ``is_fee_off`` whether the fee that the line tells is not the agreed one, ``original`` the money before
exchange, null where there was none. ``recon_w_entry``: the open entries; ``batch`` is the entry's batch, else its
reference. ``recon_w_match`` and ``recon_w_item``: what the rules found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from zentra.reconciliation.matching.calendars import number_days
from zentra.reconciliation.matching.locks import Locked
from zentra.reconciliation.matching.types import Rule
from zentra.reconciliation.references import normalise_reference

_SETTINGS: Final = "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"
_TABLES: Final = """
DROP TABLE IF EXISTS pg_temp.recon_w_day, pg_temp.recon_w_line, pg_temp.recon_w_entry, pg_temp.recon_w_match,
  pg_temp.recon_w_item, pg_temp.recon_w_apart, pg_temp.recon_w_again;
CREATE TEMP TABLE recon_w_day (day date NOT NULL, number integer NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_line (
  line_id uuid NOT NULL, reference text NOT NULL, batch text NOT NULL, currency text NOT NULL, amount bigint NOT NULL,
  cmp bigint NOT NULL, gross bigint, day integer NOT NULL, booked_on date NOT NULL,
  is_repeated boolean NOT NULL, is_fee_off boolean NOT NULL, original bigint, original_currency text) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_entry (
  entry_id uuid NOT NULL, reference text NOT NULL, batch text NOT NULL, currency text NOT NULL, amount bigint NOT NULL,
  day integer NOT NULL, effective_on date NOT NULL, original bigint, original_currency text) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_match (
  n bigint GENERATED ALWAYS AS IDENTITY, rule text NOT NULL, line_id uuid, entry_id uuid, lines integer NOT NULL,
  entries integer NOT NULL, line_minor bigint NOT NULL, entry_minor bigint NOT NULL, fee_minor bigint NOT NULL,
  currency text NOT NULL, explanation jsonb NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_item (n bigint NOT NULL, place integer NOT NULL, line_id uuid, entry_id uuid) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_apart (line_id uuid NOT NULL, entry_id uuid NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE recon_w_again (match_id uuid NOT NULL) ON COMMIT DROP;
"""
_SPAN: Final = """
SELECT least(min(d.first), %(today)s), greatest(max(d.last), %(today)s) FROM (
  SELECT min(l.value_on) AS first, max(l.value_on) AS last FROM {lines} o JOIN recon_line l ON l.id = o.line_id
  UNION ALL
  SELECT min(e.effective_on), max(e.effective_on) FROM {entries} o JOIN recon_entry e ON e.entry_id = o.entry_id
  UNION ALL
  SELECT min(s.ends_on), max(s.ends_on) FROM recon_statement s WHERE s.account_id = %(account)s) d
"""
# A day beyond those that are numbered is far from each of them, and as far from another such as the calendar says.
_NUMBER: Final = (
    "coalesce(d.number, CASE WHEN {day} < %(first)s::date THEN -1000000 ELSE 1000000 END + ({day} - DATE '2000-01-01'))"
)
_BACK: Final = timedelta(days=20 * 366)
_AHEAD: Final = timedelta(days=366)
"""How far from today business days are counted: a statement may name any day, and each costs a row."""
# What a statement has brought before it is complete is not there yet. Of few statements, so that the look-up is hashed
# once for all the rows that it judges; ``x`` is the line.
OF_COMPLETE: Final = (
    "x.statement_id NOT IN (SELECT b.id FROM recon_statement b WHERE b.account_id = %(account)s AND NOT b.is_complete)"
)
_LINES: Final = f"""
INSERT INTO recon_w_line
SELECT l.id, l.reference, l.batch, l.currency, l.amount_minor,
       CASE WHEN %(is_rail)s THEN coalesce(l.gross_minor, l.amount_minor) ELSE l.amount_minor END, l.gross_minor,
       {_NUMBER.format(day="l.value_on")}, l.booked_on,
       EXISTS (SELECT FROM recon_line x
                WHERE x.account_id = l.account_id AND x.fingerprint = l.fingerprint AND x.id < l.id
                  AND {OF_COMPLETE}),
       {{fee_off}}, l.original_amount_minor, nullif(l.original_currency, '')
  FROM {{lines}} o
  JOIN recon_line l ON l.id = o.line_id
  LEFT JOIN recon_w_day d ON d.day = l.value_on
"""  # noqa: S608  # constants
_ENTRIES: Final = f"""
INSERT INTO recon_w_entry
SELECT e.entry_id, e.reference, CASE e.batch WHEN '' THEN e.reference ELSE e.batch END, e.currency, e.amount_minor,
       {_NUMBER.format(day="e.effective_on")}, e.effective_on, e.original_amount_minor, nullif(e.original_currency, '')
  FROM {{entries}} o
  JOIN recon_entry e ON e.entry_id = o.entry_id
  LEFT JOIN recon_w_day d ON d.day = e.effective_on
"""  # noqa: S608  # constants
# What people took apart stays apart, whatever rules say: of what is open now, which is all that a rule could pair.
_APART: Final = """
INSERT INTO recon_w_apart
SELECT DISTINCT a.line_id, b.entry_id
  FROM recon_match m
  JOIN recon_match_item a ON a.match_id = m.id AND a.line_id IS NOT NULL
  JOIN recon_match_item b ON b.match_id = m.id AND b.entry_id IS NOT NULL
  JOIN recon_w_line l ON l.line_id = a.line_id
  JOIN recon_w_entry e ON e.entry_id = b.entry_id
 WHERE m.account_id = %(account)s AND m.state IN ('undone', 'declined')
"""
_OPEN_LINES: Final = "(SELECT line_id FROM recon_open_line WHERE account_id = %(account)s)"
_OPEN_ENTRIES: Final = "(SELECT entry_id FROM recon_open_entry WHERE account_id = %(account)s)"
# Over history: what rules have matched counts as open again, whole matches of lines that are not too old.
_AGAIN: Final = """
INSERT INTO recon_w_again
SELECT DISTINCT m.id
  FROM recon_match m
  JOIN recon_match_item i ON i.match_id = m.id AND i.line_id IS NOT NULL
  JOIN recon_line l ON l.id = i.line_id
 WHERE m.account_id = %(account)s AND m.state = 'confirmed' AND m.how = 'rule' AND l.booked_on >= %(since)s::date
"""
_HISTORY: Final = timedelta(days=396)
"""How far back rules are tried: thirteen months."""
_OF_RULES: Final = """
(SELECT {item}_id FROM recon_open_{item} WHERE account_id = %(account)s
 UNION ALL
 SELECT i.{item}_id FROM recon_w_again m JOIN recon_match_item i ON i.match_id = m.match_id
  WHERE i.{item}_id IS NOT NULL)
"""
EXPECTED_FEE: Final = (
    "least(floor((abs(l.gross_minor)::numeric * {percent} + 5000) / 10000) + {fixed}, abs(l.gross_minor) - 1)"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """How many lines and entries were open when the run began."""

    lines: int
    entries: int


def copy_open(*, account: Locked, rules: Sequence[Rule], today: date, over_history: bool) -> Opened:
    """Fill the working tables. With ``over_history`` what rules matched in thirteen months counts as open too."""
    lines = _OF_RULES.format(item="line") if over_history else _OPEN_LINES
    entries = _OF_RULES.format(item="entry") if over_history else _OPEN_ENTRIES
    fee_off, fees = _fee_off(account, rules)
    values: dict[str, Any] = {
        "account": account.key, "today": today, "since": today - _HISTORY, "is_rail": account.kind == "rail", **fees,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        cursor.execute(_TABLES)
        if over_history:
            cursor.execute(_AGAIN, values)
        cursor.execute("ANALYZE recon_w_again")
        cursor.execute(_SPAN.format(lines=lines, entries=entries), values)
        first, last = cursor.fetchone()
        values["first"] = max(first, today - _BACK)
        _number_days(cursor, values["first"], min(last, today + _AHEAD), account.calendar)
        cursor.execute(_LINES.format(lines=lines, fee_off=fee_off), values)
        opened_lines = cursor.rowcount
        cursor.execute(_ENTRIES.format(entries=entries), values)
        opened_entries = cursor.rowcount
        cursor.execute("ANALYZE recon_w_line, recon_w_entry")
        cursor.execute(_APART, values)
        cursor.execute("ANALYZE recon_w_apart")
    return Opened(lines=opened_lines, entries=opened_entries)


def _number_days(cursor: Any, first: date, last: date, calendar: str) -> None:
    days = number_days(first, last, calendar=calendar)
    cursor.execute(
        "INSERT INTO recon_w_day SELECT * FROM unnest(%s::date[], %s::integer[])",
        [[day for day, _ in days], [number for _, number in days]],
    )
    cursor.execute("ANALYZE recon_w_day")


def _fee_off(account: Locked, rules: Sequence[Rule]) -> tuple[str, dict[str, Any]]:
    """Whether a rail's payment tells a fee that the tables do not, as SQL over ``l``, and its values."""
    tables = [rule for rule in rules if rule.is_on and rule.has_fee_table]
    if account.kind != "rail" or not tables:
        return "false", {}
    return f"coalesce({fee_case(tables, then=_OFF)}, false)", fee_values(tables)


_OFF: Final = "abs(abs(l.gross_minor - l.amount_minor) - " + EXPECTED_FEE + ") > {tolerance}"


def fee_case(tables: Sequence[Rule], *, then: str) -> str:
    """A CASE over ``l`` with a branch for each fee table that holds for the line; null where none does."""
    branches = []
    for number, _ in enumerate(tables):
        names = {
            "percent": f"%(fee_percent_{number})s",
            "fixed": f"%(fee_fixed_{number})s",
            "tolerance": f"%(fee_tolerance_{number})s",
        }
        branches.append(
            f"WHEN l.gross_minor > 0 AND l.kind IN ('', 'payment') AND starts_with(l.batch, %(fee_source_{number})s)"
            f" THEN {then.format(**names)}"
        )
    return f"CASE {' '.join(branches)} END"


def fee_values(tables: Sequence[Rule]) -> dict[str, Any]:
    """The values of ``fee_case``."""
    values: dict[str, Any] = {}
    for number, rule in enumerate(tables):
        values[f"fee_source_{number}"] = normalise_reference(rule.source)
        values[f"fee_percent_{number}"] = rule.fee_percent_bp
        values[f"fee_fixed_{number}"] = rule.fee_fixed_minor
        values[f"fee_tolerance_{number}"] = rule.tolerance_minor
    return values
