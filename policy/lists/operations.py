"""Lists are made, filled and emptied. Events say which list changed and by how many values, never which values."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from policy.lists.errors import InvalidItem, InvalidList, ItemExists, ListExists, ListFull, ListInUse, ListNotFound
from policy.lists.queries import get_item, get_list
from policy.lists.types import EXPIRY, ItemRecord, ListKind, ListRecord, ValueType
from policy.lists.values import canonical_value
from zentra.core import actors, ids, telemetry
from zentra.core.actors import Actor
from zentra.core.money import UnknownCurrency, check_currency

MOST_ITEMS: Final = 100_000
MOST_AT_ONCE: Final = 1_000
MOST_VALUE: Final = 200
MOST_NOTE: Final = 500
EXPIRED_AT_ONCE: Final = 500
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}(\.[a-z0-9_]{1,48})?")
_COUNTRY: Final = re.compile(r"[a-z]{2}")
_KINDS: Final = ("allow", "deny", "watch")
_TYPES: Final = ("text", "country", "currency")
BORN_WITH: Final[tuple[tuple[str, ListKind, str], ...]] = (
    ("denied", "deny", "customers and counterparties with whom nothing moves"),
    ("watched", "watch", "customers and counterparties whose every intent a person sees"),
)
"""The lists that the first rules of a workspace ask."""


def provision_lists(*, now: datetime) -> None:
    """Give a new workspace the lists that its first rules ask, empty. Repeatable."""
    with connection.cursor() as cursor:
        for name, kind, description in BORN_WITH:
            cursor.execute(
                "INSERT INTO policy_list (id, name, kind, value_type, description, created_at, created_by, version)"
                " VALUES (%s, %s, %s, 'text', %s, %s, 'svc_policy', 1) ON CONFLICT DO NOTHING",
                [ids.new_uuid(), name, kind, description, now],
            )


def create_list(
    *, name: str, kind: ListKind, value_type: ValueType = "text", description: str = "", actor: Actor, now: datetime
) -> ListRecord:
    """Make a list. Rules name it by ``name``: small letters, digits, ``_``, one dot.

    Raises:
        InvalidList: the name, kind or type.
        ListExists: the name is taken.
    """
    if not _NAME.fullmatch(name) or kind not in _KINDS or value_type not in _TYPES:
        raise InvalidList(
            "A list needs a name of small letters, digits and _, a kind of allow, deny or watch, and a type of text,"
            " country or currency."
        )
    list_id = ids.new_uuid()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_list (id, name, kind, value_type, description, created_at, created_by, version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 1) ON CONFLICT DO NOTHING",
            [list_id, name, kind, value_type, " ".join(description.split())[:MOST_NOTE], now, actor.id],
        )
        if cursor.rowcount != 1:
            raise ListExists(f"There is a list {name!r} already.", name=name)
    made = get_list(list_id=ids.to_public("lst", list_id), now=now)
    _tell(made.id, made.kind, "created", 0, made.version, actor, now)
    return made


def describe_list(*, list_id: str, description: str, actor: Actor, now: datetime) -> ListRecord:
    """Say anew what a list is for. Raises ListNotFound."""
    known = get_list(list_id=list_id, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_list SET description = %s WHERE id = %s AND removed_at IS NULL",
            [" ".join(description.split())[:MOST_NOTE], ids.to_uuid(known.id, prefix="lst")],
        )
    version = _touch(known)
    _tell(known.id, known.kind, "described", 0, version, actor, now)
    return get_list(list_id=known.id, now=now)


def remove_list(*, list_id: str, actor: Actor, now: datetime) -> None:
    """Take a list away with all that is on it; its rows stay as history.

    Raises:
        ListNotFound.
        ListInUse: the rules in force ask it.
    """
    known = get_list(list_id=list_id, now=now)
    version = _touch(known)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version FROM policy_rule_set WHERE version = (SELECT max(version) FROM policy_rule_set)"
            " AND jsonb_path_exists(rules, '$.**.list ? (@ == $name)', jsonb_build_object('name', %s::text))",
            [known.name],
        )
        used = cursor.fetchone()
        if used is not None:
            raise ListInUse(f"Version {used[0]} of the rules asks {known.name!r}.", rule_set=used[0])
        own_id = ids.to_uuid(known.id, prefix="lst")
        cursor.execute(
            "UPDATE policy_list_item SET removed_at = %s, removed_by = %s WHERE list_id = %s AND removed_at IS NULL",
            [now, actor.id, own_id],
        )
        gone = cursor.rowcount
        cursor.execute("UPDATE policy_list SET removed_at = %s WHERE id = %s", [now, own_id])
    _tell(known.id, known.kind, "removed", gone, version, actor, now)


def add_item(
    *, list_id: str, value: str, note: str = "", expires_at: datetime | None = None, actor: Actor, now: datetime
) -> ItemRecord:
    """Put a value on a list, until ``expires_at`` (UTC) or until somebody takes it off.

    Raises:
        ListNotFound, InvalidItem, ListFull.
        ItemExists: it is there already, with who put it there and when.
    """
    return _add(list_id, [value], note, expires_at, actor, now, is_refusing=True)[0]


def add_items(
    *,
    list_id: str,
    values: Sequence[str],
    note: str = "",
    expires_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> list[ItemRecord]:
    """Put many values (1,000 at most) on a list, those that are not there yet; one event. Raises as ``add_item``."""
    if not values or len(values) > MOST_AT_ONCE:
        raise InvalidItem(f"Between 1 and {MOST_AT_ONCE} values at once.", most=MOST_AT_ONCE)
    return _add(list_id, values, note, expires_at, actor, now, is_refusing=False)


def _add(
    list_id: str,
    values: Sequence[str],
    note: str,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
    *,
    is_refusing: bool,
) -> list[ItemRecord]:
    known = get_list(list_id=list_id, now=now)
    kept = list(dict.fromkeys(_check_value(value, known.value_type) for value in values))
    if expires_at is not None and expires_at <= now:
        raise InvalidItem("The expiry has passed already.")
    # Whoever changes a list holds its row: two who add the same value are told apart by it.
    version = _touch(known)
    _end_expired(known.id, now)
    added = [(ids.new_uuid(), value) for value in kept]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_list_item (id, list_id, list_name, value, note, added_at, added_by, expires_at)"
            " SELECT v.id, %s, %s, v.value, %s, %s, %s, %s FROM unnest(%s::uuid[], %s::text[]) v (id, value)"
            " ON CONFLICT DO NOTHING RETURNING id",
            [
                ids.to_uuid(known.id, prefix="lst"), known.name, " ".join(note.split())[:MOST_NOTE], now, actor.id,
                expires_at, [own for own, _ in added], [value for _, value in added],
            ],
        )  # fmt: skip
        made = [ids.to_public("lsi", own) for (own,) in cursor.fetchall()]
        cursor.execute(
            "SELECT count(*) FROM policy_list_item WHERE list_name = %s AND removed_at IS NULL", [known.name]
        )
        if cursor.fetchone()[0] > MOST_ITEMS:
            raise ListFull(f"A list holds {MOST_ITEMS} values at most.", most=MOST_ITEMS)
        if not made and is_refusing:
            raise _exists(known.name, kept[0])
    if made:
        _tell(known.id, known.kind, "added", len(made), version, actor, now)
    return [get_item(item_id=item_id) for item_id in made]


def _exists(name: str, value: str) -> ItemExists:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, added_by, added_at FROM policy_list_item"
            " WHERE list_name = %s AND value = %s AND removed_at IS NULL",
            [name, value],
        )
        item_id, added_by, added_at = cursor.fetchone()
    return ItemExists(
        f"{added_by} put it there at {added_at:%Y-%m-%d %H:%M} UTC.",
        item_id=ids.to_public("lsi", item_id),
        added_by=added_by,
        added_at=added_at.isoformat(),
    )


def _check_value(value: str, value_type: ValueType) -> str:
    kept = canonical_value(value)
    if not kept or len(kept) > MOST_VALUE:
        raise InvalidItem(f"A value has between 1 and {MOST_VALUE} characters.", most=MOST_VALUE)
    if value_type == "country" and not _COUNTRY.fullmatch(kept):
        raise InvalidItem("A country is its two-letter code, ISO 3166-1.")
    if value_type == "currency":
        try:
            check_currency(kept.upper())
        except UnknownCurrency as error:
            raise InvalidItem(error.detail) from error
    return kept


def remove_item(*, item_id: str, actor: Actor, now: datetime) -> ItemRecord:
    """Take a value off its list; it stays as history. Safe to repeat. Raises ItemNotFound."""
    known = get_item(item_id=item_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_list SET version = version + 1 WHERE id = %s RETURNING kind, version",
            [ids.to_uuid(known.list_id, prefix="lst")],
        )
        kind, version = cursor.fetchone()
        cursor.execute(
            "UPDATE policy_list_item SET removed_at = %s, removed_by = %s WHERE id = %s AND removed_at IS NULL",
            [now, actor.id, ids.to_uuid(known.id, prefix="lsi")],
        )
        changed = cursor.rowcount
    if changed:
        _tell(known.list_id, kind, "removed_items", changed, version, actor, now)
    return get_item(item_id=item_id)


def expire_items(*, now: datetime, limit: int = EXPIRED_AT_ONCE) -> int:
    """Take off what has expired, and say so; how many. Rules stopped seeing it at its expiry already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT list_id FROM (SELECT list_id FROM policy_list_item WHERE removed_at IS NULL"
            " AND expires_at <= %s LIMIT %s) e ORDER BY list_id",
            [now, limit],
        )
        lists = [ids.to_public("lst", own) for (own,) in cursor.fetchall()]
    return sum(_expire_of(list_id, now) for list_id in lists)


