"""Statements: what an account held when a period began, each posted entry of it with the balance after, and the end.

A period is half-open, ``start`` in and ``end`` out, by the time that entries count. Entries stand in the order of that
time, then of their ids. Whatever is pending moves no posted balance and is no line; what was pending at the end is told
beside it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from django.db import connection

from ledger.errors import AccountNotFound
from ledger.queries.accounts import as_json
from ledger.queries.moments import check_period
from ledger.types import Direction
from zentra.core import ids

_CHUNK: Final = 2_000

# The first row tells of the period, the others are its lines: one statement, so one snapshot, and the lines can stream.
# carried: the balance before the first line, which on a later page is the one after the last line of the page before.
_STATEMENT: Final = """
WITH head AS MATERIALIZED (
  SELECT CASE a.normal_balance WHEN 'credit' THEN 1 ELSE -1 END AS side,
         b.credits - b.debits + coalesce(
           (SELECT sum(CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END)
              FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id AND p.state = 'posted'
             WHERE e.account_id = a.id AND e.effective_at = %(after_at)s::timestamptz
               AND e.id <= %(after_id)s::uuid), 0) AS carried,
         jsonb_build_object(
           'account_code', a.code, 'account_name', a.name, 'account_type', a.account_type, 'currency', a.currency,
           'normal_balance', a.normal_balance, 'opening', o.credits - o.debits, 'closing', c.credits - c.debits,
           'debits', c.debits - o.debits, 'credits', c.credits - o.credits, 'entry_count', c.entries - o.entries,
           'pending_debits', c.pending_debits, 'pending_credits', c.pending_credits) AS facts
    FROM ledger_account a
   CROSS JOIN ledger_moments(ARRAY[%(account)s]::uuid[], %(start)s, 'effective') o
   CROSS JOIN ledger_moments(ARRAY[%(account)s]::uuid[], %(end)s, 'effective') c
   CROSS JOIN ledger_moments(ARRAY[%(account)s]::uuid[], coalesce(%(after_at)s::timestamptz, %(start)s), 'effective') b
   WHERE a.id = %(account)s
)
SELECT NULL::timestamptz AS effective_at, NULL::uuid AS id, h.facts, NULL::uuid, NULL, NULL, NULL, NULL, NULL::uuid,
       NULL, NULL::bigint, NULL::timestamptz, NULL::numeric
  FROM head h
 UNION ALL
