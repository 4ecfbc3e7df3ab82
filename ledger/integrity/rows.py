"""Rows by name, ids as people see them, and figures that JSON can hold."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.integrity.types import ROWS_NAMED, Figure
from zentra.core import ids
from zentra.core.money import MAX_AMOUNT_MINOR

# An entry's effect, from its direction and its posting's state at birth; the same rule as in the posting triggers.
# ``e`` is the entry, ``p`` its posting.
DELTA: Final = (
    "CASE WHEN p.state <> 'posted' THEN 0 WHEN e.direction = 'credit' THEN e.amount_minor ELSE -e.amount_minor END"
)
PENDING_DEBITS: Final = (
    "CASE WHEN p.state = 'pending' AND e.direction = 'debit' THEN e.amount_minor"
    " WHEN p.state = 'released' AND e.direction = 'credit' THEN -e.amount_minor ELSE 0 END"
)
PENDING_CREDITS: Final = (
    "CASE WHEN p.state = 'pending' AND e.direction = 'credit' THEN e.amount_minor"
    " WHEN p.state = 'released' AND e.direction = 'debit' THEN -e.amount_minor ELSE 0 END"
)


def read(statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> Iterator[dict[str, Any]]:
    """The rows of a statement, each by column name."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


def read_first(statement: str) -> Iterator[dict[str, Any]]:
    """The first divergent rows of a statement that limits itself to ``named`` and counts all of them as ``total``.

    ``counts`` is what a row adds to the count: the first one stands for those that are not named as well.
    """
    for place, row in enumerate(read(statement, {"named": ROWS_NAMED})):
        yield {**row, "counts": row["total"] if place == 0 else 0}


def figure(value: Decimal | int | str | None) -> Figure:
    """A number as JSON can hold it: text beyond 2^53−1."""
    if value is None or isinstance(value, str):
        return value
    number = int(value)
    return number if abs(number) <= MAX_AMOUNT_MINOR else str(number)


def public(prefix: str, key: UUID | None) -> str | None:
    """An id as people see it."""
    return None if key is None else ids.to_public(prefix, key)
