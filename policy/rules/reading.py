"""Reads JSON that somebody wrote, strictly, and collects everything that is wrong with it, each error with its place.

A reading function answers a harmless stand-in where something is wrong, so that the rest is read as well; what was
built is used only when there are no errors. Places are RFC 6901 JSON pointers.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from policy.rules.nodes import Amount
from zentra.core.money import MAX_AMOUNT_MINOR, currencies

T = TypeVar("T")
Place = tuple[str | int, ...]
MOST_ERRORS: Final = 200
_ABSENT: Final = object()
MOST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class RuleError:
    """One thing that is wrong with a rule set: where (RFC 6901), a stable code, and what to do about it."""

    pointer: str
    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """As the API and the builder show it."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


def pointer_of(place: Place) -> str:
    """The place as a JSON pointer: ``/rules/3/when/of/1/value``; the whole document is the empty text."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in place)


@dataclass(slots=True)
class Reader:
    """The errors of one document, as they are found. ``lists`` are the workspace's lists; None asks no list."""

    lists: Collection[str] | None = None
    errors: list[RuleError] = field(default_factory=list)

    def refuse(self, place: Place, code: str, message: str) -> None:
        """Note an error; past the first two hundred nobody reads on."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(RuleError(pointer_of(place), code, message))

    def members(
        self, value: object, place: Place, required: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> dict[str, Any]:
        """An object with these members and no others."""
        if not isinstance(value, dict):
            self.refuse(place, "wrong_type", f"Must be an object, not {said(value)}.")
            return {}
        required = list(required)
        known = {*required, *optional}
        for key in value:
            if key not in known:
                self.refuse(
                    (*place, str(key)),
                    "unknown_member",
                    f"There is no such member; there are {', '.join(sorted(known))}.",
                )
        for key in required:
            if key not in value:
                self.refuse(place, "required", f"{key!r} is missing.")
        return value

    def integer(
        self, owner: Mapping[str, Any], key: str, place: Place, low: int, high: int, default: int | None = None
    ) -> int:
        """A whole number from ``low`` to ``high``; true and false are none."""
        value = owner.get(key, _ABSENT)
        if value is _ABSENT:
            return low if default is None else default
        return self.whole(value, (*place, key), low, high)

    def whole(self, value: object, place: Place, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        if type(value) is not int:
            self.refuse(place, "wrong_type", f"Must be a whole number, not {said(value)}.")
        elif not low <= value <= high:
            self.refuse(place, "out_of_range", f"Must be from {low} to {high}.")
        else:
            return value
        return low

    def boolean(self, owner: Mapping[str, Any], key: str, place: Place, *, default: bool) -> bool:
        """True or false."""
        value = owner.get(key, default)
        if type(value) is not bool:
            self.refuse((*place, key), "wrong_type", f"Must be true or false, not {said(value)}.")
            return default
        return value

    def text(self, owner: Mapping[str, Any], key: str, place: Place, *, most: int = MOST_TEXT) -> str:
        """A text of one to ``most`` characters on one line; an absent one is reported by ``members``."""
        value = owner.get(key, _ABSENT)
        return "" if value is _ABSENT else self.words(value, (*place, key), most=most)

    def words(self, value: object, place: Place, *, most: int = MOST_TEXT) -> str:
        """A text of one to ``most`` characters, all of which can be seen."""
        if not isinstance(value, str):
            self.refuse(place, "wrong_type", f"Must be a text, not {said(value)}.")
        elif not value.strip():
            self.refuse(place, "empty", "Must not be empty.")
        elif len(value) > most:
            self.refuse(place, "too_long", f"Must be at most {most} characters.")
        elif not value.isprintable():
            self.refuse(place, "not_printable", "Must be one line of characters that can be seen.")
        else:
            return value
        return ""

    def choice(
        self, owner: Mapping[str, Any], key: str, place: Place, choices: Collection[str], default: str | None = None
    ) -> Any:
        """One of these texts."""
        value = owner.get(key, _ABSENT)
        stand_in = next(iter(choices)) if default is None else default
        return stand_in if value is _ABSENT else self.one_of(value, (*place, key), choices) or stand_in

    def one_of(self, value: object, place: Place, choices: Collection[str]) -> str:
        """One of these texts."""
        if isinstance(value, str) and value in choices:
            return value
        self.refuse(place, "not_allowed", f"Must be one of {', '.join(choices)}, not {said(value)}.")
        return ""

    def items(
        self,
        owner: Mapping[str, Any],
        key: str,
        place: Place,
        read: Callable[[object, Place], T],
        *,
        most: int,
        least: int = 0,
    ) -> tuple[T, ...]:
        """A list of ``least`` to ``most``, each read by ``read``."""
        value, at = owner.get(key, []), (*place, key)
        if not isinstance(value, list):
            self.refuse(at, "wrong_type", f"Must be a list, not {said(value)}.")
            return ()
        if len(value) > most:
            self.refuse(at, "too_many", f"Must be at most {most}, not {len(value)}.")
            return ()
        if len(value) < least and key in owner:
            self.refuse(at, "too_few", f"Must be at least {least}.")
        return tuple(read(item, (*at, index)) for index, item in enumerate(value))

    def amount(self, value: object, place: Place, *, least: int = 0) -> Amount:
        """An amount of minor units: one number, or numbers by currency and one for every other."""
        if not isinstance(value, dict):
            return Amount(self.whole(value, place, least, MAX_AMOUNT_MINOR))
        members = self.members(value, place, ("by_currency", "otherwise"))
        otherwise = self.integer(members, "otherwise", place, least, MAX_AMOUNT_MINOR)
        by_currency = members.get("by_currency", {})
        if not isinstance(by_currency, dict):
            self.refuse((*place, "by_currency"), "wrong_type", f"Must be an object, not {said(by_currency)}.")
            return Amount(otherwise)
        amounts = {}
        for code, amount in by_currency.items():
            at = (*place, "by_currency", str(code))
            if self.currency(code, at):
                amounts[code] = self.whole(amount, at, least, MAX_AMOUNT_MINOR)
        return Amount(otherwise, amounts)

    def currency(self, value: object, place: Place) -> str:
        """An ISO 4217 code in use."""
        if isinstance(value, str) and value in currencies():
            return value
        self.refuse(place, "unknown_currency", f"{said(value)} is not an ISO 4217 currency in use.")
        return ""


def said(value: object) -> str:
    """What somebody wrote, short enough for a message."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
