"""When a key was used last, written off the way of the call: at most once a minute per credential and process.

A thread of its own writes what came in since it wrote last. What fails is left: a last use is a help for whoever looks
through their keys, and no call ever waits for it or fails for it.
"""

import threading
import time
from datetime import datetime
from typing import Final

import structlog
from django.db import connection

from zentra.core import ids

_EVERY_SECONDS: Final = 60.0
_MOST: Final = 50_000
_TABLES: Final = {"key": "tenants_api_credential", "cli": "tenants_api_client"}

log = structlog.get_logger(__name__)


class LastUses:
    """What is to be written, and when each was taken last. Shared by threads."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}
        self._waiting: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._writer: threading.Thread | None = None

    def note(self, credential_id: str, *, address: str, now: datetime) -> None:
        """A credential was used now, from this address (may be empty)."""
        at = time.monotonic()
        taken = self._taken.get(credential_id)
        if taken is not None and at - taken < _EVERY_SECONDS:
            return
        with self._lock:
            if len(self._taken) >= _MOST:
                self._taken = {each: when for each, when in self._taken.items() if at - when < _EVERY_SECONDS}
            self._taken[credential_id] = at
            self._waiting[credential_id] = (now, address)
            self._idle.clear()
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write_forever, name="last-uses", daemon=True)
                self._writer.start()
        self._wake.set()

    def wait_until_written(self, seconds: float = 5.0) -> bool:
        """Whether all that was noted has been written, or given up, in this time (tests)."""
        return self._idle.wait(seconds)

    def _write_forever(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            try:
                for credential_id, (now, address) in waiting.items():
                    _write(credential_id, address=address, now=now)
            except Exception:  # a database that is away, or forbidden in a test: nothing of a call depends on it
                log.warning("last_use.not_written", exc_info=True)
            finally:
                _give_back()
            with self._lock:
                if not self._waiting:
                    self._idle.set()


def _write(credential_id: str, *, address: str, now: datetime) -> None:
    prefix = credential_id.partition("_")[0]
    address_too = ", last_used_from = %s::inet" if prefix == "key" else ""
    values = [now, *([address or None] if address_too else []), ids.to_uuid(credential_id, prefix=prefix), now]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE public.{_TABLES[prefix]} SET last_used_at = %s{address_too}"  # noqa: S608  # constant names
            " WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)",
            values,
        )


def _give_back() -> None:
    try:
        connection.close()
    except Exception:  # whatever became of it, the next write opens another
        log.warning("last_use.connection", exc_info=True)


LAST_USES: Final = LastUses()
