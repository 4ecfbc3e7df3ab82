"""A person's own views of a room: filters under a name."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection

from policy.reviews.types import SavedView
from zentra.core import ids
from zentra.core.errors import DomainError

MOST_VIEWS: Final = 50
_LONGEST_NAME: Final = 60
_LONGEST_QUERY: Final = 1000


class InvalidView(DomainError):
    """A view has a name of 1 to 60 characters and an address of at most 1000, and a person has at most 50 a room."""

    code = "invalid_view"
    status = 422
    title = "The view cannot be saved"


def save_view(*, user_id: str, room: str, name: str, query: str, now: datetime) -> SavedView:
    """Keep filters under a name; the same name again replaces them. Raises InvalidView."""
    called = name.strip()
    if not 0 < len(called) <= _LONGEST_NAME or len(query) > _LONGEST_QUERY or not (called + query).isprintable():
        raise InvalidView("Give it a name of at most 60 characters.")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_saved_view (id, user_id, room, name, query, created_at)"
            " SELECT %s, %s, %s, %s, %s, %s WHERE (SELECT count(*) FROM policy_saved_view v"
            "  WHERE v.user_id = %s AND v.room = %s AND v.name <> %s) < %s"
            " ON CONFLICT ON CONSTRAINT saved_view_once DO UPDATE SET query = excluded.query RETURNING id",
            [ids.new_uuid(), user_id, room, called, query, now, user_id, room, called, MOST_VIEWS],
        )
        row = cursor.fetchone()
    if row is None:
        raise InvalidView(f"You have {MOST_VIEWS} views; remove one.")
    return SavedView(str(row[0]), called, query)


def remove_view(*, user_id: str, view_id: str) -> bool:
    """Drop one's own view; whether there was one."""
    try:
        key = UUID(view_id)
    except ValueError:
        return False
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM policy_saved_view WHERE id = %s AND user_id = %s", [key, user_id])
        return bool(cursor.rowcount)
