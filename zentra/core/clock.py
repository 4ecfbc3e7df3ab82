"""The clock: the one place that reads the time, so that tests can replay a day in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_held: list[tuple[object, datetime]] = []


def now() -> datetime:
    """The present moment, aware, in UTC."""
    held = _held[-1:]  # one read: another thread may let go of the last hold between two
    return held[0][1] if held else datetime.now(UTC)


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock of this process at one moment (tests, rehearsals).

    Each holder takes away its own hold only, in whatever order holders of several threads end: the one that ends last
    leaves the clock running.
    """
    hold = (object(), moment)
    _held.append(hold)
    try:
        yield
    finally:
        _held.remove(hold)


def iso(moment: datetime) -> str:
    """UTC with milliseconds and Z, the form of event bytes and API answers."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
