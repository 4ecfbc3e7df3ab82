"""Opaque cursors for lists: signed, and bound to one list of one workspace, so that none is made up or carried over."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from django.core import signing
from ninja import Query

from zentra.core import ids
from zentra.core.errors import DomainError

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_LONGEST_CURSOR: Final = 512

# Where a list goes on: lists for people page newest first by moment and public id.
Position = tuple[datetime, str]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before.")]
T = TypeVar("T")


class BadCursor(DomainError):
    """The cursor is not one that this list gave out."""

    code = "bad_cursor"
    status = 400
    title = "The cursor is not valid"


class ForeignCursor(BadCursor):
    """The cursor is one that this list of another workspace gave out. Nothing more is told; recorded in both."""

    def __init__(self, workspace_id: UUID) -> None:
        super().__init__("The cursor was not given out by this list of this workspace.")
        self.workspace_id = workspace_id


def write_cursor(position: Position, *, listing: str, workspace_id: UUID) -> str:
    """A cursor for the position after which the next page starts: whose it is, and what is signed for them alone."""
    moment, row_id = position
    signed = signing.dumps([moment.isoformat(), row_id], salt=_salt(listing, workspace_id))
    return f"{_own(workspace_id)}.{signed}"


def read_cursor(cursor: str | None, *, listing: str, workspace_id: UUID) -> Position | None:
    """The position of a cursor, None for the first page; raises BadCursor, ForeignCursor."""
    if cursor is None:
        return None
    if len(cursor) > _LONGEST_CURSOR:
        raise BadCursor("The cursor is too long to be one of ours.")
    owner, dot, signed = cursor.partition(".")
    if not dot:
        owner, signed = _own(workspace_id), cursor  # of a version before
    whose = _workspace_of(owner)
    found = _loads(signed, listing, whose) if whose is not None else None
    if found is None or whose is None:
        raise BadCursor("The cursor was not given out by this list of this workspace.")
    if whose != workspace_id:
        raise ForeignCursor(whose)
    return found


def read_sequence(after: str | None) -> int:
    """The sequence after which events are listed, −1 for all; raises BadCursor."""
    if after is None:
        return -1
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise BadCursor("after is the sequence of the last event that you have: a whole number.")
    return int(after)


def build_page(
    rows: Sequence[T],
    *,
    limit: int,
    listing: str,
    workspace_id: UUID,
    position: Callable[[T], Position],
    show: Callable[[T], dict[str, Any]],
) -> dict[str, Any]:
    """``{data, next_cursor, has_more}`` from ``limit`` + 1 rows: the one too many only says that there is more."""
    shown = rows[:limit]
    has_more = len(rows) > limit
    cursor = write_cursor(position(shown[-1]), listing=listing, workspace_id=workspace_id) if has_more else None
    return {"data": [show(row) for row in shown], "next_cursor": cursor, "has_more": has_more}


def _loads(signed: str, listing: str, workspace_id: UUID) -> Position | None:
    try:
        moment, row_id = signing.loads(signed, salt=_salt(listing, workspace_id))
        return datetime.fromisoformat(moment), str(row_id)
    except (signing.BadSignature, ValueError, TypeError):
        return None


def _own(workspace_id: UUID) -> str:
    return ids.to_public("ws", workspace_id).removeprefix("ws_")


def _workspace_of(owner: str) -> UUID | None:
    try:
        return ids.to_uuid(f"ws_{owner}", prefix="ws")
    except ids.BadId:
        return None


def _salt(listing: str, workspace_id: UUID) -> str:
    return f"zentra.api.cursor.{workspace_id.hex}.{listing}"
