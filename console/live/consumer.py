"""The socket of a page: news only. Every action is an ordinary POST; nothing sent here changes anything.

Messages in: ``from`` (this is my cursor), ``ack``, ``pause``, ``resume``, ``pong``. Anything else is ignored.
"""

import asyncio
import json
import time
from typing import Any, Final

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from console.doors import deny, is_second_factor_missing
from console.live.access import AccessWatch, access_watch
from console.live.hub import Client, Hub, hub_for, in_thread
from console.live.source import WorkspaceSource
from zentra.core.actors import Actor
from zentra.core.clock import now as clock_now
from zentra.tenants.access import require
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import find_membership
from zentra.tenants.sessions.queries import find_by_key, is_session_open
from zentra.tenants.types import Member

log = structlog.get_logger(__name__)
HEARTBEAT_SECONDS: Final = 5.0
CHECK_EVERY: Final = 3  # heartbeats: access is looked at again every 15 seconds
MAX_MESSAGE: Final = 512
REFUSED: Final = 4403


@require(Permission.ROOM_READ)
class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """One client of a workspace's feed."""

    member: Member | None = None
    session_id: str = ""
    client: Client | None = None
    hub: Hub | None = None
    heart: asyncio.Task[None] | None = None
    watch: AccessWatch | None = None
    has_ended: bool = False
    beat: int = 0
    beat_at: float = 0.0

    async def connect(self) -> None:
        """Let members with the permission in; refuse and record everybody else before anything is read."""
        slug = str(self.scope["url_route"]["kwargs"]["slug"])
        user = self.scope.get("user")
        user_id = str(user.pk) if user is not None and user.is_authenticated else ""
        member = await in_thread(_member, user_id, slug)
        if member is None:
            await self.close(code=REFUSED)
            return
        self.member = member
        self.session_id = await in_thread(_session_id, self.scope.get("session"), user_id)
        if not self.session_id or not await in_thread(_is_signed_in, self.session_id):
            await self.close(code=REFUSED)
            return
        permissions = member.permissions
        await self.accept()
        self.client = Client(send=self._say)
        self.hub = hub_for(
            member.workspace.id, frozenset(permissions), lambda: WorkspaceSource(member.workspace, permissions)
        )
        self.hub.join(self.client)
        self.watch = access_watch()
        self.watch.join(member.workspace.id, member.user_id, self._look_again)
        self.heart = asyncio.create_task(self._live())

    async def disconnect(self, code: int) -> None:  # noqa: ARG002  # the signature of channels
        """Leave the feed."""
        if self.heart is not None:
            self.heart.cancel()
        if self.watch is not None and self.member is not None:
            self.watch.leave(self.member.workspace.id, self.member.user_id, self._look_again)
        if self.hub is not None and self.client is not None:
            self.hub.leave(self.client)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        """Take an acknowledgement or a cursor; ignore everything else."""
        if not text_data or len(text_data) > MAX_MESSAGE or self.client is None or self.hub is None:
            return
        try:
            message: Any = json.loads(text_data)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        match message.get("t"):
            case "ack" if isinstance(message.get("n"), int):
                await self.client.confirm(message["n"])
            case "from" | "resume" if isinstance(message.get("cursor"), int) and message["cursor"] >= 0:
                await self._say({"t": "hello"})
                await self.hub.resume(self.client, message["cursor"])
            case "pause":
                await self._say({"t": "hello"})
                self.client.window.pause()
            case "pong" if message.get("id") == self.beat and self.beat_at:
                await self._say({"t": "rtt", "ms": max(1, round((time.monotonic() - self.beat_at) * 1000))})
                self.beat_at = 0.0

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message, separators=(",", ":")))

    async def _live(self) -> None:
        """Beat every five seconds, and look every third time whether the person still may be here."""
        while True:
            self.beat += 1
            self.beat_at = time.monotonic()
            await self._say({"t": "beat", "id": self.beat})
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self.beat % CHECK_EVERY == 0:
                await self._look_again()
            if self.has_ended:
                return

    async def _look_again(self) -> None:
        """End this socket if the person is not what they were when it was opened; the page then finds its new place.

        Also called, within a moment of the change, by what hears of it.
        """
        if self.has_ended or await self._still_may() or self.has_ended:
            return
        self.has_ended = True
        if self.hub is not None and self.client is not None:
            self.hub.leave(self.client)  # no frame comes after the word that it is over
        await self._say({"t": "ended"})
        await self.close(code=REFUSED)

    async def _still_may(self) -> bool:
        assert self.member is not None  # noqa: S101  # set before the task starts
        try:
            if not await in_thread(_is_signed_in, self.session_id):
                return False
            now = await in_thread(_member, self.member.user_id, self.member.workspace.slug)
        except Exception:
            log.exception("live.access_not_checked")  # the database is away: the next beat asks again
            return True
        return now is not None and (now.roles, now.permissions) == (self.member.roles, self.member.permissions)


def _session_id(session: Any, user_id: str) -> str:
    """The session behind a socket; its key changes, its id does not. Empty for one that is not known, or not theirs."""
    found = find_by_key(session_key=session.session_key or "") if session is not None else None
    return found.id if found and found.user_id == user_id else ""


def _is_signed_in(session_id: str) -> bool:
    """Whether the session behind a socket goes on: nobody signed out of it or ended it, and it is not idle."""
    return is_session_open(session_id=session_id, now=clock_now())


def _member(user_id: str, slug: str) -> Member | None:
    """The member behind a socket, or None after the refusal was recorded."""
    member = find_membership(user_id=user_id, slug=slug) if user_id else None
    if not user_id:
        return None  # nobody asked: a page without a session is sent to sign-in, its socket just ends
    reason = _refusal_of(member)
    if not reason:
        return member
    actor = member.actor() if member else Actor("user", user_id, "none")
    deny(slug=slug, actor=actor, action=f"{Permission.ROOM_READ} (live)", reason=reason, surface="live")
    return None


def _refusal_of(member: Member | None) -> str:
    if member is None:
        return "no membership"
    if is_second_factor_missing(member):
        return "second factor"
    return "" if member.may(Permission.ROOM_READ) else "role"
