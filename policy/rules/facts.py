"""The facts that rules are asked of: every field's value, and what the windows come to. They can be kept and read.

``facts[name]`` is a field's value; None is missing and ``FAILED`` could not be read. Windows stand under their slots,
and ``LISTED`` holds the pairs of list and value that were found.
"""

from collections.abc import Mapping
from typing import Any, Final

from policy.subjects import FIELDS, Subject

Facts = dict[str, Any]
LISTED: Final = "listed"
ACCOUNT_ID: Final = "account_id"
"""The source account's id; the field ``account`` is its code. A scope may name either."""


class Failed:
    """What stands for a value that could not be read."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = Failed()
_PYTHON: Final = {"amount": int, "integer": int, "text": str, "country": str, "currency": str, "boolean": bool}
_READ: Final = tuple((field.name, field.read, _PYTHON[field.type]) for field in FIELDS.values())


def facts_of(subject: Subject) -> Facts:
    """Every field of a subject. A value of another type than its field's is as good as none: it failed."""
    facts: Facts = {LISTED: frozenset(), ACCOUNT_ID: subject.account or None}
    for name, read, python in _READ:
        try:
            value = read(subject)
        except Exception:  # noqa: BLE001  # whatever went wrong, the rules that ask for this field must not pass by it
            value = FAILED  # type: ignore[assignment]  # the one value that is no field's
        facts[name] = value if value is None or type(value) is python else FAILED
    return facts


def kept_facts(facts: Facts, totals: Mapping[str, int]) -> dict[str, Any]:
    """The facts as a decision keeps them: what is missing is left out; ``totals`` are what meters came to, by key."""
    fields = {name: value for name, value in facts.items() if value is not None and not isinstance(value, Failed)}
    listed = fields.pop(LISTED, frozenset())
    return {
        "fields": {name: value for name, value in fields.items() if name in FIELDS or name == ACCOUNT_ID},
        "totals": dict(totals),
        "listed": sorted([name, value] for name, value in listed),
    }


def read_facts(kept: Mapping[str, Any]) -> Facts:
    """The facts of a decision that was kept."""
    fields = kept.get("fields", {})
    return {
        **{name: fields.get(name) for name in FIELDS},
        ACCOUNT_ID: fields.get(ACCOUNT_ID),
        LISTED: frozenset((name, value) for name, value in kept.get("listed", [])),
    }
