"""Reads of what limits have used. None takes a lock; each is exact at its moment. Minor units, UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from policy.limits.asking import Whom, currency_of, key_of, kinds_of, start_of, whom_of
from policy.limits.types import LimitUsage, ShownLimit, Stand
from policy.limits.zones import time_zone_here
from policy.rules.types import Meter, Window
from policy.rulesets.queries import live_spec
from policy.subjects import Subject
from zentra.core.db.hot import execute_hot

_READ: Final = (
    "SELECT used, is_known FROM policy_limits_read(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
    " %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz, %s::text, %s::text) ORDER BY place"
)
_PAGE: Final = (
    "SELECT s.id, s.dimension, s.subject, s.currency FROM policy_limit_counter k"
    " JOIN policy_limit_subject s ON s.id = k.subject_id WHERE k.meter = %s::text"
    " AND (%s::bigint IS NULL OR k.subject_id < %s::bigint) ORDER BY k.subject_id DESC LIMIT %s::int"
)


def read_meters(
    *, meters: Sequence[tuple[Whom, Meter]], now: datetime, without: str = "", counterparty: str = ""
) -> list[Stand]:
    """What each meter of a subject stands at, in order; ``without`` is an intent that is left out."""
    if not meters:
        return []
    zone = time_zone_here()
    rows = execute_hot(
        _READ,
        [
            [whom.dimension for whom, _ in meters], [whom.name for whom, _ in meters],
            [whom.currency for whom, _ in meters], [key_of(meter) for _, meter in meters],
            [meter.measure for _, meter in meters], [kinds_of(meter) for _, meter in meters],
            [meter.from_minor for _, meter in meters], [meter.below_minor for _, meter in meters],
            [start_of(meter, now, zone) for _, meter in meters], now, without, counterparty,
        ],
    ).fetchall()  # fmt: skip
    return [Stand(int(used), is_known) for used, is_known in rows]


def live_limits() -> list[ShownLimit]:
    """The limits of the rules in force, in their order; those that are switched off are left out."""
    return [
        ShownLimit(
            each.common.name,
            Meter(each.by, each.measure, each.window, each.counts.kinds),
            dict(each.limit.by_currency),
            each.limit.otherwise,
        )
        for each in live_spec().limits
        if each.common.is_enabled
    ]


def limits_usage(
    *, limits: Sequence[ShownLimit], now: datetime, before: tuple[str, int] | None = None, limit: int = 50
) -> list[LimitUsage]:
    """A page of bars: the limits in their order, in each the subjects that were first seen last on top.

    ``before`` is the cursor of the last bar of the page before. The cost is that of the page, not of all subjects.
    """
    names = [each.name for each in limits]
    first = names.index(before[0]) if before and before[0] in names else 0
    found: list[tuple[ShownLimit, Whom, int]] = []
    for each in limits[first:]:
        after = before[1] if before and before[0] == each.name else None
        rows = execute_hot(_PAGE, [key_of(each.meter), after, after, limit - len(found)]).fetchall()
        found.extend((each, Whom(dimension, name, currency), number) for number, dimension, name, currency in rows)
        if len(found) >= limit:
            break
    return _bars(found, now)


def usage_of(*, subject: Subject, limits: Sequence[ShownLimit], now: datetime) -> list[LimitUsage]:
    """How much of each limit the people behind an intent have used; limits that do not count them are left out."""
    found = [(each, whom, 0) for each in limits if (whom := whom_of(each.meter, subject)) is not None]
    return _bars(found, now)


def usage_of_customer(*, customer: str, currency: str, limits: Sequence[ShownLimit], now: datetime) -> list[LimitUsage]:
    """How much of each limit by customer one customer has used in a currency."""
    found = [
        (each, Whom("customer", customer, currency_of(each.meter, currency)), 0)
        for each in limits
        if each.meter.by == "customer"
    ]
    return _bars(found, now)


def _bars(found: Sequence[tuple[ShownLimit, Whom, int]], now: datetime) -> list[LimitUsage]:
    stands = read_meters(meters=[(whom, each.meter) for each, whom, _ in found], now=now)
    zone = time_zone_here()
    return [
        _bar(each, whom, number, stand.used, now, zone)
        for (each, whom, number), stand in zip(found, stands, strict=True)
    ]


def _bar(each: ShownLimit, whom: Whom, number: int, used: int, now: datetime, zone: tzinfo) -> LimitUsage:
    cap = each.cap_in(whom.currency)
    return LimitUsage(
        limit=each.name,
        dimension=whom.dimension,
        key=whom.name,
        currency=whom.currency,
        used=used,
        cap=cap,
        percent=used * 100 // cap if cap else 100 * (used > 0),
        window_starts_at=each.meter.window.starts_at(now, zone),
        resets_at=_resets_at(each.meter.window, now, zone),
        cursor=(each.name, number),
    )


def _resets_at(window: Window, now: datetime, zone: tzinfo) -> datetime | None:
    """When the next day, week or month begins; a rolling window never starts anew."""
    if window.calendar is None:
        return None
    # The first day on which the window begins later than it does now, never more than a month away.
    begun = window.starts_at(now, zone)
    step = {"day": 1, "week": 7, "month": 28}[window.calendar]
    for days in range(step, step + 5):
        start = window.starts_at(begun + timedelta(days=days, hours=2), zone)
        if start > begun:
            return start
    return None
