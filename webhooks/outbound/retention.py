"""How long history is kept: attempts and callbacks by calendar month, dropped as a whole once it is old enough.

Deliveries, what a callback converged on (its key) and quarantined bodies stay: they are what one asks by. What is
dropped is each call's headers and answer, and each callback's bytes. The database makes and drops the months itself
(``sql/partitions.sql``); by its own clock it refuses to drop what is younger than 30 days, whoever asks.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from webhooks.outbound import health
from webhooks.types import DroppedMonth, PrunedHistory
from zentra.core.actors import EVENTS
from zentra.core.clock import iso
from zentra.core.tenancy import TenantRef, current_tenant
from zentra.tenants.configuration.queries import read_settings

MIN_DAYS: Final = 30
MONTHS_AHEAD: Final = 1
# The floor is measured by another clock than ours; a day lies between the two.
_CLOCKS_DIFFER: Final = timedelta(days=1)
_TABLES: Final[dict[str, Literal["attempts", "callbacks"]]] = {
    "webhooks_attempt": "attempts",
    "webhooks_callback": "callbacks",
}


def make_partitions(*, now: datetime) -> list[str]:
    """Have a partition for this month and the next; the names of those that were made.

    What came while its month was missing is moved into it. Repeating it is harmless and, with nothing to do, takes no
    lock. Raises OperationalError when a table stays locked for two seconds: the next run tries again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT webhooks_make_partitions(%s, %s)", [now, MONTHS_AHEAD])
        return [name for (name,) in cursor.fetchall()]


def provide_partitions(_workspace: TenantRef, now: datetime) -> None:
    """The first months of a new workspace, inside its first transaction."""
    make_partitions(now=now)


def prune_history(*, now: datetime) -> PrunedHistory:
    """Drop the months of attempts and callbacks that ended before ``webhook_history_days`` ago, and health with them.

    The setting's default is 90; less than 30 counts as 30. What was dropped is recorded as ``webhook.history_pruned``,
    in this transaction; nothing is recorded when nothing was. Raises IntegrityError when this clock runs so far ahead
    that the month is younger than 30 days by the database's clock, and OperationalError when a reader of the table
    does not end within two seconds, for which writers wait too: the next run tries again.
    """
    days = history_days()
    before = now - max(timedelta(days=days), timedelta(days=MIN_DAYS) + _CLOCKS_DIFFER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT parent, name, until, held FROM webhooks_drop_partitions(%s)", [before])
        dropped = tuple(
            DroppedMonth(table=_TABLES[parent], name=name, until=until, rows=held)
            for parent, name, until, held in cursor.fetchall()
        )
    health.forget_minutes(before=before)
    pruned = PrunedHistory(kept_days=days, before=before, dropped=dropped)
    if dropped:
        _record(pruned, now=now)
    return pruned


def history_days() -> int:
    """For how many days this workspace keeps attempts and callbacks, at least 30."""
    return max(read_settings(workspace_id=current_tenant().id).webhook_history_days, MIN_DAYS)


def _record(pruned: PrunedHistory, *, now: datetime) -> None:
    data: dict[str, object] = {
        "kept_days": pruned.kept_days,
        "before": iso(pruned.before),
        "dropped": [
            {"table": each.table, "name": each.name, "until": iso(each.until), "rows": each.rows}
            for each in pruned.dropped
        ],
    }
    record_events(events=[NewEvent(type="webhook.history_pruned", actor=EVENTS, data=data)], now=now)
