"""One key, one effect, one answer: the key row goes in first, in the effect's own transaction."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import DatabaseError, connection

from zentra.core import canonical, crypto
from zentra.core.db.hot import defer_hot, execute_hot
from zentra.core.errors import DomainError

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


class IdempotencyRaced(IdempotencyInFlight):
    """Another request kept an answer under one of these keys first. Nothing was done; repeating finds that answer."""


def find_answers(*, operation: str, keys: Collection[str]) -> dict[str, tuple[bytes, Answer]]:
    """The (fingerprint, first answer) of those of these keys that have one. One statement, however many there are."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, fingerprint, status, body FROM idempotency_key WHERE operation = %s AND key = ANY (%s)",
            [operation, list(keys)],
        )
        rows = cursor.fetchall()
    return {key: (bytes(mark), Answer(status, bytes(body), replayed=True)) for key, mark, status, body in rows}


def keep_answers(*, operation: str, answers: Mapping[str, tuple[bytes, Answer]], now: datetime) -> None:
    """Keep (fingerprint, answer) under each key, in the transaction of their effects and in one statement.

    Keys go in by order, so that two callers wait for each other in one direction only. Raises IdempotencyRaced when
    one of them is there already: the transaction must end, and its repetition finds the answer.
    """
    if not answers:
        return
    rows = [(key, *answers[key]) for key in sorted(answers)]
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO idempotency_key (operation, key, fingerprint, status, body, created_at)"
                " SELECT %s, k.key, k.fingerprint, k.status, k.body, %s"
                "   FROM unnest(%s::text[], %s::bytea[], %s::integer[], %s::bytea[])"
                "        AS k (key, fingerprint, status, body)"
                " ON CONFLICT DO NOTHING",
                [
                    operation,
                    now,
                    [key for key, _, _ in rows],
                    [mark for _, mark, _ in rows],
                    [answer.status for *_, answer in rows],
                    [answer.body for *_, answer in rows],
                ],
            )
            kept = cursor.rowcount
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise IdempotencyInFlight(retry_after=IdempotencyInFlight.retry_after) from error
        raise
    if kept != len(rows):
        raise IdempotencyRaced("A request with one of these keys ended first.")


def key_reused(*, key: str, stored: bytes, mark: bytes) -> IdempotencyKeyReused:
    """The refusal of a key whose first request had other words, with both fingerprints."""
    return IdempotencyKeyReused(
        f"The key {key!r} was first used with another body.",
        first_fingerprint=stored.hex(),
        this_fingerprint=mark.hex(),
    )


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
        raise key_reused(key=key, stored=bytes(stored), mark=fingerprint)
    return Answer(status=status, body=bytes(body), replayed=True)
