"""Who may watch is looked at again the moment it changes: one subscription per process and event loop.

Redis carries the hint, PostgreSQL is asked. While Redis is away, and after it came back, every socket finds out by its
own look every 15 seconds, or at once with the first message of the new connection.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from zentra.tenants.members.news import CHANNEL, EVERYBODY

log = structlog.get_logger(__name__)
Check = Callable[[], Awaitable[None]]
_LISTEN_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0


class AccessWatch:
    """The open sockets of this event loop by workspace and person."""

    def __init__(self) -> None:
        self._checks: dict[tuple[str, str], set[Check]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.is_listening = asyncio.Event()

    def join(self, workspace_id: UUID, user_id: str, check: Check) -> None:
        """Have this called when the person's access to the workspace changes; the first one starts the listening."""
        self._checks[str(workspace_id), user_id].add(check)
        if self._task is None or self._task.done():
            self.is_listening = asyncio.Event()
            self._task = asyncio.create_task(self._run())

    def leave(self, workspace_id: UUID, user_id: str, check: Check) -> None:
        """Forget it; the last one ends the listening."""
        key = (str(workspace_id), user_id)
        self._checks[key].discard(check)
        if not self._checks[key]:
            del self._checks[key]
        if not self._checks and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        is_first = True
        while True:
            try:
                await self._listen(catch_up=not is_first)
            except (RedisError, OSError) as error:
                log.warning("live.access_not_heard", error=str(error))
            is_first = False
            self.is_listening.clear()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self, *, catch_up: bool) -> None:
        async with (
            redis.asyncio.Redis.from_url(
                settings.ZENTRA_REDIS_URL, socket_connect_timeout=2, health_check_interval=10
            ) as client,
            client.pubsub(ignore_subscribe_messages=True) as news,
        ):
            await news.subscribe(CHANNEL)
            self.is_listening.set()
            if catch_up:  # what was said while nobody listened
                await self._look_at(check for checks in self._checks.values() for check in checks)
            while True:
                message = await news.get_message(timeout=_LISTEN_SECONDS)
                if message is not None:
                    await self._look_at(self._meant(message))

    def _meant(self, message: dict[str, Any]) -> set[Check]:
        try:
            said = json.loads(message["data"])
            workspace, user = said["workspace"], said["user"]
            if EVERYBODY not in (workspace, user):
                return self._checks.get((workspace, user), set())
            meant = ((workspace, EVERYBODY), (EVERYBODY, user))
            return {
                each
                for at, who in self._checks
                if (at, user) == meant[0] or (workspace, who) == meant[1]
                for each in self._checks[at, who]
            }
        except (ValueError, KeyError, TypeError):
            return set()

    async def _look_at(self, checks: Any) -> None:
        await asyncio.gather(*(check() for check in tuple(checks)), return_exceptions=True)


_watches: dict[int, AccessWatch] = {}


def access_watch() -> AccessWatch:
    """The watch of the running event loop."""
    key = id(asyncio.get_running_loop())
    found = _watches.get(key)
    if found is None:
        found = _watches[key] = AccessWatch()
    return found
