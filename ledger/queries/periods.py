"""Periods, and what was posted in a span of time: turnovers, journal, samples.

Spans are half-open, by effective time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from ledger.queries.moments import check_period
from ledger.types import DrawnPosting, JournalRow, LatePosting, PeriodLock, Placement, Turnover
from zentra.core import ids

_CHUNK: Final = 2_000

# Both moments in one statement are one snapshot.
_TURNOVERS: Final = """
SELECT a.id, a.code, a.name, a.account_type, a.type, a.normal_balance, a.currency,
       o.credits - o.debits, c.debits - o.debits, c.credits - o.credits, c.credits - c.debits
  FROM ledger_moments((SELECT array_agg(x.id) FROM ledger_account x), %(start)s, 'effective') o
  JOIN ledger_moments((SELECT array_agg(x.id) FROM ledger_account x), %(end)s, 'effective') c
    ON c.account_id = o.account_id
  JOIN ledger_account a ON a.id = o.account_id
 ORDER BY a.currency, array_position(ARRAY['asset', 'liability', 'equity', 'income', 'expense'], a.type), a.code
"""
_AMOUNT: Final = """
CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount_minor) FILTER (WHERE e.currency = f.currency), 0) AS amount, f.currency
                      FROM ledger_entry e,
                           (SELECT o.currency FROM ledger_entry o WHERE o.posting_id = p.id AND o.position = 1) f
                     WHERE e.posting_id = p.id AND e.direction = 'debit' GROUP BY f.currency) m
"""
_IN_SPAN: Final = "p.effective_at >= %(start)s AND p.effective_at < %(end)s AND p.state = 'posted'"
_RANK: Final = "sha256(convert_to(%(seed)s || p.id::text, 'UTF8'))"


def find_period(*, at: datetime) -> PeriodLock | None:
    """The period in which a moment lies, as the ledger knows it; None where it knows of none, which is open."""
    found = _periods("WHERE c.starts_at <= %s AND c.ends_at > %s", [at, at])
    return found[0] if found else None


def list_period_locks(*, period_ids: Sequence[str]) -> dict[str, PeriodLock]:
    """What may be posted into these periods, by id; one that the ledger does not know is left out: it is open."""
    keys = [ids.to_uuid(each, prefix="prd") for each in period_ids]
    return {each.period_id: each for each in _periods("WHERE c.id = ANY (%s::uuid[])", [keys])}


def placement_of(*, at: datetime, purpose: str, now: datetime) -> Placement:
    """When money counts that belongs to ``at``: then, or at the beginning of the first later period that takes it.

    Asked without a lock: a period may close between this and the posting, which is then refused and asked again.
    """
    moment, late_for = at, ""
    while (found := _in_the_way(moment, purpose, now)) is not None:
        late_for = late_for or _month(at)
        moment = found.ends_at
    return Placement(effective_at=min(moment, now), late_for=late_for)


def turnovers(*, start: datetime, end: datetime) -> list[Turnover]:
    """Every account, also those that did not move: opening, debits, credits, closing. One snapshot.

    Raises InvalidPeriod.
    """
    check_period(start=start, end=end)
    with connection.cursor() as cursor:
        cursor.execute(_TURNOVERS, {"start": start, "end": end})
        rows = cursor.fetchall()
    return [
        Turnover(
            account_id=ids.to_public("acct", key),
            account_code=code,
            account_name=name,
            account_type=account_type,
            type=class_,
            normal_balance=normal,
            currency=currency,
            opening_minor=int(numbers[0]),
            debits_minor=int(numbers[1]),
            credits_minor=int(numbers[2]),
            closing_minor=int(numbers[3]),
        )
        for key, code, name, account_type, class_, normal, currency, *numbers in rows
    ]


def late_postings(*, late_for: str, limit: int = 1000) -> list[LatePosting]:
    """Postings that belong to a month which was closed when they came, oldest first."""
    statement = f"""
        SELECT p.id, p.metadata ->> 'late_for', p.purpose, p.intent_id, m.amount, m.currency, p.effective_at,
               p.recorded_at
          FROM ledger_posting p {_AMOUNT}
         WHERE p.metadata ? 'late_for' AND p.metadata ->> 'late_for' = %s
         ORDER BY p.recorded_at, p.id LIMIT %s
    """  # noqa: S608  # a constant
    with connection.cursor() as cursor:
        cursor.execute(statement, [late_for, limit])
        return [
            LatePosting(ids.to_public("posting", key), month, purpose, intent, int(amount), currency, effective, at)
            for key, month, purpose, intent, amount, currency, effective, at in cursor.fetchall()
        ]


def count_postings(*, start: datetime, end: datetime, adjustments: bool | None = None) -> int:
    """How many postings count in a span of time; only the adjustments of it, or only the others.

    A softly closed period takes adjustments alone: there are few, and an index finds them.
    """
    which = {None: "", True: " AND p.purpose LIKE 'adjustment.%%'", False: " AND p.purpose NOT LIKE 'adjustment.%%'"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ledger_posting p WHERE {_IN_SPAN}{which[adjustments]}",  # noqa: S608  # constants
            {"start": start, "end": end},
        )
        return int(cursor.fetchone()[0])


def has_postings(*, start: datetime, end: datetime) -> bool:
    """Whether any posting counts in a span of time."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM ledger_posting p WHERE {_IN_SPAN})",  # noqa: S608  # a constant
            {"start": start, "end": end},
        )
        return bool(cursor.fetchone()[0])


