"""Balance monitors: each crossing of a threshold is found exactly, from the account's history.

A monitor remembers up to which version of its account it has looked. What came after is read entry by entry, with the
balance that each one left, so that a dip between two rounds is found too. A round locks its monitors and skips those
of another round: any number may run at once, and a killed one leaves everything as it was.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import AccountNotFound, InvalidMonitor, MonitorNotFound
from ledger.queries.monitors import MonitorRecord, find_monitors, get_monitor
from zentra.core import actors, ids, telemetry
from zentra.core.actors import Actor
from zentra.core.money import MAX_AMOUNT_MINOR

METRICS: Final = ("available", "pending", "posted")
COMPARISONS: Final = ("above", "below")
MONITORS_PER_ROUND: Final = 100
ENTRIES_PER_MONITOR: Final = 2_000
_EVENTS_AT_ONCE: Final = 1_000

# The watched figure in the account's normal direction, from net (credits − debits) and pending debits and credits.
_FIGURE: Final = """
  CASE m.metric
    WHEN 'posted' THEN {side} * {net}
    WHEN 'pending' THEN {side} * ({credits} - {debits})
    ELSE {side} * {net} - CASE {side} WHEN 1 THEN {debits} ELSE {credits} END
  END"""
_SIDE: Final = "(CASE a.normal_balance WHEN 'credit' THEN 1 ELSE -1 END)"
_FIGURE_NOW: Final = _FIGURE.format(
    side=_SIDE, net="(b.posted_credits - b.posted_debits)", debits="b.pending_debits", credits="b.pending_credits"
)
_FIGURE_AFTER: Final = _FIGURE.format(
    side=_SIDE, net="p.balance_after_minor", debits="p.pending_debits_after", credits="p.pending_credits_after"
)
_BEYOND: Final = (
    "CASE f.comparison WHEN 'above' THEN f.figure > f.threshold_minor ELSE f.figure < f.threshold_minor END"
)

# One statement, so the version and the figure at it are of one moment: nothing after it is missed or seen twice.
_ADD: Final = f"""
WITH figure AS (
  SELECT m.*, b.version, {_FIGURE_NOW} AS figure
    FROM (SELECT %s::uuid AS id, %s::uuid AS account_id, %s::text AS name, %s::text AS metric, %s::text AS comparison,
                 %s::bigint AS threshold_minor, %s::jsonb AS actor, %s::timestamptz AS at) m
    JOIN ledger_account a ON a.id = m.account_id
    JOIN ledger_balance b ON b.account_id = a.id
)
INSERT INTO ledger_monitor (id, account_id, name, metric, comparison, threshold_minor, is_crossed, checked_version,
       created_by, created_at)
SELECT f.id, f.account_id, f.name, f.metric, f.comparison, f.threshold_minor, {_BEYOND}, f.version, f.actor, f.at
  FROM figure f
"""  # noqa: S608  # constants
_LOCK: Final = """
SELECT m.id
  FROM ledger_monitor m JOIN ledger_balance b ON b.account_id = m.account_id
 WHERE m.removed_at IS NULL AND b.version > m.checked_version AND m.id > %s
 ORDER BY m.id LIMIT %s
   FOR UPDATE OF m SKIP LOCKED
"""
# The entries that turned a figure, and the last entry that was looked at of each monitor.
_STEPS: Final = f"""
WITH figure AS (
  SELECT m.id, m.comparison, m.threshold_minor, m.is_crossed, p.version, p.entry_id, {_FIGURE_AFTER} AS figure
    FROM ledger_monitor m
    JOIN ledger_account a ON a.id = m.account_id
   CROSS JOIN LATERAL (SELECT * FROM ledger_entry_position p
                        WHERE p.account_id = m.account_id AND p.version > m.checked_version
                        ORDER BY p.version LIMIT %s) p
   WHERE m.id = ANY (%s::uuid[])
), beyond AS (
  SELECT f.*, {_BEYOND} AS is_beyond FROM figure f
), step AS (
  SELECT b.*, b.is_beyond <> lag(b.is_beyond, 1, b.is_crossed) OVER history AS is_turn,
         lead(b.version) OVER history IS NULL AS is_last, count(*) OVER (PARTITION BY b.id) AS looked_at
    FROM beyond b WINDOW history AS (PARTITION BY b.id ORDER BY b.version)
)
SELECT s.id, s.version, s.entry_id, e.recorded_at, s.figure, s.is_beyond, s.is_turn, s.is_last, s.looked_at
  FROM step s JOIN ledger_entry e ON e.id = s.entry_id
 WHERE s.is_turn OR s.is_last
 ORDER BY e.recorded_at, s.entry_id, s.id
