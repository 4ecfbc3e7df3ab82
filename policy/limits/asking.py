"""How meters are put to the database: each once, with whom it counts and from when. Minor units, UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from policy.rules.types import EVERY_CURRENCY, AskedMeter, Meter
from policy.subjects import Subject

WORKSPACE = "*"
"""The name of the one subject of a workspace-wide meter."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a meter counts: the row that intents of the same subject queue on."""

    dimension: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter of one subject with the least of its caps, None when it only asks."""

    whom: Whom
    meter: Meter
    cap: int | None


def corridor_of(subject: Subject) -> str | None:
    """The corridor as one text, ``GB>US/wire``; None when no part of it is known."""
    parts = (subject.corridor_source, subject.corridor_destination, subject.corridor_method)
    return f"{parts[0]}>{parts[1]}/{parts[2]}" if any(parts) else None


def whom_of(meter: Meter, subject: Subject) -> Whom | None:
    """Whom this meter counts of an intent; None when the intent has nobody of that kind."""
    names = {
        "account": subject.account or subject.account_code,
        "customer": subject.customer,
        "corridor": corridor_of(subject),
        "card": subject.card,
        "workspace": WORKSPACE,
    }
    name = names[meter.by]
    return Whom(meter.by, name, currency_of(meter, subject.currency)) if name else None


def currency_of(meter: Meter, currency: str) -> str:
    """In which currency a meter counts: the intent's own where amounts matter, else all of them."""
    return currency if meter.is_by_currency else EVERY_CURRENCY


def start_of(meter: Meter, now: datetime, time_zone: tzinfo) -> datetime:
    """The last moment that no longer counts: a calendar window begins at its midnight, a rolling one just after."""
    starts_at = meter.window.starts_at(now, time_zone)
    return starts_at if meter.window.rolling_seconds is not None else starts_at - _INSTANT


def key_of(meter: Meter) -> str:
    """The text under which counters of a meter are kept."""
    return meter.key


def kinds_of(meter: Meter) -> str:
    """The kinds that a meter counts as the database compares them: each between commas, empty for all."""
    return f",{','.join(sorted(meter.kinds))}," if meter.kinds else ""


def each_once(meters: Iterable[AskedMeter], subject: Subject) -> tuple[list[Metered], list[int | None]]:
    """The meters to ask for, each once with the least of its caps, and for every asked one its place among them."""
    places: dict[tuple[Whom, str], int] = {}
    once: list[Metered] = []
    found: list[int | None] = []
    for asked in meters:
        whom = whom_of(asked.meter, subject)
        if whom is None:
            found.append(None)
            continue
        place = places.setdefault((whom, key_of(asked.meter)), len(once))
        if place == len(once):
            once.append(Metered(whom, asked.meter, asked.cap))
        elif asked.cap is not None:
            cap = once[place].cap
            once[place] = Metered(whom, asked.meter, asked.cap if cap is None else min(cap, asked.cap))
        found.append(place)
    return once, found