def posting_ids(*, start: datetime, end: datetime) -> Iterator[str]:
    """The ids of the postings of a span in their order, to be taken within the caller's transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT p.id FROM ledger_posting p WHERE {_IN_SPAN} ORDER BY p.id",  # noqa: S608  # a constant
            {"start": start, "end": end},
        )
        while rows := cursor.fetchmany(_CHUNK):
            for (key,) in rows:
                yield ids.to_public("posting", key)


def draw_postings(*, start: datetime, end: datetime, seed: str, size: int) -> list[DrawnPosting]:
    """The first ``size`` postings of a span in the order of SHA-256(seed ‖ posting's uuid as text)."""
    statement = f"""
        SELECT p.id, encode({_RANK}, 'hex'), p.purpose, p.intent_id, m.amount, m.currency, p.effective_at,
               encode(p.entry_hash, 'hex')
          FROM (SELECT p.* FROM ledger_posting p WHERE {_IN_SPAN} ORDER BY {_RANK} LIMIT %(size)s) p {_AMOUNT}
         ORDER BY 2
    """  # noqa: S608  # constants
    with connection.cursor() as cursor:
        cursor.execute(statement, {"start": start, "end": end, "seed": seed, "size": size})
        return [
            DrawnPosting(
                ids.to_public("posting", key), digest, purpose, intent, int(amount), currency, effective, entry_hash
            )
            for key, digest, purpose, intent, amount, currency, effective, entry_hash in cursor.fetchall()
        ]


def journal(*, start: datetime, end: datetime) -> Iterator[JournalRow]:
    """Every posted entry of a span by time, posting and place, as the server hands them out, in one snapshot.

    The rows must be taken within the caller's transaction.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"""
            SELECT p.id, e.id, e.position, p.effective_at, p.recorded_at, p.purpose, p.intent_id, p.external_reference,
                   p.description, a.id, a.code, e.direction, e.amount_minor, e.currency
              FROM ledger_posting p
              JOIN ledger_entry e ON e.posting_id = p.id
              JOIN ledger_account a ON a.id = e.account_id
             WHERE {_IN_SPAN}
             ORDER BY p.effective_at, p.id, e.position
            """,  # noqa: S608  # a constant
            {"start": start, "end": end},
        )
        while rows := cursor.fetchmany(_CHUNK):
            for row in rows:
                yield _journal_row(row)


def _journal_row(row: Sequence[Any]) -> JournalRow:
    posting, entry, position, effective, recorded, purpose, intent, external, words, account, *rest = row
    code, direction, amount, currency = rest
    return JournalRow(
        posting_id=ids.to_public("posting", posting),
        entry_id=ids.to_public("entry", entry),
        position=position,
        effective_at=effective,
        recorded_at=recorded,
        purpose=purpose,
        intent_id=intent,
        external_reference=external,
        description=words,
        account_id=ids.to_public("acct", account),
        account_code=code,
        direction=direction,
        amount_minor=int(amount),
        currency=currency,
    )


def _in_the_way(moment: datetime, purpose: str, now: datetime) -> PeriodLock | None:
    """The period that refuses a posting at a moment: the one it lies in, or a closed one after it."""
    found = find_period(at=moment)
    if found is not None and not _takes(found, purpose, now):
        return found
    if found is not None and found.open_until is not None:
        return None
    later = _periods("WHERE c.state = 'closed' AND c.starts_at > %s ORDER BY c.starts_at LIMIT 1", [moment])
    return later[0] if later else None


def _month(at: datetime) -> str:
    """The month of a moment as people name it: that of the period it lies in, by the workspace's zone."""
    found = find_period(at=at)
    return f"{at if found is None else found.starts_at + (found.ends_at - found.starts_at) / 2:%Y-%m}"


def _takes(period: PeriodLock, purpose: str, now: datetime) -> bool:
    if period.state == "soft":
        return purpose.startswith("adjustment.") and (period.open_until is None or now < period.open_until)
    return period.state == "open"


def _periods(where: str, values: Sequence[Any]) -> list[PeriodLock]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.starts_at, c.ends_at, c.state, c.open_until FROM ledger_period c {where}",  # noqa: S608  # constants
            values,
        )
        return [
            PeriodLock(ids.to_public("prd", key), starts, ends, state, until)
            for key, starts, ends, state, until in cursor.fetchall()
        ]
