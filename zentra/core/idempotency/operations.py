"""One key, one effect, one answer: the key row goes in first, in the effect's own transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import DatabaseError, connection

from zentra.core import canonical, crypto
from zentra.core.db.hot import defer_hot, execute_hot
from zentra.core.errors import DomainError

LOCK_TIMEOUT_SECONDS = 5
_LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKeyReused(DomainError):
    """The key was used before with another body; nothing was done."""

    code = "idempotency_key_reused"
    status = 422
    title = "This idempotency key belongs to another request"


class IdempotencyInFlight(DomainError):
    """The first request with this key is still running; ask again shortly."""

    code = "idempotency_in_flight"
    status = 409
    title = "The first request with this key is still running"
    retryable = True
    retry_after = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it is stored: its status and its exact bytes."""

    status: int
    body: bytes
    replayed: bool = False


def fingerprint(*, method: str, route: str, body: dict[str, object]) -> bytes:
    """SHA-256 over method, route and the caller's words without the key itself."""
    words = {name: value for name, value in body.items() if name != "idempotency_key"}
    return bytes.fromhex(canonical.sha256_hex(canonical.dumps([method, route, words])))


def run_once(
    *,
    operation: str,
    key: str,
    fingerprint: bytes,
    now: datetime,
    effect: Callable[[], Answer],
    is_secret: bool = False,
) -> Answer:
    """Run the effect under its key, or return what it answered the first time, byte for byte.

    Runs inside the caller's tenant transaction. A twin waits on the unique key for up to five seconds. An answer that
    shows a secret once (``is_secret``, the same for every call of an operation) is kept encrypted.

    Raises:
        IdempotencyKeyReused: the key was used with another fingerprint.
        IdempotencyInFlight: the first request did not end within the lock timeout.
    """
    if not _reserve(operation=operation, key=key, fingerprint=fingerprint, now=now):
        first = _first_answer(operation=operation, key=key, fingerprint=fingerprint)
        return replace(first, body=crypto.decrypt(first.body)) if is_secret else first
    answer = effect()
    kept = crypto.encrypt(answer.body) if is_secret else answer.body
    defer_hot(
        "UPDATE idempotency_key SET status = %s, body = %s WHERE operation = %s AND key = %s",
        [answer.status, kept, operation, key],
    )
    return answer


def _reserve(*, operation: str, key: str, fingerprint: bytes, now: datetime) -> bool:
    """Insert the key row; False when it is there already. Waits for a twin that is still running."""
    try:
        reserved = execute_hot(
            "INSERT INTO idempotency_key (operation, key, fingerprint, created_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [operation, key, fingerprint, now],
        )
        return reserved.rowcount == 1
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise IdempotencyInFlight(retry_after=IdempotencyInFlight.retry_after) from error
        raise


def _first_answer(*, operation: str, key: str, fingerprint: bytes) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, status, body FROM idempotency_key WHERE operation = %s AND key = %s",
            [operation, key],
        )
        stored, status, body = cursor.fetchone()
    if bytes(stored) != fingerprint:
        raise IdempotencyKeyReused(
            f"The key {key!r} was first used with another body.",
            first_fingerprint=bytes(stored).hex(),
            this_fingerprint=fingerprint.hex(),
        )
    return Answer(status=status, body=bytes(body), replayed=True)
