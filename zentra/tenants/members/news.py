"""Tell every web process that somebody's access changed, so that open sockets are looked at again at once.

A hint over Redis: whoever hears it asks PostgreSQL. Who does not hear it asks every 15 seconds anyway.
"""

import json
from functools import cache
from typing import Final
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)
CHANNEL: Final = "zentra.members"
EVERYBODY: Final = "*"
"""In the place of a person's id: all who are there; in the place of a workspace's: wherever the person is."""

_TIMEOUT_SECONDS: Final = 0.5


def announce_change(*, workspace_id: UUID, user_id: str) -> None:
    """After the commit of this transaction, have this person's sockets in this workspace looked at again."""
    message = json.dumps({"workspace": str(workspace_id), "user": user_id})
    transaction.on_commit(lambda: _publish(message))


def announce_workspace(*, workspace_id: UUID) -> None:
    """After the commit of this transaction, have every open socket of this workspace looked at again."""
    message = json.dumps({"workspace": str(workspace_id), "user": EVERYBODY})
    transaction.on_commit(lambda: _publish(message))


def announce_person(*, user_id: str) -> None:
    """After the commit of this transaction, have this person's sockets looked at again, wherever they are."""
    message = json.dumps({"workspace": EVERYBODY, "user": user_id})
    transaction.on_commit(lambda: _publish(message))


def _publish(message: str) -> None:
    try:
        _client().publish(CHANNEL, message)
    except (redis.RedisError, OSError) as error:
        log.warning("members.not_announced", error=str(error))


@cache
def _client() -> "redis.Redis[bytes]":
    return redis.Redis.from_url(
        settings.ZENTRA_REDIS_URL, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )
