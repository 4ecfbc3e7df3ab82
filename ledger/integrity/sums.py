"""What is kept summed up beside the histories: holds, pending, reversals, turnover, and each currency as a whole.

Each is one set-based statement that gives its divergent rows in order. PostgreSQL sorts and hashes on disk beyond its
work_mem, so that no size of ledger needs more memory than that; here only the rows that are named are kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ledger.integrity.rows import DELTA, PENDING_CREDITS, PENDING_DEBITS, figure, public, read_first
from ledger.integrity.types import Divergence, Figure, Notebook

# Of a hold, debits stand for the whole posting, which balances. What a capture takes is released first, so released
# postings less captures is what was given back. That it has ended, and by expiry, follows; a hold that was captured in
# part may end by a capture or by a release.
_HOLDS: Final = """
SELECT n.*, count(*) OVER () AS total FROM (
  SELECT coalesce(h.id, s.hold_id) AS hold_id, h.reference, h.id IS NULL AS is_missing,
         coalesce(s.placed, 0) AS amount_minor, coalesce(s.captured, 0) AS captured_minor,
         coalesce(s.released, 0) - coalesce(s.captured, 0) AS released_minor,
         CASE WHEN s.hold_id IS NULL OR s.placed > s.released THEN 'held' WHEN s.is_expiry THEN 'expired'
              WHEN s.captured = 0 OR h.state = 'released' THEN 'released' ELSE 'captured' END AS state,
         h.amount_minor AS found_amount_minor, h.captured_minor AS found_captured_minor,
         h.released_minor AS found_released_minor, h.state AS found_state
    FROM ledger_hold h
    FULL JOIN (
      SELECT p.hold_id, coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'pending'), 0) AS placed,
             coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'posted'), 0) AS captured,
             coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'released'), 0) AS released,
             bool_or(p.purpose = 'hold.expire' OR p.purpose LIKE 'hold.expire.%%') AS is_expiry
        FROM ledger_posting p
        LEFT JOIN ledger_entry e ON e.posting_id = p.id AND e.direction = 'debit'
       WHERE p.hold_id IS NOT NULL
       GROUP BY p.hold_id) s ON s.hold_id = h.id
) n
 WHERE (n.amount_minor, n.captured_minor, n.released_minor, n.state)
       IS DISTINCT FROM (n.found_amount_minor, n.found_captured_minor, n.found_released_minor, n.found_state)
 ORDER BY n.hold_id LIMIT %(named)s
"""
# Only open holds keep anything pending: of one that has ended, each account's entries add up to nothing.
_PENDING: Final = f"""
WITH held AS (
  SELECT e.account_id, sum({PENDING_DEBITS}) AS debits, sum({PENDING_CREDITS}) AS credits
    FROM ledger_hold h
    JOIN ledger_posting p ON p.hold_id = h.id
    JOIN ledger_entry e ON e.posting_id = p.id
   WHERE h.state = 'held' AND p.state <> 'posted'
   GROUP BY e.account_id
), waiting AS (
  SELECT u.account_id, sum(u.pending_debits) AS debits, sum(u.pending_credits) AS credits
    FROM ledger_entry_unsequenced u GROUP BY u.account_id
)
SELECT a.id AS account_id, a.code, coalesce(h.debits, 0) AS pending_debits, coalesce(h.credits, 0) AS pending_credits,
       b.pending_debits + coalesce(w.debits, 0) AS found_pending_debits,
       b.pending_credits + coalesce(w.credits, 0) AS found_pending_credits, count(*) OVER () AS total
  FROM ledger_balance b
  JOIN ledger_account a ON a.id = b.account_id
  LEFT JOIN held h ON h.account_id = b.account_id
  LEFT JOIN waiting w ON w.account_id = b.account_id
 WHERE (coalesce(h.debits, 0), coalesce(h.credits, 0))
       <> (b.pending_debits + coalesce(w.debits, 0), b.pending_credits + coalesce(w.credits, 0))
 ORDER BY a.id LIMIT %(named)s
"""  # noqa: S608  # constants
_REVERSED: Final = """
SELECT coalesce(s.posting_id, r.posting_id) AS posting_id, coalesce(s.reversed, 0) AS reversed_minor,
       r.reversed_minor AS found_reversed_minor, count(*) OVER () AS total
  FROM ledger_reversed r
  FULL JOIN (
    SELECT p.reverses_id AS posting_id, sum(e.amount_minor) AS reversed
      FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id AND e.direction = 'debit'
     WHERE p.reverses_id IS NOT NULL
     GROUP BY p.reverses_id) s ON s.posting_id = r.posting_id
 WHERE r.reversed_minor IS DISTINCT FROM s.reversed
 ORDER BY 1 LIMIT %(named)s
