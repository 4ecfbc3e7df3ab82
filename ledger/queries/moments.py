"""Balances as of any moment, by the time that entries count or the time they were written; and a balance's course.

What is read does not grow with an account's history: whole days, the last day's five minutes, and the entries of the
five minutes that the moment is in (``ledger_moments`` in ``sql/05_turnover.sql``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from django.db import connection

from ledger.errors import AccountNotFound
from ledger.types import Direction
from zentra.core import ids

Basis = Literal["effective", "recorded"]

MAX_POINTS: Final = 1_000
_INSTANT: Final = timedelta(microseconds=1)  # the database's resolution
_DAY: Final = timedelta(days=1)
_FIVE_MINUTES: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MOMENTS: Final = """
SELECT a.id, a.code, a.currency, a.normal_balance, m.debits, m.credits, m.pending_debits, m.pending_credits, m.entries
  FROM ledger_moments({accounts}, %(before)s, %(basis)s) m
  JOIN ledger_account a ON a.id = m.account_id
"""
_THESE: Final = "%(accounts)s::uuid[]"
_OF_CURRENCY: Final = "(SELECT array_agg(c.id) FROM ledger_account c WHERE c.currency = %(currency)s)"
# The first point is a balance; each later one is that and the turnover between, which is rows of the chosen grain and
# what is not folded yet. The last point is a balance again, as it need not lie on a row's edge.
_HISTORY: Final = """
WITH change AS (
  SELECT t.starts_at AS at, t.debits, t.credits, t.pending_debits, t.pending_credits
    FROM ledger_turnover t
   WHERE t.account_id = %(account)s AND t.basis = %(basis)s AND t.grain = %(grain)s
     AND t.starts_at >= %(first)s AND t.starts_at < %(last)s
  UNION ALL
  SELECT {time}, greatest(-n.delta_minor, 0), greatest(n.delta_minor, 0),
         n.pending_debits_after - coalesce(p.pending_debits_after, 0),
         n.pending_credits_after - coalesce(p.pending_credits_after, 0)
    FROM ledger_entry_position n
    JOIN ledger_entry e ON e.id = n.entry_id
    LEFT JOIN ledger_entry_position p ON p.account_id = n.account_id AND p.version = n.version - 1
   WHERE n.account_id = %(account)s AND {time} >= %(first)s AND {time} < %(last)s
     AND n.version > coalesce((SELECT f.version FROM ledger_fold f WHERE f.account_id = %(account)s), 0)
  UNION ALL
  SELECT {time}, greatest(-u.delta_minor, 0), greatest(u.delta_minor, 0), u.pending_debits, u.pending_credits
    FROM ledger_entry_unsequenced u JOIN ledger_entry e ON e.id = u.entry_id
   WHERE u.account_id = %(account)s AND {time} >= %(first)s AND {time} < %(last)s
), step AS (
  SELECT width_bucket(c.at, %(moments)s::timestamptz[]) AS place, sum(c.debits) AS debits, sum(c.credits) AS credits,
         sum(c.pending_debits) AS pending_debits, sum(c.pending_credits) AS pending_credits
    FROM change c GROUP BY 1
), point AS (
  SELECT m.at, o.debits + coalesce(sum(s.debits) OVER along, 0) AS debits,
         o.credits + coalesce(sum(s.credits) OVER along, 0) AS credits,
         o.pending_debits + coalesce(sum(s.pending_debits) OVER along, 0) AS pending_debits,
         o.pending_credits + coalesce(sum(s.pending_credits) OVER along, 0) AS pending_credits
    FROM unnest(%(moments)s::timestamptz[]) WITH ORDINALITY AS m (at, place)
   CROSS JOIN ledger_moments(ARRAY[%(account)s]::uuid[], %(first)s, %(basis)s) o
    LEFT JOIN step s ON s.place = m.place - 1
  WINDOW along AS (ORDER BY m.at)
)
SELECT a.normal_balance, p.at, p.debits, p.credits, p.pending_debits, p.pending_credits
  FROM (SELECT at, debits, credits, pending_debits, pending_credits FROM point
         UNION ALL
        SELECT %(end)s, m.debits, m.credits, m.pending_debits, m.pending_credits
          FROM ledger_moments(ARRAY[%(account)s]::uuid[], %(end)s, %(basis)s) m) p
  JOIN ledger_account a ON a.id = %(account)s
 ORDER BY p.at
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an account held at a moment, in minor units; ``at`` is included.

    ``posted_minor`` and what follows from it count in the account's normal direction; ``net_minor`` is credits −
    debits. ``entries`` counts the posted ones.
    """

    account_id: str
    account_code: str
    currency: str
    normal_balance: Direction
    basis: Basis
    at: datetime
    debits: int
    credits: int
    pending_debits: int
    pending_credits: int
    entries: int

    @property
    def net_minor(self) -> int:
        """Credits − debits, posted."""
        return self.credits - self.debits

    @property
    def posted_minor(self) -> int:
        """What was posted, in the normal direction."""
        return self.net_minor if self.normal_balance == "credit" else -self.net_minor

    @property
    def pending_in_minor(self) -> int:
        """What was to come: pending on the account's normal side."""
        return self.pending_credits if self.normal_balance == "credit" else self.pending_debits

    @property
    def pending_out_minor(self) -> int:
        """What was held: pending on the other side."""
        return self.pending_debits if self.normal_balance == "credit" else self.pending_credits

    @property
    def available_minor(self) -> int:
        """Posted less what was held; what was to come was not there yet."""
        return self.posted_minor - self.pending_out_minor


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a balance's course: what was there when ``at`` came, in the account's normal direction."""

    at: datetime
    posted_minor: int
    available_minor: int


def balance_as_of(
    *, account_id: str, effective_at: datetime | None = None, recorded_at: datetime | None = None
) -> Moment:
    """What an account held as of a moment, that moment included: give one of the two times.

    By ``effective_at`` entries count from the time they are for, so one that is written late changes the past; by
    ``recorded_at`` from the time they were written, so it is what anybody could have read then. Raises
    AccountNotFound, BadId.
    """
    if (effective_at is None) == (recorded_at is None):
        raise TypeError("Give either effective_at or recorded_at.")
    at, basis = (effective_at, "effective") if effective_at is not None else (recorded_at, "recorded")
    assert at is not None  # noqa: S101  # one of the two was given
    found = balances_as_of(account_ids=[account_id], at=at, basis="effective" if basis == "effective" else "recorded")
    if account_id not in found:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    return found[account_id]


def balances_as_of(
    *,
    at: datetime,
    basis: Basis = "effective",
    account_ids: Sequence[str] | None = None,
    currency: str | None = None,
) -> dict[str, Moment]:
    """What several accounts, or all of a currency, held as of a moment, by account id; an unknown id is left out.

    One snapshot: over all accounts of a currency ``net_minor`` adds up to zero.
    """
    if (account_ids is None) == (currency is None):
        raise TypeError("Give either account_ids or currency.")
    accounts = None if account_ids is None else [ids.to_uuid(each, prefix="acct") for each in account_ids]
    statement = _MOMENTS.format(accounts=_THESE if currency is None else _OF_CURRENCY)
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"accounts": accounts, "currency": currency, "before": just_after(at), "basis": basis}
        )
        found = [_moment(row, basis, at) for row in cursor.fetchall()]
    return {moment.account_id: moment for moment in found}


def balance_history(
    *, account_id: str, start: datetime, end: datetime, points: int, basis: Basis = "effective"
) -> list[Point]:
    """The course of a balance from ``start`` to ``end``: about ``points`` moments, evenly spaced, and ``end`` itself.

    Moments are rounded down to whole UTC days where they lie a day or more apart, else to five minutes, so that a
    short period gives fewer points; there are at least two. At most MAX_POINTS. Raises AccountNotFound, BadId.
    """
    moments, grain = _spaced(start, end, min(max(points, 2), MAX_POINTS))
    values = {
        "account": ids.to_uuid(account_id, prefix="acct"),
        "basis": basis,
        "grain": grain,
        "first": moments[0],
        "last": moments[-1],
        "moments": moments,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY.format(time=f"e.{basis}_at"), values)  # a word of Basis
        rows = cursor.fetchall()
    if not rows:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    return [_point(row) for row in rows]


def just_after(at: datetime) -> datetime:
    """The first instant after a moment: what is asked as "before" it includes the moment. Refuses naive times."""
    if at.tzinfo is None:
        raise ValueError("A moment must say its time zone.")
    return at + _INSTANT if at < datetime.max.replace(tzinfo=UTC) else at


def _spaced(start: datetime, end: datetime, points: int) -> tuple[list[datetime], int]:
    """Distinct ascending moments before ``end`` on the edges of turnover rows, and the seconds of those rows."""
    step = max(end - start, _INSTANT) / (points - 1)
    width = _DAY if step >= _DAY else _FIVE_MINUTES
    wanted = (start + step * place for place in range(points - 1))
    return sorted({_rounded(moment, width) for moment in wanted}), int(width.total_seconds())


def _rounded(moment: datetime, width: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // width * width


def _moment(row: Sequence[Any], basis: Basis, at: datetime) -> Moment:
    key, code, currency, normal, *numbers = row
    debits, credits_, pending_debits, pending_credits, entries = (int(number) for number in numbers)
    return Moment(
        account_id=ids.to_public("acct", key),
        account_code=code,
        currency=currency,
        normal_balance=normal,
        basis=basis,
        at=at,
        debits=debits,
        credits=credits_,
        pending_debits=pending_debits,
        pending_credits=pending_credits,
        entries=entries,
    )


def _point(row: tuple[str, datetime, Decimal, Decimal, Decimal, Decimal]) -> Point:
    normal, at, debits, credits_, pending_debits, pending_credits = row
    posted = credits_ - debits if normal == "credit" else debits - credits_
    held = pending_debits if normal == "credit" else pending_credits
    return Point(at, int(posted), int(posted - held))
