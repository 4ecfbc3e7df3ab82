"""Moving what is sealed to the newest key: in batches, while everything runs, again from the start at any time.

A row is written only if it still holds what was read (compare and set), so that a change meanwhile is never undone.
What is under the newest key already is left alone, so that a run that was ended goes on where it was by starting anew.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from zentra.core import crypto
from zentra.core.sealed.columns import MARK, PUBLIC, TENANT, SealedColumn

BATCH_ROWS: Final = 500
_SCHEMAS: Final = "SELECT schema_name FROM public.tenants_workspace WHERE state <> 'deleted' ORDER BY slug"
Owner = psycopg.Connection[tuple[Any, ...]]


@dataclass(slots=True)
class Found:
    """What a column holds, by the number of the key that opens it (0 is the newest), and what was moved."""

    by_key: Counter[int] = field(default_factory=Counter)
    unreadable: int = 0
    moved: int = 0
    changed_meanwhile: int = 0

    def add(self, other: "Found") -> None:
        """Count another one's in."""
        self.by_key += other.by_key
        self.unreadable += other.unreadable
        self.moved += other.moved
        self.changed_meanwhile += other.changed_meanwhile

    @property
    def values(self) -> int:
        """How many sealed values there are."""
        return sum(self.by_key.values()) + self.unreadable

    @property
    def left(self) -> int:
        """How many are not under the newest key, and are still to be moved."""
        return sum(count for number, count in self.by_key.items() if number > 0) - self.moved


def walk(*, owner: Owner, is_check: bool = False, batch_rows: int = BATCH_ROWS) -> Iterator[tuple[str, str, Found]]:
    """Each column of each schema in turn: (schema, column, what was found); moved to the newest key unless checking.

    ``owner`` is a connection of the database's owner; each batch is a transaction of its own.
    """
    schemas = ["public", *(str(row[0]) for row in owner.execute(_SCHEMAS))]
    owner.commit()
    for schema in schemas:
        for column in PUBLIC if schema == "public" else TENANT:
            yield schema, column.name, _walk_column(owner, schema, column, is_check=is_check, batch_rows=batch_rows)


def _walk_column(owner: Owner, schema: str, column: SealedColumn, *, is_check: bool, batch_rows: int) -> Found:
    found, after = Found(), None
    while True:
        rows = _read(owner, schema, column, after, batch_rows)
        for *key, value in rows:
            _handle(owner, schema, column, key, value, found, is_check=is_check)
        owner.commit()
        if len(rows) < batch_rows:
            return found
        after = rows[-1][:-1]


def _read(
    owner: Owner, schema: str, column: SealedColumn, after: tuple[Any, ...] | None, limit: int
) -> list[tuple[Any, ...]]:
    key = sql.SQL(", ").join(map(sql.Identifier, column.key))
    query = sql.SQL("SELECT {key}, {column} FROM {table} WHERE ({where}) AND {after} ORDER BY {key} LIMIT {limit}")
    values = sql.SQL(", ").join(map(sql.Literal, after or ()))
    return owner.execute(
        query.format(
            key=key,
            column=sql.Identifier(column.column),
            table=sql.Identifier(schema, column.table),
            where=sql.SQL(column.where),
            after=sql.SQL("({}) > ({})").format(key, values) if after else sql.SQL("true"),
            limit=sql.Literal(limit),
        )
    ).fetchall()


def _handle(
    owner: Owner, schema: str, column: SealedColumn, key: list[Any], value: Any, found: Found, *, is_check: bool
) -> None:
    seen = Found()
    moved = _reseal_value(column, value, seen)
    if moved is not None and not is_check:
        seen.moved = sum(count for number, count in seen.by_key.items() if number > 0)
        if not _write(owner, schema, column, key, value, moved):
            seen.moved, seen.changed_meanwhile = 0, 1
    found.add(seen)


def _reseal_value(column: SealedColumn, value: Any, seen: Found) -> Any:
    """The value under the newest key; None when it is there already, or nothing of it can be moved."""
    if column.kind == "bytes":
        return _reseal(bytes(value), seen)
    if column.kind == "text":
        moved = _reseal(value.encode(), seen)
        return None if moved is None else moved.decode()
    changed = _map_texts(value, lambda text: _reseal(text.encode(), seen))
    return None if changed == value else changed


def _reseal(sealed: bytes, seen: Found) -> bytes | None:
    number = crypto.key_number(sealed)
    if number is None:
        seen.unreadable += 1
        return None
    seen.by_key[number] += 1
    return None if number == 0 else crypto.reseal(sealed)


def _map_texts(value: Any, change: Callable[[str], bytes | None]) -> Any:
    """The document with every sealed text in it changed."""
    if isinstance(value, str):
        moved = change(value) if value.startswith(MARK) else None
        return value if moved is None else moved.decode()
    if isinstance(value, list):
        return [_map_texts(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _map_texts(each, change) for name, each in value.items()}
    return value


def _write(owner: Owner, schema: str, column: SealedColumn, key: list[Any], before: Any, after: Any) -> bool:
    """Whether the row still held what was read, and holds the new value now."""
    query = sql.SQL("UPDATE {table} SET {column} = {after} WHERE ({key}) = ({at}) AND {column} = {before}").format(
        table=sql.Identifier(schema, column.table),
        column=sql.Identifier(column.column),
        key=sql.SQL(", ").join(map(sql.Identifier, column.key)),
        at=sql.SQL(", ").join(map(sql.Literal, key)),
        before=_literal(column, before),
        after=_literal(column, after),
    )
    return owner.execute(query).rowcount == 1


def _literal(column: SealedColumn, value: Any) -> sql.Composable:
    return sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(value))) if column.kind == "json" else sql.Literal(value)
