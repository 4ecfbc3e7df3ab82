"""The kinds of alarms: how bad each is, how often it is looked for, and where. What each means is in docs/alarms.md."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings

from zentra.alarms.types import Severity
from zentra.core.errors import DomainError

EVERY_KIND: Final = "*"
STILL_ONE_RUN_LOOKS: Final = 4


class UnknownAlarmKind(DomainError):
    """There is no alarm of this kind; a channel takes kinds of the list, or ``*`` for all."""

    code = "unknown_alarm_kind"
    status = 422
    title = "There is no alarm of this kind"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``is_platform`` kinds are about the installation and are kept in the ``platform`` workspace alone."""

    name: str
    title: str
    severity: Severity
    every_seconds: int
    is_platform: bool = False

    @property
    def runbook(self) -> str:
        """The slug of its runbook: docs/runbooks/<slug>.md."""
        return self.name.replace("_", "-")

    @property
    def raise_after(self) -> timedelta:
        """How long it must have been bad without a break, over two looks at least unless this is zero."""
        return timedelta(seconds=settings.ZENTRA_ALARM_RAISE_SECONDS)

    @property
    def clear_after(self) -> timedelta:
        """How long it must have been good without a break."""
        return timedelta(seconds=settings.ZENTRA_ALARM_CLEAR_SECONDS)

    @property
    def longest_gap(self) -> timedelta:
        """Two looks further apart than this are not one run: nobody knows what was between them."""
        return timedelta(seconds=max(60, STILL_ONE_RUN_LOOKS * self.every_seconds))


_ALL: Final = (
    Kind("ledger_drift", "Ledger drift", "critical", 30),
    Kind("sealing_lag", "Sealing lags", "critical", 5),
    Kind("endpoint_failing", "Endpoint failing", "warning", 10),
    Kind("rail_down", "Rail down", "critical", 10),
    Kind("intents_stuck", "Intents stuck", "warning", 60),
    Kind("reviews_unowned", "Reviews without a person", "warning", 10),
    Kind("reviews_overdue", "Reviews overdue", "warning", 10),
    Kind("access_denials", "Denials in a burst", "warning", 15),
    Kind("queue_age", "Queue is old", "critical", 5, is_platform=True),
    Kind("worker_silent", "Process silent", "critical", 5, is_platform=True),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}


def find_kind(name: str) -> Kind:
    """The kind of a name; raises UnknownAlarmKind."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownAlarmKind(f"{name[:80]!r} is none of {', '.join(KINDS)}.") from None


def runbook_of(kind: str) -> str:
    """The slug of the runbook of a kind; raises UnknownAlarmKind."""
    return find_kind(kind).runbook
