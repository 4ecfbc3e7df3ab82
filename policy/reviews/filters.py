"""A filter of cases as a condition of SQL: constant texts of this module, with values apart."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from policy.reviews.types import ReviewFilter

Part = tuple[str, list[Any]]
_APPROVED: Final = "EXISTS (SELECT 1 FROM policy_review_approval p WHERE p.review_id = r.id)"


def _state(value: str, _now: datetime) -> Part:
    if value == "closed":
        return "r.state <> 'open'", []
    return "r.state = %s", [value]


def _mine(value: str, now: datetime) -> Part:
    return "(r.owner = %s OR (r.claimed_by = %s AND r.claimed_until > %s))", [value, value, now]


def _free_for(value: str, now: datetime) -> Part:
    return "(r.claimed_until IS NULL OR r.claimed_until <= %s OR r.claimed_by = %s)", [now, value]


def _is_claimed(value: bool, now: datetime) -> Part:  # one of the table of parts
    return ("" if value else "NOT ") + "coalesce(r.claimed_until > %s, false)", [now]


def _needs_second(value: bool, _now: datetime) -> Part:  # one of the table of parts
    return ("" if value else "NOT ") + f"(r.state = 'open' AND r.approvals_needed > 1 AND {_APPROVED})", []


def _breached(value: bool, _now: datetime) -> Part:  # one of the table of parts
    return f"r.breached_at IS {'NOT ' if value else ''}NULL", []


def _snoozed(value: bool, now: datetime) -> Part:  # one of the table of parts
    return ("" if value else "NOT ") + "coalesce(r.snoozed_until > %s, false)", [now]


def _text(value: str, _now: datetime) -> Part:
    pattern = value.strip()[:80].replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return "(r.subject LIKE %s OR r.intent_id LIKE %s OR r.rule LIKE %s)", [pattern, pattern, pattern]


def _rule(value: str, _now: datetime) -> Part:
    """The rule that opened the case, or any alert that joined it."""
    return (
        "(r.rule = %s OR EXISTS (SELECT 1 FROM policy_review_alert w WHERE w.review_id = r.id AND w.name = %s))",
        [value, value],
    )


_PARTS: Final[dict[str, Callable[[Any, datetime], Part]]] = {
    "state": _state,
    "queue": lambda value, _: ("r.queue = %s", [value]),
    "case_kind": lambda value, _: ("r.case_kind = %s", [value]),
    "rule": _rule,
    "owner": lambda value, _: ("r.owner = %s", [value]),
    "owners": lambda value, _: ("r.owner = ANY(%s)", [list(value)]),
    "claimed_by": lambda value, now: ("(r.claimed_by = %s AND r.claimed_until > %s)", [value, now]),
    "mine": _mine,
    "free_for": _free_for,
    "is_claimed": _is_claimed,
    "needs_second": _needs_second,
    "breached": _breached,
    "snoozed": _snoozed,
    "text": _text,
}


def where_of(where: ReviewFilter, *, now: datetime) -> Part:
    """The condition over ``policy_review r`` and its values."""
    asked = [(name, getattr(where, name)) for name in _PARTS]
    parts = [_PARTS[name](value, now) for name, value in asked if value is not None]
    return " AND ".join([text for text, _ in parts] or ["true"]), [value for _, values in parts for value in values]
