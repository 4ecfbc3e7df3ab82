"""Which key a write has (docs/api.md), and running it once under that key in one tenant transaction."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from zentra.api.fields import KEY_PATTERN
from zentra.core import crypto
from zentra.core.errors import DomainError
from zentra.core.idempotency import operations
from zentra.core.idempotency.operations import Answer

_KEY: Final = re.compile(KEY_PATTERN)


class BadIdempotencyKey(DomainError):
    """A key is 1 to 255 printable ASCII characters without spaces."""

    code = "bad_idempotency_key"
    status = 400
    title = "The idempotency key is malformed"


class IdempotencyKeyConflict(DomainError):
    """The header and the body name two different keys; nothing was done."""

    code = "idempotency_key_conflict"
    status = 422
    title = "Two different idempotency keys were given"


def choose_key(*, header: str | None, body_key: str | None, intent_id: str | None = None) -> str | None:
    """The key of a write: the header, else the body's ``idempotency_key``, else its ``intent_id``.

    None when there is none of them: the write then happens each time that it is asked for.

    Raises:
        BadIdempotencyKey: the header has another form than a key.
        IdempotencyKeyConflict: header and body differ.
    """
    if header is not None and not _KEY.fullmatch(header):
        raise BadIdempotencyKey("Idempotency-Key has 1 to 255 printable ASCII characters without spaces.")
    if header is not None and body_key is not None and header != body_key:
        raise IdempotencyKeyConflict(f"The header says {header!r} and the body says {body_key!r}.")
    return header or body_key or intent_id


def run(
    *,
    operation: str,
    route: str,
    key: str | None,
    body: Mapping[str, Any],
    now: datetime,
    effect: Callable[[], tuple[int, Mapping[str, Any]]],
    is_secret: bool = False,
    method: str = "POST",
) -> Answer:
    """Run a write under its key, inside the caller's tenant transaction; its answer is stored as the bytes returned.

    ``body`` is what the caller said, before defaults, so that the fingerprint never depends on our state.
    ``is_secret``: words or answer hold a secret. The answer is stored encrypted, and the fingerprint, which a refusal
    tells and the log keeps, is a keyed one: a plain digest of a short secret could be found by trying.
    """

    def answered() -> Answer:
        status, document = effect()
        return Answer(status=status, body=dump(document))

    if key is None:
        return answered()
    mark = operations.fingerprint(method=method, route=route, body=dict(body))
    if is_secret:
        mark = crypto.keyed_digest(mark)
    return operations.run_once(
        operation=operation, key=key, fingerprint=mark, now=now, effect=answered, is_secret=is_secret
    )


def dump(document: Mapping[str, Any]) -> bytes:
    """The JSON bytes of an answer, fields in the order in which the contract prints them."""
    return orjson.dumps(document)
