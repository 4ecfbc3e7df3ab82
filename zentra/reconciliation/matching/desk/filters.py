"""A filter of exceptions as a condition of SQL: constant texts of this module, with values apart."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from zentra.core import ids
from zentra.reconciliation.matching.desk.types import BUCKET_DAYS, ExceptionFilter

Part = tuple[str, list[Any]]
_NOTHING: Final = UUID(int=0)


def _key(value: str, prefix: str) -> UUID:
    """The key of an id; what is no id is nobody's."""
    try:
        return ids.to_uuid(value, prefix=prefix)
    except ids.BadId:
        return _NOTHING


def _state(value: str, _now: datetime, _today: date) -> Part:
    if value == "unresolved":
        return "x.state <> 'resolved'", []
    return "x.state = %s", [value]


def _owner(value: str, _now: datetime, _today: date) -> Part:
    return ("x.owner_id = %s", [_key(value, "usr")]) if value else ("x.owner_id IS NULL", [])


def _bucket(value: str, _now: datetime, today: date) -> Part:
    least, most = BUCKET_DAYS.get(value, (0, None))
    if least == 0:
        return "x.happened_on >= %s", [today - timedelta(days=most or 0)]
    if most is None:
        return "x.happened_on <= %s", [today - timedelta(days=least)]
    return "x.happened_on BETWEEN %s AND %s", [today - timedelta(days=most), today - timedelta(days=least)]


def _overdue(value: bool, now: datetime, _today: date) -> Part:  # one of the table of parts
    return ("" if value else "NOT ") + "(x.due_at < %s AND x.state <> 'resolved')", [now]


def _text(value: str, _now: datetime, _today: date) -> Part:
    typed = value.strip()[:80]
    pattern = typed.upper().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    condition = (
        "(x.id = %s OR x.intent_id = %s"
        " OR EXISTS (SELECT FROM recon_line l WHERE l.id = x.line_id AND l.reference LIKE %s)"
        " OR EXISTS (SELECT FROM recon_entry e WHERE e.entry_id = x.entry_id AND e.reference LIKE %s)"
        " OR EXISTS (SELECT FROM recon_expected d WHERE d.id = x.expected_id AND d.reference LIKE %s))"
    )
    return condition, [_key(typed, "exc"), typed, pattern, pattern, pattern]


_PARTS: Final[dict[str, Callable[[Any, datetime, date], Part]]] = {
    "account_id": lambda value, *_: ("x.account_id = %s", [_key(value, "rca")]),
    "kind": lambda value, *_: ("x.kind = %s", [value]),
    "state": _state,
    "owner_id": _owner,
    "bucket": _bucket,
    "is_overdue": _overdue,
    "resolution": lambda value, *_: ("x.resolution = %s", [value]),
    "currency": lambda value, *_: ("x.currency = %s", [value]),
    "intent_id": lambda value, *_: ("x.intent_id = %s", [value]),
    "text": _text,
}


def where_of(where: ExceptionFilter, *, now: datetime, today: date) -> Part:
    """The condition over ``recon_exception x`` and its values."""
    asked = [(name, getattr(where, name)) for name in _PARTS]
    parts = [_PARTS[name](value, now, today) for name, value in asked if value is not None]
    return " AND ".join([text for text, _ in parts] or ["true"]), [value for _, values in parts for value in values]
