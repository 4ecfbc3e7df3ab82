"""What people type into filters and forms, read strictly: days, moments and whole numbers. All times are UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from console.doors import Visit
from console.forms import FormIncomplete
from zentra.core.money import MAX_AMOUNT_MINOR

_WHOLE: Final = re.compile(r"[-−]?\d{1,3}(?:[,  ]?\d{3})*")
_PLACE: Final = re.compile(r"[0-9]{1,18}")
_DAY: Final = timedelta(days=1)
MAX_TEXT: Final = 120


def asked(visit: Visit, name: str) -> str:
    """A parameter of the address, trimmed."""
    return visit.request.GET.get(name, "").strip()[:MAX_TEXT]


def read_moment(text: str) -> datetime | None:
    """A day or a moment in UTC, as date and datetime-local fields send it; None for anything else."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if not 1970 <= found.year <= 9000:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def read_end(text: str) -> datetime | None:
    """The end of a span whose last day, when only a day is said, belongs to it."""
    found = read_moment(text)
    return found + _DAY if found is not None and len(text.strip()) == len("2026-04-26") else found


def read_whole(text: str) -> int | None:
    """A whole number, with or without grouping; None for anything else, a fraction too."""
    if not _WHOLE.fullmatch(text.strip()):
        return None
    number = int(re.sub(r"[,  ]", "", text.strip()).replace("−", "-"))
    return number if abs(number) <= MAX_AMOUNT_MINOR else None


def read_place(text: str) -> int | None:
    """A version, revision or row number in plain digits; None for anything else."""
    return int(text) if _PLACE.fullmatch(text) else None


def minor(text: str, *, what: str) -> int:
    """An amount that a form needs, in minor units; raises FormIncomplete."""
    found = read_whole(text)
    if found is None:
        raise FormIncomplete(f"{what} is a whole number of minor units, not “{text[:30]}”.")
    return found


def optional_minor(text: str, *, what: str) -> int | None:
    """The same where nothing may be said: empty is None."""
    return minor(text, what=what) if text.strip() else None


def day(at: datetime) -> str:
    """As a date field holds it."""
    return f"{at:%Y-%m-%d}"


def moment_field(at: datetime | None) -> str:
    """As a datetime-local field holds it; empty of none."""
    return f"{at:%Y-%m-%dT%H:%M}" if at else ""


def version_of(visit: Visit) -> int:
    """The version of what the page showed."""
    text = visit.request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
