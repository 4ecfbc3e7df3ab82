"""Whether a value is one that a setting may have. Each check returns it in the form it is stored in, or raises."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from zentra.core.rates import read_policies

MOST_NAMES: Final = 50
_ZONE: Final = re.compile(r"(?=.{1,60}\Z)[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{2,39}")
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class BadValue(ValueError):
    """The value is not one that the setting may have; its text says what would be."""


def whole(value: object, least: int, most: int, unit: str) -> int:
    """A whole number within bounds; its digits as a text are taken too, since a form sends those."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        value = int(value.strip())
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadValue(f"Give a whole number of {unit}, {least:,} to {most:,}.")
    return value


def switch(value: object) -> bool:
    """On or off; 1 and 0 as well, as an earlier version stored them."""
    if value in (True, "true", "on", "1"):
        return True
    if value in (False, "false", "off", "0", ""):
        return False
    raise BadValue("Say on or off.")


def choice(value: object, choices: tuple[str, ...]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in choices:
        raise BadValue(f"Choose one of {', '.join(choices)}.")
    return value


def zone(value: object) -> str:
    """An IANA time zone name that this machine knows."""
    try:
        if isinstance(value, str) and _ZONE.fullmatch(value):
            return ZoneInfo(value).key
    except (KeyError, ValueError, OSError):
        pass  # nobody on this machine knows it
    raise BadValue("Name a time zone, such as Europe/Berlin or UTC.")


def roles(value: object) -> list[str]:
    """Role keys, each once, in order; whether they exist is for the operation to ask."""
    return _names(value, _ROLE, "Give keys of roles, such as auditor.")


def domains(value: object) -> list[str]:
    """Mail domains in lower case, each once, in order."""
    return _names(value, _DOMAIN, "Give mail domains, such as example.com.")


def _names(value: object, form: re.Pattern[str], otherwise: str) -> list[str]:
    if isinstance(value, str):
        value = [each for each in re.split(r"[\s,;]+", value) if each]
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in value):
        raise BadValue(otherwise)
    names = sorted({each.strip().lower() for each in value})
    if len(names) > MOST_NAMES:
        raise BadValue(f"At most {MOST_NAMES}.")
    wrong = next((each for each in names if not form.fullmatch(each)), None)
    if wrong is not None:
        raise BadValue(f"{wrong[:60]!r} is none. {otherwise}")
    return names


def rates(value: object) -> dict[str, dict[str, list[float]]]:
    """Request limits as ``zentra.core.rates.read_policies`` takes them; what is left out is as usual."""
    try:
        read_policies(value)
    except ValueError as error:
        raise BadValue(str(error)) from error
    named: Mapping[str, Mapping[str, Sequence[float]]] = value  # type: ignore[assignment]  # as read_policies found
    return {name: {whose: list(named[name][whose]) for whose in sorted(named[name])} for name in sorted(named)}
