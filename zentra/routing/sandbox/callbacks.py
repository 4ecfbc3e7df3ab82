"""Telling clients what happened: due callbacks are read from SQLite, signed, posted, and retried until a 2xx.

Nothing is kept in memory but what is being sent at this moment, so a killed process resumes where it was; a callback
whose answer was lost with the process is sent once more, as real rails do.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from zentra.routing.sandbox.scenarios import Variant
from zentra.routing.sandbox.signing import FORGED_SECRETS, Message, has_timestamp, sign
from zentra.routing.sandbox.store import open_database

logger = logging.getLogger(__name__)

SENDERS = 8
SEND_TIMEOUT_SECONDS = 5.0
IDLE_SECONDS = 1.0
STALE_BY = timedelta(hours=1)
FIRST_RETRY_MS = 250
LONGEST_RETRY_MS = 30_000
PATIENT_AFTER_ATTEMPTS = 20
PATIENT_RETRY_MS = 300_000


@dataclass(frozen=True, slots=True)
class DueCallback:
    """A callback to send now, with where to and what signs it as they are registered now."""

    number: int
    webhook_id: str
    variant: Variant
    body: str
    attempts: int
    callback_url: str
    secret: str
    scheme: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """A callback as the list of events tells it, whether it arrived or not; ``cursor`` is its place in the list."""

    cursor: str
    callback: DueCallback


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """A callback as the admin listing shows it."""

    number: int
    key: str
    type: str
    variant: str
    webhook_id: str
    due_ms: int
    attempts: int
    last_status: int | None
    done_ms: int | None


_SIGNED = (
    "SELECT c.number, c.webhook_id, c.variant, c.body, c.attempts, n.callback_url, n.secret, n.scheme, n.settings,"
    " c.told_ms FROM callback c JOIN connection n ON n.rail = c.rail AND n.id = c.connection_id"
)


def _read_due(row: tuple[Any, ...]) -> DueCallback:
    number, webhook_id, variant, body, attempts, callback_url, secret, scheme, settings, _told_ms = row
    how = (callback_url, secret, scheme, json.loads(settings))
    return DueCallback(number, webhook_id, Variant(variant), body, attempts, *how)


class CallbackOutbox:
    """The callback table through a connection of its own.

    It syncs to disk at checkpoints only: a mark lost with the power costs one more delivery, never a payment.
    """

    def __init__(self, path: Path) -> None:
        self._database = open_database(path, synchronous="NORMAL")
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def list_due(self, *, now_ms: int, limit: int, excluding: set[int]) -> list[DueCallback]:
        """The callbacks due longest that nobody is sending."""
        with self._lock:
            rows = self._database.execute(
                f"{_SIGNED} WHERE c.done_ms IS NULL AND c.due_ms <= ? ORDER BY c.due_ms, c.number LIMIT ?",
                (now_ms, limit + len(excluding)),
            ).fetchall()
        return [_read_due(row) for row in rows if row[0] not in excluding][:limit]

    def list_events(
        self, *, rail: str, connection_id: str, after: tuple[int, int], before_ms: int, limit: int
    ) -> list[ToldEvent]:
        """What a connection was to be told, in the order in which it was due: sent, failed and waiting ones alike.

        ``after`` is (milliseconds, number) of the last one known. Postponed callbacks keep their place.
        """
        with self._lock:
            rows = self._database.execute(
                f"{_SIGNED} WHERE c.rail = ? AND c.connection_id = ? AND c.variant = 'good'"
                " AND (c.told_ms, c.number) > (?, ?) AND c.told_ms <= ? ORDER BY c.told_ms, c.number LIMIT ?",
                (rail, connection_id, *after, before_ms, limit),
            ).fetchall()
        return [ToldEvent(f"{row[-1]}.{row[0]}", _read_due(row)) for row in rows]

    def next_due_ms(self, *, after_ms: int) -> int | None:
        with self._lock:
            row = self._database.execute(
                "SELECT min(due_ms) FROM callback WHERE done_ms IS NULL AND due_ms > ?", (after_ms,)
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def mark_done(self, *, number: int, status: int, now_ms: int) -> None:
        with self._lock:
            self._database.execute(
                "UPDATE callback SET attempts = attempts + 1, last_status = ?, done_ms = ? WHERE number = ?",
                (status, now_ms, number),
            )

    def postpone(self, *, number: int, status: int | None, due_ms: int) -> None:
        with self._lock:
            self._database.execute(
                "UPDATE callback SET attempts = attempts + 1, last_status = ?, due_ms = ? WHERE number = ?",
                (status, due_ms, number),
            )

    def list_callbacks(self, *, rail: str, key: str | None, after: int, limit: int) -> list[CallbackRow]:
        with self._lock:
            rows = self._database.execute(
                "SELECT number, key, type, variant, webhook_id, due_ms, attempts, last_status, done_ms"
                " FROM callback WHERE rail = ? AND (? IS NULL OR key = ?) AND number > ? ORDER BY number LIMIT ?",
                (rail, key, key, after, limit),
            ).fetchall()
        return [CallbackRow(*row) for row in rows]


def retry_delay_ms(attempts: int) -> int:
    """Milliseconds until the next try after `attempts` tries in vain: doubling, then patient, never giving up."""
    if attempts >= PATIENT_AFTER_ATTEMPTS:
        return PATIENT_RETRY_MS
    return min(FIRST_RETRY_MS << attempts, LONGEST_RETRY_MS)


def write_request(callback: DueCallback, *, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one try, by the connection's scheme and the callback's variant."""
    body, webhook_id, secret, signed_at = callback.body, callback.webhook_id, callback.secret, now
    is_forged = callback.variant is Variant.FORGED
    if callback.variant is Variant.GARBAGE:
        # An id of its own: a genuine signature over rubbish must not use up the id of the good callback.
        body, webhook_id = '{"id": "pev_garbage", "type": payment', f"{webhook_id}-garbage"
    elif callback.variant is Variant.STALE:
        signed_at = now - STALE_BY
        # A signature without a moment never grows old, and this one must be refused.
        is_forged = not has_timestamp(callback.scheme, callback.settings)
    headers = {"content-type": "application/json"}
    if callback.variant is Variant.UNSIGNED:
        headers["webhook-id"] = webhook_id
    else:
        headers |= sign(
            scheme=callback.scheme,
            settings=callback.settings,
            secret=FORGED_SECRETS[callback.scheme] if is_forged else secret,
            message=Message(webhook_id, signed_at, body),
        )
    return body.encode(), headers


