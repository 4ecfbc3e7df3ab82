"""What limits hand out. Amounts are minor units, counts are numbers, times UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policy.rules.types import Meter


@dataclass(frozen=True, slots=True)
class Stand:
    """What a meter stands at; ``is_known`` says whether the counterparty asked for is among those it counts."""

    used: int
    is_known: bool


@dataclass(frozen=True, slots=True)
class ShownLimit:
    """A limit whose usage is asked for: its meter and the most that it may reach, in each currency."""

    name: str
    meter: Meter
    by_currency: Mapping[str, int]
    otherwise: int

    def cap_in(self, currency: str) -> int:
        """The limit in a currency, minor units; a number where amounts do not matter."""
        return self.by_currency.get(currency, self.otherwise)


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """One bar: how much of a limit one subject has used.

    ``key`` is whom: the customer's, account's or card's reference, the corridor as ``GB>US/wire``, ``*`` for the
    workspace. ``currency`` is ``***`` where all are counted. ``percent`` may pass 100. ``resets_at`` is the next start
    of a calendar window; a rolling one has none. ``cursor`` continues the list after this bar.
    """

    limit: str
    dimension: str
    key: str
    currency: str
    used: int
    cap: int
    percent: int
    window_starts_at: datetime
    resets_at: datetime | None
    cursor: tuple[str, int]
