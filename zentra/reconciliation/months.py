"""Where a day of a bank's, a rail's or a person's counts: in the month that it belongs to, by the month's own bounds.

A month keeps the time zone and the cut-off that it was made with (``recon_period``), whatever the settings say today.
"""

from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

_INSTANT: Final = timedelta(microseconds=1)
_BOUNDS: Final = "SELECT starts_at, ends_at FROM recon_period WHERE %(day)s BETWEEN starts_on AND ends_on"


def within_month(*, day: date, at: datetime) -> datetime:
    """``at``, or the nearest moment to it inside the month of ``day``; ``at`` where that month is not made yet."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, {"day": day})
        found = cursor.fetchone()
    if found is None:
        return at
    first: datetime = found[0]
    last: datetime = found[1] - _INSTANT
    return max(first, min(at, last))