"""  # noqa: S608  # constants
_ADVANCE: Final = """
UPDATE ledger_monitor m
   SET checked_version = d.version, is_crossed = d.is_beyond, crossed_at = coalesce(d.crossed_at, m.crossed_at)
  FROM unnest(%s::uuid[], %s::bigint[], %s::boolean[], %s::timestamptz[]) AS d (id, version, is_beyond, crossed_at)
 WHERE m.id = d.id
"""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An entry that took a monitored figure across its threshold; ``crossed`` false: back again."""

    monitor: MonitorRecord
    balance_minor: int
    version: int
    entry_id: str
    recorded_at: datetime
    crossed: bool


@dataclass(frozen=True, slots=True)
class MonitorRound:
    """What a round found.

    ``last`` is where the next round of the same sweep goes on, None at its end; ``is_behind`` says that a monitor's
    account has more entries than the round looked at.
    """

    checked: int
    crossings: tuple[Crossing, ...]
    last: str | None
    is_behind: bool


@dataclass(frozen=True, slots=True)
class _Step:
    key: UUID
    version: int
    entry_id: UUID
    recorded_at: datetime
    figure: Decimal
    is_beyond: bool
    is_turn: bool
    is_last: bool
    looked_at: int


def add_monitor(
    *,
    account_id: str,
    metric: str,
    comparison: str,
    threshold_minor: int,
    actor: Actor,
    now: datetime,
    name: str = "",
) -> MonitorRecord:
    """Watch a balance: an event for each crossing, in both directions, from now on.

    ``metric`` is available, posted or pending (in less out), minor units in the account's normal direction;
    ``comparison`` above or below, strictly. A figure that is beyond already makes no event: ``is_crossed`` says so.
    Raises InvalidMonitor, AccountNotFound, BadId. Event: account.monitor_added.
    """
    _check_form(metric, comparison, threshold_minor, name)
    monitor_id = ids.new_id("mon")
    account = ids.to_uuid(account_id, prefix="acct")
    words: list[Any] = [name.strip(), metric, comparison, threshold_minor, json.dumps(actor.as_dict()), now]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [ids.to_uuid(monitor_id, prefix="mon"), account, *words])
        if cursor.rowcount != 1:
            raise AccountNotFound(f"There is no account {account_id}.", account_id=account_id)
    record = get_monitor(monitor_id=monitor_id)
    record_events(events=[_lifecycle_event("account.monitor_added", record, actor)], now=now)
    return record


def remove_monitor(*, monitor_id: str, actor: Actor, now: datetime) -> MonitorRecord:
    """Stop watching; the row is kept. Raises MonitorNotFound, also when somebody removed it first, and BadId.

    Event: account.monitor_removed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_monitor SET removed_at = %s WHERE id = %s AND removed_at IS NULL",
            [now, ids.to_uuid(monitor_id, prefix="mon")],
        )
        if cursor.rowcount != 1:
            raise MonitorNotFound(f"There is no balance monitor {monitor_id}.", monitor_id=monitor_id)
    record = get_monitor(monitor_id=monitor_id)
    record_events(events=[_lifecycle_event("account.monitor_removed", record, actor)], now=now)
    return record


def check_monitors(
    *,
    now: datetime,
    after: str | None = None,
    limit: int = MONITORS_PER_ROUND,
    entries_each: int = ENTRIES_PER_MONITOR,
) -> MonitorRound:
    """One round: up to ``limit`` monitors whose account moved, up to ``entries_each`` of its entries for each.

    Rounds ``after`` one another sweep over all monitors, so that none waits for busier ones.

    Records an ``account.monitor_crossed`` for each crossing, in the order of the entries. Reads two small tables and
    stops there when nothing moved.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids.to_uuid(after, prefix="mon") if after else UUID(int=0), limit])
        keys = [key for (key,) in cursor.fetchall()]
        if not keys:
            return MonitorRound(0, (), last=None, is_behind=False)
        # A statement of its own: it sees what the last holder of these locks committed.
        cursor.execute(_STEPS, [entries_each, keys])
        steps = [_Step(*row) for row in cursor.fetchall()]
        _advance(cursor, steps)
    crossings = _crossings(steps)
    for stretch in range(0, len(crossings), _EVENTS_AT_ONCE):
        chosen = crossings[stretch : stretch + _EVENTS_AT_ONCE]
        record_events(events=[_crossed_event(crossing) for crossing in chosen], now=now)
    is_behind = any(step.looked_at == entries_each for step in steps)
    last = ids.to_public("mon", keys[-1]) if len(keys) == limit else None
    return MonitorRound(len(keys), tuple(crossings), last, is_behind)


