"""Matches as people read them: by which rule, how they stand, what agreed part by part."""

from typing import Any, Final

from console.marks import mark
from console.presenters.words import grouped
from console.types import Mark
from zentra.reconciliation.matching.types import MatchRecord

RULES: Final = {
    "exact": "exact reference + amount",
    "batch": "batch, many to one",
    "split": "split, one to many",
    "fee": "net + fee = gross",
    "fx": "reference, and the amount and currency before exchange",
    "tolerance": "reference, amount within tolerance",
    "manual": "by hand",
    "forced": "by hand, forced",
}


def match_mark(match: MatchRecord) -> Mark:
    """A match as people read it; ``confirmed`` alone would be a sanction's hit."""
    marks = {"proposed": "held", "confirmed": "matched", "undone": "reversed", "declined": "declined"}
    return mark(marks[match.state], says="needs a second person" if match.state == "proposed" else match.state)


def how_words(match: MatchRecord) -> str:
    """By which rule, or by whose hand."""
    return RULES.get(match.rule, match.rule) if match.how == "rule" else RULES[match.how]


def told_as(name: str) -> str:
    """The name of a part of an explanation: ``entry_minor`` is the entry's amount, in minor units."""
    return name.replace("_minor", " amount").replace("_", " ").replace("amount amount", "amount")


def said_of(value: Any) -> str:
    """A value of an explanation in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return grouped(value)
    if isinstance(value, list):
        return ", ".join(said_of(each) for each in value[:6]) + (
            f" and {len(value) - 6} more" if len(value) > 6 else ""
        )
    if isinstance(value, dict):
        return " · ".join(f"{name} {said_of(each)}" for name, each in value.items())
    return "" if value is None else str(value)
