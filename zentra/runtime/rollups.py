"""The last 24 hours by the minute: how many intents reached each state, how fast, and how much money.

A count over the history would grow with it, so the figures of the room come from small per-minute rows. They follow
the leaf index: each new leaf names an intent, each of its transitions a minute, and that minute is counted again from
the history itself. Counting again is idempotent, so a crash, a late commit or two followers cannot make it wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from evidence.queries import intents_after
from zentra.runtime.states import STAGES

WINDOW: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=8)
BATCH: Final = 2000
POINTS: Final = 48
_NAME: Final = "stages"
_BASE: Final = 1.1
_NAMES: Final = [stage.status.value for stage in STAGES]

_COUNT_STAGES = """
INSERT INTO runtime_stage_minute (minute, stage, reached, histogram)
SELECT minute, stage, sum(n), coalesce(jsonb_object_agg(bucket, n) FILTER (WHERE bucket IS NOT NULL), '{}')
FROM (
    SELECT date_trunc('minute', t.at) AS minute, t.after AS stage, count(*) AS n,
           CASE WHEN p.at IS NOT NULL
                THEN ceil(ln(greatest(extract(epoch FROM t.at - p.at) * 1000, 1)) / ln(1.1))::int END AS bucket
    FROM unnest(%(minutes)s::timestamptz[]) AS m(minute)
    JOIN runtime_transition t
      ON t.at >= m.minute AND t.at < m.minute + interval '1 minute' AND t.after = ANY(%(stages)s)
    LEFT JOIN runtime_transition p ON p.intent_id = t.intent_id AND p.version = t.version - 1
    GROUP BY 1, 2, 4
) AS steps
GROUP BY minute, stage
ON CONFLICT (minute, stage) DO UPDATE SET reached = EXCLUDED.reached, histogram = EXCLUDED.histogram
"""

_COUNT_VOLUME = """
INSERT INTO runtime_volume_minute (minute, currency, intents, amount_minor)
SELECT date_trunc('minute', t.at), i.currency, count(*), sum(i.amount_minor)
FROM unnest(%(minutes)s::timestamptz[]) AS m(minute)
JOIN runtime_transition t ON t.at >= m.minute AND t.at < m.minute + interval '1 minute' AND t.after = 'ledgered'
JOIN runtime_intent i ON i.intent_id = t.intent_id
GROUP BY 1, 2
ON CONFLICT (minute, currency) DO UPDATE SET intents = EXCLUDED.intents, amount_minor = EXCLUDED.amount_minor
"""


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One state over the window: ``p95_ms`` of the step that led to it, None without any; ``curve`` oldest first."""

    reached: int
    p95_ms: float | None
    curve: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """What was ledgered over the window in one currency, in minor units."""

    currency: str
    intents: int
    amount_minor: int


def window_start(now: datetime) -> datetime:
    """Where the window of a moment begins: 24 hours ago, at the next full minute, since rows are whole minutes."""
    return (now - WINDOW).replace(second=0, microsecond=0) + timedelta(minutes=1)


def follow_leaves(*, now: datetime) -> int:
    """Count what the new leaves touched; returns how many leaves that were. Runs inside ``tenant_work``."""
    position = _lock_cursor(now)
    following, intent_ids = intents_after(index=position - 1, limit=BATCH)
    if following == position:
        return 0
    minutes = _minutes_of(intent_ids, since=now - WINDOW - timedelta(hours=1))
    with connection.cursor() as cursor:
        if minutes:
            values: Mapping[str, Any] = {"minutes": minutes, "stages": _NAMES}
            cursor.execute(_COUNT_STAGES, values)
            cursor.execute(_COUNT_VOLUME, values)
        cursor.execute(
            "UPDATE runtime_rollup_cursor SET next_index = %s, updated_at = %s WHERE name = %s", [following, now, _NAME]
        )
    return following - position


def prune(*, now: datetime) -> None:
    """Drop rows that no window can reach any more."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM runtime_stage_minute WHERE minute < %s", [now - KEPT])
        cursor.execute("DELETE FROM runtime_volume_minute WHERE minute < %s", [now - KEPT])


def stage_figures(*, now: datetime) -> dict[str, StageFigures]:
    """The six states over the last 24 hours, by name."""
    since = window_start(now)
    width = WINDOW.total_seconds() / POINTS
    curves = {name: [0] * POINTS for name in _NAMES}
    buckets: dict[str, dict[int, int]] = {name: {} for name in _NAMES}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stage, floor(extract(epoch FROM minute - %s) / %s)::int, sum(reached)"
            " FROM runtime_stage_minute WHERE minute >= %s AND minute <= %s GROUP BY 1, 2",
            [since, width, since, now],
        )
        for stage, point, reached in cursor.fetchall():
            curves[stage][min(point, POINTS - 1)] += int(reached)
        cursor.execute(
            "SELECT stage, key::int, sum(value::bigint) FROM runtime_stage_minute, jsonb_each_text(histogram)"
            " WHERE minute >= %s AND minute <= %s GROUP BY 1, 2",
            [since, now],
        )
        for stage, bucket, count in cursor.fetchall():
            buckets[stage][bucket] = int(count)
    return {
        name: StageFigures(reached=sum(curves[name]), p95_ms=percentile(buckets[name], 0.95), curve=tuple(curves[name]))
        for name in _NAMES
    }


def volumes(*, now: datetime) -> list[Volume]:
    """What was ledgered over the last 24 hours, per currency, by code."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, sum(intents), sum(amount_minor) FROM runtime_volume_minute"
            " WHERE minute >= %s AND minute <= %s GROUP BY 1 ORDER BY 1",
            [window_start(now), now],
        )
        return [Volume(currency, int(count), int(amount)) for currency, count, amount in cursor.fetchall()]


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """The value below which this share lies, in milliseconds, within 5 %: the middle of its bucket."""
    total = sum(buckets.values())
    if not total:
        return None
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= total * share:
            return float(_BASE ** (bucket - 0.5))
    return None


def _lock_cursor(now: datetime) -> int:
    """The next leaf index to look at, under the row's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO runtime_rollup_cursor (name, next_index, updated_at) VALUES (%s, 0, %s)"
            " ON CONFLICT DO NOTHING",
            [_NAME, now],
        )
        cursor.execute("SELECT next_index FROM runtime_rollup_cursor WHERE name = %s FOR UPDATE", [_NAME])
        [(position,)] = cursor.fetchall()
    return int(position)


def _minutes_of(intent_ids: Sequence[str], *, since: datetime) -> list[datetime]:
    if not intent_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('minute', at) FROM runtime_transition WHERE intent_id = ANY(%s) AND at >= %s",
            [list(intent_ids), since],
        )
        return [minute.astimezone(UTC) for (minute,) in cursor.fetchall()]
