"""Do intents get on."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from zentra.alarms.stuck import stuck_intents
from zentra.alarms.types import Finding, Sight
from zentra.core.clock import iso

# Reviews and pauses are people's own queues, with pages and owners; a dead endpoint rings by itself.
_PEOPLE_S: Final = frozenset({"review", "resume", "endpoint"})
LOOKED_AT: Final = 500


def see_stuck_intents(now: datetime) -> Sight:
    """All intents together that have waited too long for what should come by itself."""
    before = now - timedelta(seconds=settings.ZENTRA_ALARM_STUCK_SECONDS)
    found = [each for each in stuck_intents(now=now, limit=LOOKED_AT) if each.waits_for not in _PEOPLE_S]
    stuck = [each for each in found if each.since < before]
    if not stuck:
        return Sight()
    oldest = stuck[0]
    counts = Counter(each.waits_for for each in stuck)
    words = f"{len(stuck)} wait; the oldest since {iso(oldest.since)}: {oldest.words}"
    facts = {f"waits_for_{name}": count for name, count in sorted(counts.items())}
    return Sight((Finding("", words, {"stuck": len(stuck), "oldest_since": iso(oldest.since), **facts}),))
