"""One poll of the leaf index per process, workspace and permission class, whoever and however many are watching.

The hub reads four times a second, renders once, and offers the frame to every client's window. It lives while somebody
watches. A read that fails is tried again at the next tick: the log is the truth and nothing is lost by waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.db import connection

from console.live.frames import Frame, History
from console.live.window import Message, Window

TICK_SECONDS: Final = 0.25
MAX_LAG: Final = 1000  # leaves; a feed further behind than this says so instead of replaying

log = structlog.get_logger(__name__)
Send = Callable[[Message], Awaitable[None]]


class Source(Protocol):
    """Where a hub's news come from; both methods block and are called in a thread."""

    def head(self) -> int:
        """The cursor of now: the next leaf index."""
        ...

    def read(self, cursor: int) -> Frame | None:
        """What happened since a cursor, at most one frame of it; None when nothing did."""
        ...


@dataclass(eq=False, slots=True)
class Client:
    """One open socket."""

    send: Send
    window: Window = field(default_factory=Window)

    async def offer(self, frame: Frame) -> None:
        for message in self.window.offer(frame):
            await self.send(message)

    async def confirm(self, number: int) -> None:
        for message in self.window.confirm(number):
            await self.send(message)


class Hub:
    """The feed of one workspace for one class of permissions."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._clients: set[Client] = set()
        self._history = History()
        self._cursor = -1
        self._task: asyncio.Task[None] | None = None

    @property
    def watched(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def join(self, client: Client) -> None:
        """Add a client, and start polling with the first."""
        self._clients.add(client)
        if self._task is None or self._task.done():
            self._cursor, self._history = -1, History()  # nobody watched for a while: the feed begins anew
            self._task = asyncio.create_task(self._run())

    def leave(self, client: Client) -> None:
        """Remove a client; the loop ends by itself after the last."""
        self._clients.discard(client)

    async def resume(self, client: Client, cursor: int) -> None:
        """Bring a client from its cursor to now: by what is kept, or by telling it to fetch the page again."""
        client.window.start()
        if self._cursor < 0:
            head = await in_thread(self._source.head)
            # The first client's page is where the feed begins, so that nothing falls between page and socket.
            if self._cursor < 0:
                self._cursor = cursor if head - MAX_LAG <= cursor <= head else head
        if cursor >= self._cursor:
            return
        missed = self._history.after(cursor)
        if missed is None:
            await client.send({"t": "resync", "cursor": self._cursor})
        else:
            await client.offer(missed)

    async def _run(self) -> None:
        while self._clients:
            started = asyncio.get_running_loop().time()
            try:
                await self._tick()
            except Exception:
                log.exception("live.tick_failed")
                await asyncio.sleep(1)
            await asyncio.sleep(max(0.0, TICK_SECONDS - (asyncio.get_running_loop().time() - started)))

    async def _tick(self) -> None:
        if self._cursor < 0:
            return  # the first client has not said yet where its page ends
        frame = await in_thread(self._source.read, self._cursor)
        if frame is None:
            return
        self._cursor = frame.cursor
        self._history.add(frame)
        for client in tuple(self._clients):
            try:
                await client.offer(frame)
            except Exception:  # noqa: BLE001  # one broken socket is its own affair
                self._clients.discard(client)


async def in_thread(work: Callable[..., Any], *arguments: object) -> Any:
    """Run blocking database work in a thread and hand its connection back to the pool."""
    return await sync_to_async(_with_connection, thread_sensitive=False)(work, *arguments)


def _with_connection(work: Callable[..., Any], *arguments: object) -> Any:
    try:
        return work(*arguments)
    finally:
        if not connection.in_atomic_block:
            connection.close()


_hubs: dict[tuple[int, UUID, frozenset[str]], Hub] = {}


def hub_for(workspace_id: UUID, permissions: frozenset[str], make: Callable[[], Source]) -> Hub:
    """This process's hub for a workspace and a class of permissions; must be called on the event loop."""
    key = (id(asyncio.get_running_loop()), workspace_id, permissions)
    hub = _hubs.get(key)
    if hub is None:
        for stale in [known for known, value in _hubs.items() if not value.watched]:
            del _hubs[stale]
        hub = _hubs[key] = Hub(make())
    return hub