def _expire_of(list_id: str, now: datetime) -> int:
    known = get_list(list_id=list_id, now=now)
    version = _touch(known)
    gone = _end_expired(list_id, now)
    if gone:
        _tell(list_id, known.kind, "expired", gone, version, actors.POLICY, now)
    return gone


def _end_expired(list_id: str, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_list_item SET removed_at = expires_at, removed_by = %s"
            " WHERE list_id = %s AND removed_at IS NULL AND expires_at <= %s",
            [EXPIRY, ids.to_uuid(list_id, prefix="lst"), now],
        )
        return int(cursor.rowcount)


def _touch(known: ListRecord) -> int:
    """Hold the list's row to the end of the transaction; its new version."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE policy_list SET version = version + 1 WHERE id = %s AND removed_at IS NULL RETURNING version",
            [ids.to_uuid(known.id, prefix="lst")],
        )
        row = cursor.fetchone()
    if row is None:
        raise ListNotFound(f"The list {known.name!r} was taken away.")
    return int(row[0])


def _tell(list_id: str, kind: str, change: str, items: int, version: int, actor: Actor, now: datetime) -> None:
    record_events(
        events=[
            NewEvent(
                type="policy.list_changed",
                actor=actor,
                trace_id=telemetry.trace_id(),
                occurred_at=now,
                data={"list_id": list_id, "kind": kind, "change": change, "items": items, "version": version},
            )
        ],
        now=now,
    )
