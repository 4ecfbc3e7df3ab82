"""What looks for each kind. A watcher reads other apps' queries, changes nothing, and says what is bad now."""

from typing import Final

from zentra.alarms.kinds import KINDS, Kind
from zentra.alarms.types import Watcher
from zentra.alarms.watchers.access import see_denial_bursts
from zentra.alarms.watchers.events import see_failing_endpoints
from zentra.alarms.watchers.intents import see_stuck_intents
from zentra.alarms.watchers.money import see_ledger_drift, see_sealing_lag
from zentra.alarms.watchers.processes import see_old_queue, see_silent_processes
from zentra.alarms.watchers.rails import see_rails_down
from zentra.alarms.watchers.reviews import see_reviews_overdue, see_reviews_unowned
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef

WATCHERS: Final[dict[str, Watcher]] = {
    "ledger_drift": see_ledger_drift,
    "sealing_lag": see_sealing_lag,
    "endpoint_failing": see_failing_endpoints,
    "rail_down": see_rails_down,
    "intents_stuck": see_stuck_intents,
    "reviews_unowned": see_reviews_unowned,
    "reviews_overdue": see_reviews_overdue,
    "access_denials": see_denial_bursts,
    "queue_age": see_old_queue,
    "worker_silent": see_silent_processes,
}


_ALSO_PLATFORM: Final = frozenset({"sealing_lag", "access_denials"})


def kinds_of(ws: TenantRef) -> list[Kind]:
    """What is looked for in a workspace: kinds about the installation only in ``platform``, and there only these.

    The log of ``platform`` is sealed like any other, so its lag is looked for too; and it keeps the attempts of those
    whom nobody can place.
    """
    if ws.slug != PLATFORM_SCHEMA:
        return [kind for kind in KINDS.values() if not kind.is_platform]
    return [kind for kind in KINDS.values() if kind.is_platform or kind.name in _ALSO_PLATFORM]