"""
_OVER_REVERSED: Final = """
WITH original AS (
  SELECT DISTINCT p.reverses_id AS posting_id FROM ledger_posting p WHERE p.reverses_id IS NOT NULL
), moved AS (
  SELECT e.posting_id, e.account_id, e.direction, e.amount_minor AS moved, 0 AS reversed
    FROM original o JOIN ledger_entry e ON e.posting_id = o.posting_id
  UNION ALL
  SELECT p.reverses_id, e.account_id, CASE e.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END, 0, e.amount_minor
    FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id WHERE p.reverses_id IS NOT NULL
)
SELECT m.posting_id, m.account_id, a.code, m.direction, sum(m.moved) AS at_most_minor,
       sum(m.reversed) AS found_reversed_minor, count(*) OVER () AS total
  FROM moved m LEFT JOIN ledger_account a ON a.id = m.account_id
 GROUP BY m.posting_id, m.account_id, a.code, m.direction
HAVING sum(m.reversed) > sum(m.moved)
 ORDER BY m.posting_id, m.account_id LIMIT %(named)s
"""
# Five minutes from the entries; days from the five minutes, which are right by then or named already.
_FIVE_MINUTES: Final = f"""
WITH moved AS (
  SELECT n.account_id, n.version, e.direction, e.amount_minor, p.state, e.{{basis}}_at AS at,
         {DELTA} AS delta, {PENDING_DEBITS} AS pending_debits, {PENDING_CREDITS} AS pending_credits
    FROM ledger_fold f
    JOIN ledger_entry_position n ON n.account_id = f.account_id AND n.version <= f.version
    JOIN ledger_entry e ON e.id = n.entry_id
    JOIN ledger_posting p ON p.id = e.posting_id
), expected AS (
  SELECT m.account_id, date_bin('5 minutes', m.at, '1970-01-01 00:00:00+00') AS starts_at,
         coalesce(sum(m.amount_minor) FILTER (WHERE m.delta < 0), 0) AS debits,
         coalesce(sum(m.amount_minor) FILTER (WHERE m.delta > 0), 0) AS credits,
         sum(m.pending_debits) AS pending_debits, sum(m.pending_credits) AS pending_credits,
         count(*) FILTER (WHERE m.delta <> 0) AS entries, min(m.version) AS first_version,
         max(m.version) AS last_version
    FROM moved m GROUP BY 1, 2
)
"""  # noqa: S608  # constants
_DAYS: Final = """
WITH expected AS (
  SELECT t.account_id, date_bin('1 day', t.starts_at, '1970-01-01 00:00:00+00') AS starts_at, sum(t.debits) AS debits,
         sum(t.credits) AS credits, sum(t.pending_debits) AS pending_debits, sum(t.pending_credits) AS pending_credits,
         sum(t.entries)::bigint AS entries, min(t.first_version) AS first_version, max(t.last_version) AS last_version
    FROM ledger_turnover t WHERE t.basis = '{basis}' AND t.grain = 300 GROUP BY 1, 2
)
"""
_TURNOVER: Final = """
SELECT coalesce(x.account_id, t.account_id) AS account_id, a.code, '{basis}' AS basis, {grain} AS grain,
       coalesce(x.starts_at, t.starts_at) AS starts_at, x.debits, x.credits, x.pending_debits, x.pending_credits,
       x.entries, x.first_version, x.last_version, t.debits AS found_debits, t.credits AS found_credits,
       t.pending_debits AS found_pending_debits, t.pending_credits AS found_pending_credits,
       t.entries AS found_entries, t.first_version AS found_first_version, t.last_version AS found_last_version,
       count(*) OVER () AS total
  FROM expected x
  FULL JOIN (SELECT * FROM ledger_turnover WHERE basis = '{basis}' AND grain = {grain}) t
    ON t.account_id = x.account_id AND t.starts_at = x.starts_at
  LEFT JOIN ledger_account a ON a.id = coalesce(x.account_id, t.account_id)
 WHERE (x.debits, x.credits, x.pending_debits, x.pending_credits, x.entries, x.first_version, x.last_version)
       IS DISTINCT FROM
       (t.debits, t.credits, t.pending_debits, t.pending_credits, t.entries, t.first_version, t.last_version)
 ORDER BY 1, starts_at LIMIT %(named)s
