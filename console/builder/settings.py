"""What holds for a whole rule set, as a form of a few lines of text, and back."""

from collections.abc import Mapping
from typing import Any, Final

from console.builder.amounts import minor_of, ordered, whole
from console.builder.closing import lines
from console.builder.typed import Problem
from zentra.core.money import currencies, format_minor

Texts = Mapping[str, str]
OTHERWISE: Final = "otherwise"
_HOUR: Final = 3_600


def open_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the form."""
    eyes = settings.get("four_eyes") or {}
    lanes = settings.get("lanes") or ()
    seconds = settings.get("hold_expires_after_seconds")
    return {
        "on_missing": str(settings.get("on_missing") or ""),
        "on_error": str(settings.get("on_error") or ""),
        "lanes": "\n".join(f"{each['lane']} {each['from_score']}" for each in lanes),
        "four_eyes_amount": _open_amount(eyes.get("amount_minor")),
        "four_eyes_rules": "\n".join(eyes.get("rules") or ()),
        "four_eyes_kinds": "\n".join(eyes.get("kinds") or ()),
        "hold_hours": str(seconds // _HOUR) if isinstance(seconds, int) else "",
    }


def close_settings(typed: Texts, problems: list[Problem]) -> dict[str, Any]:
    """The settings of these texts; what is wrong is added to ``problems``. What is empty is left to the usual."""
    made: dict[str, Any] = {name: typed[name] for name in ("on_missing", "on_error") if typed.get(name)}
    if typed.get("lanes", "").strip():
        made["lanes"] = [_lane(line, problems) for line in lines([typed["lanes"]])]
    eyes: dict[str, Any] = {}
    if typed.get("four_eyes_amount", "").strip():
        eyes["amount_minor"] = _amount(typed["four_eyes_amount"], problems)
    for name in ("rules", "kinds"):
        if found := lines([typed.get(f"four_eyes_{name}", "")]):
            eyes[name] = found
    if eyes:
        made["four_eyes"] = eyes
    if said := typed.get("hold_hours", "").strip():
        hours = whole(said)
        if hours is None:
            problems.append(Problem("/hold_hours", f"“{said[:20]}” is no whole number of hours."))
        made["hold_expires_after_seconds"] = (hours or 0) * _HOUR
    return made


def _lane(line: str, problems: list[Problem]) -> dict[str, Any]:
    name, _, score = line.rpartition(" ")
    found = whole(score)
    if not name or found is None:
        problems.append(
            Problem("/lanes", f"“{line[:30]}” is no lane: write its name and the score it begins at, B 30.")
        )
    return {"lane": name.strip(), "from_score": found or 0}


def _open_amount(amount: object) -> str:
    if not isinstance(amount, dict):
        return f"{OTHERWISE} {amount:,}" if isinstance(amount, int) else ""
    told = [f"{code} {format_minor(minor, code)}" for code, minor in ordered(amount.get("by_currency") or {})]
    return "\n".join([*told, f"{OTHERWISE} {amount['otherwise']:,}"])


def _amount(text: str, problems: list[Problem]) -> object:
    by_currency: dict[str, int] = {}
    otherwise: int | None = None
    for line in lines([text]):
        name, _, said = line.partition(" ")
        if name.lower() == OTHERWISE:
            otherwise = whole(said)
        elif (code := name.upper()) in currencies() and isinstance(read := minor_of(said, code), int):
            by_currency[code] = read
        else:
            problems.append(Problem("/four_eyes_amount", f"“{line[:30]}” is no amount: write USD 150,000.00."))
    if otherwise is None:
        problems.append(Problem("/four_eyes_amount", "Say what holds for other currencies: otherwise 15,000,000."))
    return {"by_currency": by_currency, "otherwise": otherwise} if by_currency else otherwise