(SELECT e.effective_at, e.id, NULL, e.posting_id, p.purpose, p.description, p.external_reference, p.intent_id,
        p.reverses_id, e.direction, e.amount_minor, e.recorded_at,
        (SELECT side FROM head) * ((SELECT carried FROM head)
          + sum(CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END)
            OVER (ORDER BY e.effective_at, e.id ROWS UNBOUNDED PRECEDING))
   FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id AND p.state = 'posted'
  WHERE e.account_id = %(account)s
    AND e.effective_at >= coalesce(%(after_at)s::timestamptz, %(start)s) AND e.effective_at < %(end)s
    AND (%(after_id)s::uuid IS NULL OR (e.effective_at, e.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
  ORDER BY e.effective_at, e.id
  LIMIT %(limit)s)
 ORDER BY effective_at NULLS FIRST, id NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A posted entry of a statement; ``balance_after_minor`` counts in the account's normal direction."""

    entry_id: str
    posting_id: str
    purpose: str
    description: str
    external_reference: str | None
    intent_id: str | None
    reverses_id: str | None
    direction: Direction
    amount_minor: int
    effective_at: datetime
    recorded_at: datetime
    balance_after_minor: int

    @property
    def signed_minor(self) -> int:
        """Credit positive, debit negative."""
        return self.amount_minor if self.direction == "credit" else -self.amount_minor

    @property
    def debit_minor(self) -> int | None:
        """The amount, where it is a debit."""
        return self.amount_minor if self.direction == "debit" else None

    @property
    def credit_minor(self) -> int | None:
        """The amount, where it is a credit."""
        return self.amount_minor if self.direction == "credit" else None


@dataclass(frozen=True, slots=True)
class StatementSummary:
    """What a statement says beside its lines: of the whole period, whichever page. Minor units of ``currency``.

    Balances count in the account's normal direction; ``debits`` and ``credits`` are what was posted in the period.
    """

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    currency: str
    normal_balance: Direction
    start: datetime
    end: datetime
    opening_minor: int
    closing_minor: int
    debits: int
    credits: int
    entry_count: int
    pending_in_minor: int
    pending_out_minor: int

    @property
    def is_tied_out(self) -> bool:
        """Whether opening and turnover make the closing balance."""
        turnover = self.credits - self.debits if self.normal_balance == "credit" else self.debits - self.credits
        return self.opening_minor + turnover == self.closing_minor


@dataclass(frozen=True, slots=True)
class Statement(StatementSummary):
    """One page of a statement; ``next_after`` asks for the next one, null on the last."""

    entries: tuple[StatementLine, ...]
    next_after: tuple[datetime, str] | None


def statement(
    *, account_id: str, start: datetime, end: datetime, limit: int, after: tuple[datetime, str] | None = None
) -> Statement:
    """Up to ``limit`` lines of an account's statement from ``start`` to before ``end``, oldest first.

    ``after`` is the ``next_after`` of the page before: (effective_at, entry id) of its last line. Each page says its
    own running balances right, whatever was posted meanwhile. Raises AccountNotFound, InvalidPeriod, BadId.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, _values(account_id, start, end, limit + 1, after))
        rows = cursor.fetchall()
    summary = _summary(rows, account_id, start, end)
    lines = [_line(row) for row in rows[1:]]
    more, lines = len(lines) > limit, lines[:limit]
    next_after = (lines[-1].effective_at, lines[-1].entry_id) if more else None
    facts = {name: getattr(summary, name) for name in StatementSummary.__slots__}
    return Statement(**facts, entries=tuple(lines), next_after=next_after)


@contextmanager
def statement_lines_stream(
    *, account_id: str, start: datetime, end: datetime
) -> Iterator[tuple[StatementSummary, Iterator[StatementLine]]]:
    """The whole statement of a period in one snapshot: its summary, and its lines as they come from the server.

    The block must lie inside the caller's transaction; the lines are never all in memory. Raises AccountNotFound,
    InvalidPeriod, BadId.
    """
    cursor = connection.chunked_cursor()
    cursor.execute(_STATEMENT, _values(account_id, start, end, None, None))
    summary = _summary(cursor.fetchmany(1), account_id, start, end)
    yield summary, map(_line, chain.from_iterable(iter(lambda: cursor.fetchmany(_CHUNK), [])))
    # Not where the block was left by an error or forgotten half read: the transaction's end closes the cursor too,
    # and to close it when that is over already would break the next one.
    cursor.close()


def _values(
    account_id: str, start: datetime, end: datetime, limit: int | None, after: tuple[datetime, str] | None
) -> dict[str, Any]:
    check_period(start=start, end=end)
    return {
        "account": ids.to_uuid(account_id, prefix="acct"),
        "start": start,
        "end": end,
        "limit": limit,
        "after_at": after[0] if after else None,
        "after_id": ids.to_uuid(after[1], prefix="entry") if after else None,
    }


def _summary(rows: Sequence[Sequence[Any]], account_id: str, start: datetime, end: datetime) -> StatementSummary:
    if not rows:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    facts: dict[str, Any] = as_json(rows[0][2])
    side = 1 if facts["normal_balance"] == "credit" else -1
    pending = facts.pop("pending_credits"), facts.pop("pending_debits")
    coming, held = pending if side == 1 else pending[::-1]
    opening, closing = side * facts.pop("opening"), side * facts.pop("closing")
    return StatementSummary(
        account_id=account_id,
        start=start,
        end=end,
        opening_minor=opening,
        closing_minor=closing,
        pending_in_minor=coming,
        pending_out_minor=held,
        **facts,
    )


def _line(row: Sequence[Any]) -> StatementLine:
    (effective_at, key, _facts, posting, purpose, description, reference, intent_id, reverses, direction, amount,
     recorded_at, balance) = row  # fmt: skip
    return StatementLine(
        entry_id=ids.to_public("entry", key),
        posting_id=ids.to_public("posting", posting),
        purpose=purpose,
        description=description,
        external_reference=reference,
        intent_id=intent_id,
        reverses_id=None if reverses is None else ids.to_public("posting", reverses),
        direction=direction,
        amount_minor=amount,
        effective_at=effective_at,
        recorded_at=recorded_at,
        balance_after_minor=int(balance),
    )