"""
_CURRENCIES: Final = """
SELECT a.currency, sum(b.posted_credits - b.posted_debits + coalesce(w.net, 0)) AS net, count(*) OVER () AS total
  FROM ledger_balance b
  JOIN ledger_account a ON a.id = b.account_id
  LEFT JOIN (SELECT u.account_id, sum(u.delta_minor) AS net FROM ledger_entry_unsequenced u GROUP BY u.account_id) w
    ON w.account_id = b.account_id
 GROUP BY a.currency
HAVING sum(b.posted_credits - b.posted_debits + coalesce(w.net, 0)) <> 0
 ORDER BY a.currency LIMIT %(named)s
"""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sum:
    check: str
    statement: str
    describe: Callable[[Row], Divergence]


def inspect_sums(notebook: Notebook) -> Iterator[tuple[int, int]]:
    """Make every check of this module; yields (statements done, of how many)."""
    for number, each in enumerate(_SUMS, 1):
        for row in read_first(each.statement):
            notebook.note(each.check, each.describe(row), count=row["counts"])
        yield number, len(_SUMS)


def _hold(row: Row) -> Divergence:
    name, parts = public("hold", row["hold_id"]), ("amount_minor", "captured_minor", "released_minor", "state")
    subject: dict[str, Figure] = {"hold_id": name, "reference": row["reference"]}
    if row["is_missing"]:
        return Divergence(f"Postings belong to hold {name}, which does not exist.", subject, {"holds": 1}, {"holds": 0})
    return _compared(row, subject, parts, f"Hold {name}")


def _pending(row: Row) -> Divergence:
    subject: dict[str, Figure] = {"account_id": public("acct", row["account_id"]), "account": row["code"]}
    return _compared(row, subject, ("pending_debits", "pending_credits"), f"Account {row['code']}")


def _reversed(row: Row) -> Divergence:
    name = public("posting", row["posting_id"])
    return _compared(row, {"posting_id": name}, ("reversed_minor",), f"Posting {name}")


def _over_reversed(row: Row) -> Divergence:
    name = public("posting", row["posting_id"])
    sentence = (
        f"Posting {name} moved {row['at_most_minor']} on account {row['code']} by {row['direction']};"
        f" its reversals took back {row['found_reversed_minor']}."
    )
    subject: dict[str, Figure] = {
        "posting_id": name,
        "account_id": public("acct", row["account_id"]),
        "account": row["code"],
    }
    expected = {"reversed_at_most_minor": figure(row["at_most_minor"])}
    return Divergence(sentence, subject, expected, {"reversed_minor": figure(row["found_reversed_minor"])})


def _turnover(row: Row) -> Divergence:
    stretch = "day" if row["grain"] == 86_400 else "five minutes"
    starts_at = row["starts_at"].isoformat()
    subject: dict[str, Figure] = {
        "account_id": public("acct", row["account_id"]),
        "account": row["code"],
        "basis": row["basis"],
        "grain": row["grain"],
        "starts_at": starts_at,
    }
    parts = ("debits", "credits", "pending_debits", "pending_credits", "entries", "first_version", "last_version")
    return _compared(row, subject, parts, f"Account {row['code']}, the {stretch} from {starts_at} ({row['basis']})")


def _currency(row: Row) -> Divergence:
    sentence = f"The balances of {row['currency']} add up to {row['net']}, not to zero."
    return Divergence(sentence, {"currency": row["currency"]}, {"sum_minor": 0}, {"sum_minor": figure(row["net"])})


def _compared(row: Row, subject: dict[str, Figure], parts: tuple[str, ...], who: str) -> Divergence:
    expected = {part: figure(row[part]) for part in parts}
    found = {part: figure(row[f"found_{part}"]) for part in parts}
    wrong = next(part for part in parts if expected[part] != found[part])
    word = wrong.removesuffix("_minor").replace("_", " ")
    wanted, got = ("nothing" if each is None else each for each in (expected[wrong], found[wrong]))
    return Divergence(f"{who}: {word} should be {wanted} and is {got}.", subject, expected, found)


def _of(basis: str, grain: int, expected: str) -> _Sum:
    return _Sum("turnover", (expected + _TURNOVER).format(basis=basis, grain=grain), _turnover)


_SUMS: Final = (
    _Sum("hold", _HOLDS, _hold),
    _Sum("pending", _PENDING, _pending),
    _Sum("reversal", _REVERSED, _reversed),
    _Sum("reversal", _OVER_REVERSED, _over_reversed),
    _of("effective", 300, _FIVE_MINUTES),
    _of("recorded", 300, _FIVE_MINUTES),
    _of("effective", 86_400, _DAYS),
    _of("recorded", 86_400, _DAYS),
    _Sum("currency_sum", _CURRENCIES, _currency),
)
