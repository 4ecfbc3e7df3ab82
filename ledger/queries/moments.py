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

from ledger.errors import AccountNotFound, InvalidPeriod
from ledger.types import Direction
from zentra.core import ids

Basis = Literal["effective", "recorded"]

MAX_POINTS: Final = 1_000
_INSTANT: Final = timedelta(microseconds=1)  # the database's resolution
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=31)
_FIVE_MINUTES: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MOMENTS: Final = """
SELECT a.id, a.code, a.currency, a.normal_balance, m.debits, m.credits, m.pending_debits, m.pending_credits, m.entries
  FROM ledger_moments({accounts}, %(before)s, %(basis)s) m
  JOIN ledger_account a ON a.id = m.account_id
"""
_THESE: Final = "%(accounts)s::uuid[]"
_OF_CURRENCY: Final = "(SELECT array_agg(c.id) FROM ledger_account c WHERE c.currency = %(currency)s)"
_COURSE: Final = """
SELECT a.normal_balance, c.at, c.debits, c.credits, c.pending_debits, c.pending_credits
  FROM ledger_account a
 CROSS JOIN ledger_course(%(account)s, %(moments)s::timestamptz[], %(end)s, %(grain)s, %(basis)s) c
 WHERE a.id = %(account)s
 ORDER BY c.at
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
            statement, {"accounts": accounts, "currency": currency, "before": just_after(at=at), "basis": basis}
        )
        found = [_moment(row, basis, at) for row in cursor.fetchall()]
    return {moment.account_id: moment for moment in found}


def balance_history(
    *, account_id: str, start: datetime, end: datetime, points: int, basis: Basis = "effective"
) -> list[Point]:
    """The course of a balance from ``start`` to ``end``: about ``points`` moments, evenly spaced, and ``end`` itself.

    Moments are rounded down to whole UTC days in periods of 31 days and more, else to five minutes, so that there may
    be fewer points; there are at least two, and at most MAX_POINTS. Raises AccountNotFound, InvalidPeriod,
    BadId.
    """
    check_period(start=start, end=end)
    moments, grain = evenly_spaced(start=start, end=end, points=min(max(points, 2), MAX_POINTS))
    key = ids.to_uuid(account_id, prefix="acct")
    values: dict[str, Any] = {"account": key, "moments": moments, "end": end, "grain": grain, "basis": basis}
    with connection.cursor() as cursor:
        cursor.execute(_COURSE, values)
        rows = cursor.fetchall()
    if not rows:
        raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    return [_point(row) for row in rows]


def evenly_spaced(*, start: datetime, end: datetime, points: int) -> tuple[list[datetime], int]:
    """Distinct ascending moments before ``end`` on the edges of turnover rows, and the seconds of those rows."""
    width = _DAY if end - start >= _MONTH else _FIVE_MINUTES
    step = (end - start) / (points - 1)
    wanted = (start + step * place for place in range(points - 1))
    return sorted({_rounded(moment, width) for moment in wanted}), int(width.total_seconds())


def check_period(*, start: datetime, end: datetime) -> None:
    """Refuse a period that does not run forward (InvalidPeriod), and naive times."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("A period must say its time zone.")
    if start >= end:
        raise InvalidPeriod(
            f"The period ends at {end.isoformat()}, not after it starts at {start.isoformat()}.",
            start=start.isoformat(),
            end=end.isoformat(),
        )


def just_after(*, at: datetime) -> datetime:
    """The first instant after a moment: what is asked as "before" it includes the moment. Refuses naive times."""
    if at.tzinfo is None:
        raise ValueError("A moment must say its time zone.")
    return at + _INSTANT if at < datetime.max.replace(tzinfo=UTC) else at


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
