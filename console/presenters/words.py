"""How times, durations, amounts and curves are written."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from console.types import Moment, MoneyView
from zentra.core.clock import iso
from zentra.core.money import format_minor

NONE: Final = "—"
_SCALE: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**4, "k"))
_OWN_ID: Final = re.compile(r"\.[0-9a-z]{26}$")
SPARK_WIDTH: Final = 100.0


def grouped(number: int) -> str:
    """12345 as "12,345", with a real minus."""
    return f"{number:,}".replace("-", "−")


def short(number: int) -> str:
    """A number that fits a headline: 24,118,204,411 is "24.1B"; below ten thousand it is exact."""
    for size, letter in _SCALE:
        if abs(number) >= size:
            scaled = number / (size if letter != "k" else 1000)
            return f"{scaled:.1f}{letter}".replace("-", "−")
    return grouped(number)


def money(amount_minor: int, currency: str) -> MoneyView:
    """An amount in its two forms."""
    return MoneyView(minor=grouped(amount_minor), major=format_minor(amount_minor, currency), currency=currency)


def age(span: timedelta) -> str:
    """How long ago, in one unit: "now", "41 s", "6 m", "3 h", "2 d"."""
    seconds = span.total_seconds()
    if seconds < 1:
        return "now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def moment(at: datetime, now: datetime) -> Moment:
    """A point in time for a table."""
    return Moment(iso=iso(at), text=f"{at:%d %b %Y %H:%M:%S}.{at.microsecond // 1000:03d} UTC", age=age(now - at))


def clock(at: datetime) -> str:
    """14:12:09.481"""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def stamp(at: datetime | None) -> str:
    """21 Nov 14:12:09, or a dash."""
    return f"{at:%d %b %H:%M:%S}" if at else NONE


def dated(at: datetime | None) -> str:
    """2026-11-21 14:12:09, or a dash: in the books the year is never left out."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else NONE


def short_code(code: str) -> str:
    """An account's code; of one that is an id the end, which differs: the start is its time."""
    return f"acct_…{code[-6:]}" if code.startswith("acct_") else code


def delta(start: datetime, at: datetime) -> str:
    """Δt since the first event, in seconds to the millisecond: "+0.196"; past a minute "+3:12"."""
    seconds = max(0.0, (at - start).total_seconds())
    if seconds < 60:
        return f"+{seconds:.3f}"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02d}:{rest:02d}" if hours else f"+{minutes}:{rest:02d}"


def took(milliseconds: float | None) -> str:
    """A duration: "4 ms", "1.2 s", "3 m"."""
    if milliseconds is None:
        return NONE
    if milliseconds < 1000:
        return f"{max(1, round(milliseconds))} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return age(timedelta(milliseconds=milliseconds))


def percent(share: float | None) -> str:
    """99.99, or a dash when there is nothing to divide by."""
    return NONE if share is None else f"{share:.2f}"


def spark(values: Sequence[float]) -> tuple[str, str]:
    """The line and the area under it, as SVG paths in a 100 × 26 box; empty when nothing happened."""
    if len(values) < 2 or not any(values):
        return "", ""
    top = max(values)
    step = SPARK_WIDTH / (len(values) - 1)
    points = [f"{position * step:.1f},{24.1 - (value / top) * 20.9:.1f}" for position, value in enumerate(values)]
    line = "M" + " L".join(points)
    return line, f"{line} L100,26 L0,26Z"


def step(purpose: str) -> str:
    """A posting's purpose without the id that keeps repeated steps apart: "hold.capture"."""
    return _OWN_ID.sub("", purpose)


def shorten(text: str, *, head: int = 14, tail: int = 4) -> str:
    """An id or hash that is too long for its place: "9f2c61b0…e14a"."""
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"


def short_url(url: str) -> str:
    """A URL without its scheme, cut to fit a list."""
    bare = url.partition("://")[2] or url
    return bare if len(bare) <= 48 else f"{bare[:34]}…{bare[-12:]}"
