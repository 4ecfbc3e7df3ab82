"""Reads of lists and what is on them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policy.lists.errors import ItemNotFound, ListNotFound
from policy.lists.types import ItemRecord, ItemState, ListRecord
from policy.lists.values import canonical_value, shown_value
from zentra.core import ids
from zentra.core.ids import BadId

_LIST: Final = (
    "SELECT l.id, l.name, l.kind, l.value_type, l.description, l.created_at, l.created_by, l.version,"
    " (SELECT count(*) FROM policy_list_item i WHERE i.list_id = l.id AND i.removed_at IS NULL"
    "   AND (i.expires_at IS NULL OR i.expires_at > %s)) FROM policy_list l WHERE l.removed_at IS NULL"
)
_ITEM: Final = ", ".join(f"i.{field.name}" for field in fields(ItemRecord)) + ", l.value_type"
_STATES: Final[dict[ItemState, str]] = {
    "active": "i.removed_at IS NULL AND (i.expires_at IS NULL OR i.expires_at > %(now)s)",
    "expired": "i.expires_at <= %(now)s AND coalesce(i.removed_by, 'svc_policy') = 'svc_policy'",
    "removed": "i.removed_at IS NOT NULL AND i.removed_by <> 'svc_policy'",
}


def list_lists(*, now: datetime) -> list[ListRecord]:
    """Every list, by name."""
    return _lists(_LIST + " ORDER BY l.name", [now])


def get_list(*, list_id: str, now: datetime) -> ListRecord:
    """A list by its id or its name; raises ListNotFound."""
    try:
        found = _lists(_LIST + " AND l.id = %s", [now, ids.to_uuid(list_id, prefix="lst")])
    except BadId:
        found = _lists(_LIST + " AND l.name = %s", [now, list_id])
    if not found:
        raise ListNotFound(f"There is no list {list_id[:80]!r}.")
    return found[0]


def get_item(*, item_id: str) -> ItemRecord:
    """A value of a list, also one that was taken off; raises ItemNotFound."""
    try:
        found = _items("i.id = %(id)s", {"id": ids.to_uuid(item_id, prefix="lsi")}, limit=1)
    except BadId:
        found = []
    if not found:
        raise ItemNotFound(f"There is no value {item_id[:80]!r} on a list.")
    return found[0]


def list_items(
    *,
    list_id: str,
    now: datetime,
    state: ItemState = "active",
    text: str = "",
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[ItemRecord]:
    """What is on a list, newest first; ``text`` is how the value begins, ``before`` the last row's (added_at, id)."""
    where = ["i.list_id = %(list)s", _STATES[state]]
    values: dict[str, Any] = {"list": ids.to_uuid(list_id, prefix="lst"), "now": now}
    if text.strip():
        where.append("starts_with(i.value, %(text)s)")
        values["text"] = canonical_value(text)
    if before is not None:
        where.append("(i.added_at, i.id) < (%(at)s, %(id)s)")
        values.update(at=before[0], id=ids.to_uuid(before[1], prefix="lsi"))
    return _items(" AND ".join(where), values, limit=limit)


def items_of_value(*, value: str, now: datetime, limit: int = 50) -> list[ItemRecord]:
    """On which lists a value stands now; case pages ask it of a customer or a counterparty."""
    return _items(
        f"i.value = %(value)s AND {_STATES['active']}", {"value": canonical_value(value), "now": now}, limit=limit
    )


def _lists(statement: str, values: Sequence[Any]) -> list[ListRecord]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [ListRecord(ids.to_public("lst", row[0]), *row[1:]) for row in cursor.fetchall()]


def _items(where: str, values: dict[str, Any], *, limit: int) -> list[ItemRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ITEM} FROM policy_list_item i JOIN policy_list l ON l.id = i.list_id WHERE {where}"  # noqa: S608  # constant conditions of this module
            " ORDER BY i.added_at DESC, i.id DESC LIMIT %(limit)s",
            {**values, "limit": limit},
        )
        return [_item(row) for row in cursor.fetchall()]


def _item(row: tuple[Any, ...]) -> ItemRecord:
    item_id, list_id, name, value, *rest, value_type = row
    return ItemRecord(
        ids.to_public("lsi", item_id), ids.to_public("lst", list_id), name, shown_value(value, value_type), *rest
    )
