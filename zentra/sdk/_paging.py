"""Walking a list page by page."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from zentra.sdk._calls import Call
from zentra.sdk._records import Page, Record
from zentra.sdk._session import AsyncSession, SyncSession

R = TypeVar("R", bound=Record)


def each(session: SyncSession, call: Callable[[str | None], Call[Page[R]]]) -> Iterator[R]:
    """Every item of a list; ``call`` asks for the page at a cursor."""
    cursor: str | None = None
    while True:
        page = session.send(call(cursor))
        yield from page
        if not page.has_more:
            return
        cursor = page.next_cursor


async def each_awaited(session: AsyncSession, call: Callable[[str | None], Call[Page[R]]]) -> AsyncIterator[R]:
    """The same, awaited."""
    cursor: str | None = None
    while True:
        page = await session.send(call(cursor))
        for record in page:
            yield record
        if not page.has_more:
            return
        cursor = page.next_cursor
