"""Measuring the rails: rolling figures from the attempts of the last minutes."""

from datetime import datetime, timedelta

from django.db import connection

WINDOW = timedelta(minutes=15)

# A decline is an answer: the rail worked. What failed, was unavailable, unknown or not found is not.
_REFRESH = """
    INSERT INTO routing_rail_health AS h (rail_id, samples, answered, p95_ms, measured_at)
    SELECT r.id, count(a.id) FILTER (WHERE a.state <> 'started'),
           count(a.id) FILTER (WHERE a.state IN ('accepted', 'succeeded', 'settled', 'declined')),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY a.latency_ms), %(now)s
      FROM routing_rail r
      LEFT JOIN routing_attempt a ON a.rail_id = r.id AND a.started_at > %(since)s AND a.started_at <= %(now)s
     GROUP BY r.id
    ON CONFLICT (rail_id) DO UPDATE
       SET samples = excluded.samples, answered = excluded.answered, p95_ms = excluded.p95_ms,
           measured_at = excluded.measured_at
     WHERE h.measured_at <= excluded.measured_at
"""


def refresh_health(*, now: datetime) -> None:
    """Measure every rail of the workspace over the last fifteen minutes; an older measurement never wins."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"now": now, "since": now - WINDOW})