class CallbackSender:
    """One thread that reads what is due and a few that send it."""

    def __init__(self, outbox: CallbackOutbox) -> None:
        self._outbox = outbox
        self._in_flight: set[int] = set()
        self._news = threading.Condition()
        self._has_news = False
        self._is_stopping = False
        self._client = httpx.Client(timeout=SEND_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="callback")
        self._thread = threading.Thread(target=self._run, name="callbacks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def poke(self) -> None:
        """Look again now: there is a new callback, or room to send one."""
        with self._news:
            self._has_news = True
            self._news.notify()

    def stop(self) -> None:
        """Finish what is being sent, start nothing more."""
        self._is_stopping = True
        self.poke()
        self._thread.join()
        self._pool.shutdown()
        self._client.close()

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                self._send_due()
                self._sleep()
            except Exception:
                # This thread is the only one that sends: a locked file must cost a second, not every callback after.
                logger.exception("callback round failed")
                time.sleep(IDLE_SECONDS)

    def _send_due(self) -> None:
        with self._news:
            sending = set(self._in_flight)
        for callback in self._outbox.list_due(now_ms=wall_ms(), limit=SENDERS - len(sending), excluding=sending):
            with self._news:
                self._in_flight.add(callback.number)
            self._pool.submit(self._send, callback).add_done_callback(self._log_failure)

    def _sleep(self) -> None:
        now_ms = wall_ms()
        next_ms = self._outbox.next_due_ms(after_ms=now_ms)
        pause = IDLE_SECONDS if next_ms is None else min(IDLE_SECONDS, (next_ms - now_ms) / 1000)
        with self._news:
            self._news.wait_for(lambda: self._has_news, timeout=pause)
            self._has_news = False

    def _send(self, callback: DueCallback) -> None:
        try:
            status = self._post(callback)
            now_ms = wall_ms()
            # A hostile one is sent until anything answers: it is meant to be refused.
            if status is not None and (200 <= status < 300 or callback.variant is not Variant.GOOD):
                self._outbox.mark_done(number=callback.number, status=status, now_ms=now_ms)
            else:
                due_ms = now_ms + retry_delay_ms(callback.attempts)
                self._outbox.postpone(number=callback.number, status=status, due_ms=due_ms)
        finally:
            with self._news:
                self._in_flight.discard(callback.number)
            self.poke()

    def _post(self, callback: DueCallback) -> int | None:
        """The HTTP status of one try, None where nothing answered."""
        body, headers = write_request(callback, now=datetime.now(UTC))
        try:
            # The answer's body is of no interest and of unknown size: it is not read.
            with self._client.stream("POST", callback.callback_url, content=body, headers=headers) as response:
                return response.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    @staticmethod
    def _log_failure(future: Future[None]) -> None:
        if error := future.exception():
            logger.error("callback failed", exc_info=error)


def wall_ms() -> int:
    """Now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