def _check_form(metric: str, comparison: str, threshold_minor: int, name: str) -> None:
    if metric not in METRICS:
        raise InvalidMonitor(f"{metric[:40]!r} is no metric.", field="metric", allowed=list(METRICS))
    if comparison not in COMPARISONS:
        raise InvalidMonitor(f"{comparison[:40]!r} is no comparison.", field="comparison", allowed=list(COMPARISONS))
    if isinstance(threshold_minor, bool) or not isinstance(threshold_minor, int):
        raise InvalidMonitor("A threshold is a whole number of minor units.", field="threshold_minor")
    if abs(threshold_minor) > MAX_AMOUNT_MINOR:
        raise InvalidMonitor(f"A threshold lies within 2^53−1, not at {threshold_minor}.", field="threshold_minor")
    if len(name.strip()) > 120:
        raise InvalidMonitor("A monitor's name has 120 characters at most.", field="name")


def _advance(cursor: Any, steps: Sequence[_Step]) -> None:
    """Remember of each monitor how far it was looked at, and how its figure stood there."""
    last = [step for step in steps if step.is_last]
    turned_at = {step.key: step.recorded_at for step in steps if step.is_turn}
    cursor.execute(
        _ADVANCE,
        [
            [step.key for step in last],
            [step.version for step in last],
            [step.is_beyond for step in last],
            [turned_at.get(step.key) for step in last],
        ],
    )


def _crossings(steps: Sequence[_Step]) -> list[Crossing]:
    turns = [step for step in steps if step.is_turn]
    monitors = {record.id: record for record in find_monitors(keys=list({step.key for step in turns}))}
    return [
        Crossing(
            monitor=monitors[ids.to_public("mon", step.key)],
            balance_minor=int(step.figure),
            version=step.version,
            entry_id=ids.to_public("entry", step.entry_id),
            recorded_at=step.recorded_at,
            crossed=step.is_beyond,
        )
        for step in turns
    ]


def _crossed_event(crossing: Crossing) -> NewEvent:
    monitor = crossing.monitor
    is_canonical = abs(crossing.balance_minor) <= MAX_AMOUNT_MINOR
    return NewEvent(
        type="account.monitor_crossed",
        actor=actors.LEDGER,
        data={
            **_facts(monitor),
            # Pending may add up beyond what canonical JSON holds; such a figure is told in words, not withheld.
            "balance_minor": crossing.balance_minor if is_canonical else str(crossing.balance_minor),
            "version": crossing.version,
            "entry_id": crossing.entry_id,
            "crossed": crossing.crossed,
        },
        trace_id=telemetry.trace_id(),
        occurred_at=crossing.recorded_at,
    )


def _lifecycle_event(kind: str, monitor: MonitorRecord, actor: Actor) -> NewEvent:
    facts = {**_facts(monitor), "crossed": monitor.is_crossed, "version": monitor.checked_version}
    return NewEvent(type=kind, actor=actor, data=facts, trace_id=telemetry.trace_id())


def _facts(monitor: MonitorRecord) -> dict[str, object]:
    return {
        "monitor_id": monitor.id,
        "account_id": monitor.account_id,
        "account": monitor.account_code,
        "currency": monitor.currency,
        "metric": monitor.metric,
        "comparison": monitor.comparison,
        "threshold_minor": monitor.threshold_minor,
    }
