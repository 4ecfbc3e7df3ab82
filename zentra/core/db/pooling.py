"""What is done when the pool finds a connection that the server has forgotten: all that rest are as old, so all go.

psycopg's pool waits longer after each dead connection that it meets. After a restart of the server a request would
meet several of them and give up, although the server is there again.
"""

import time
from typing import Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool

_PAUSE_SECONDS: Final = 1.0
_drained_at: dict[str, float] = {}


def check_connection(connection: Connection[Any]) -> None:
    """Raise when the server does not answer on it; the pool then opens its resting connections anew, once."""
    try:
        ConnectionPool.check_connection(connection)
    except Exception:
        pool: ConnectionPool[Any] | None = getattr(connection, "_pool", None)
        if pool is not None and time.monotonic() - _drained_at.get(pool.name, -_PAUSE_SECONDS) >= _PAUSE_SECONDS:
            _drained_at[pool.name] = time.monotonic()
            pool.drain()
        raise
