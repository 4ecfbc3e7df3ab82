"""The kinds of alarms: what each says, how bad it is, how often it is looked for, and where."""

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
    meaning: str
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
    Kind("ledger_drift", "Ledger drift", "critical", 30,
         "Balances do not add up to zero, or are not what the entries say."),
    Kind("sealing_lag", "Sealing lags", "critical", 5,
         "Events wait too long for their place in the log and its signature."),
    Kind("endpoint_failing", "Endpoint failing", "warning", 10,
         "A webhook endpoint takes nothing any more, or was disabled because of that."),
    Kind("rail_down", "Rail down", "critical", 10,
         "A rail answers too few of the orders that it is sent."),
    Kind("intents_stuck", "Intents stuck", "warning", 60,
         "Intents have waited too long for something that should come by itself."),
    Kind("queue_age", "Queue is old", "critical", 5,
         "Work is due and nobody takes it.", is_platform=True),
    Kind("worker_silent", "Process silent", "critical", 5,
         "A background process gave no sign of life.", is_platform=True),
)  # fmt: skip

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
