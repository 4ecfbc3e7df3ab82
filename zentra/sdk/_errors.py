"""What can go wrong, as one tree. Catch the branch that you can act on.

::

    ZentraError
    ├── ConfigurationError            a key, URL or secret that cannot work; nothing was sent
    ├── WebhookVerificationError      this payload is not proven to come from Zentra; answer 401
    │   ├── MalformedDelivery         a header or the body is not what it must be
    │   ├── StaleDelivery             signed too long ago, or in the future: look at both clocks
    │   └── SignatureMismatch         another secret, or bytes that changed on the way
    ├── TransportError                no answer after every safe retry
    │   ├── ConnectionFailed          the server was not reached or hung up
    │   └── TimedOut                  the answer did not come in time
    ├── UnexpectedAnswer              an answer that is not the API's
    └── ApiError                      a problem (RFC 9457): status, code, detail, retryable, request_id, errors
        ├── InvalidRequest            400, 405, 413, 415, 422: the request itself must change
        │   └── IdempotencyError      422: the key belongs to another request
        ├── AuthenticationError       401: no key, or one that is unknown, expired or revoked
        ├── PermissionDenied          403: the key may not do this, or names another workspace
        ├── NotFound                  404
        ├── Conflict                  409: the state does not allow it
        │   ├── IdempotencyInFlight   409: the first request with this key is still running
        │   └── PacketPending         409: the packet is not sealed yet; ``retry_after`` says when to ask
        ├── RateLimited               429
        └── ServerError               5xx
"""

from collections.abc import Mapping
from typing import Any, Final


class ZentraError(Exception):
    """Anything that this package raises on purpose."""


class ConfigurationError(ZentraError, ValueError):
    """A key, URL or secret that cannot work; nothing was sent."""


class WebhookVerificationError(ZentraError):
    """The payload is not proven to come from Zentra. Answer 401 and do nothing with it."""


class MalformedDelivery(WebhookVerificationError):
    """A header is missing or unreadable, or the body is no event of ours."""


class StaleDelivery(WebhookVerificationError):
    """Signed too long ago, or in the future: ``age_seconds`` says how far, below zero for the future."""

    def __init__(self, message: str, *, age_seconds: float) -> None:
        self.age_seconds = age_seconds
        super().__init__(message)


class SignatureMismatch(WebhookVerificationError):
    """No signature is made with one of the secrets or keys over these bytes."""


class TransportError(ZentraError):
    """No answer came, after every safe retry. The request may have been executed; its key makes asking again safe."""


class ConnectionFailed(TransportError):
    """The server was not reached, or it hung up before it answered."""


class TimedOut(TransportError):
    """The answer did not come in time."""


class UnexpectedAnswer(ZentraError):
    """The answer is not one of the API's; something between us and it may have spoken."""


class ApiError(ZentraError):
    """A refusal of the API: an RFC 9457 problem with a stable ``code``."""

    def __init__(self, *, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.problem: dict[str, Any] = dict(problem)
        self.code: str = str(problem.get("code", "unknown"))
        self.title: str = str(problem.get("title", ""))
        self.detail: str = str(problem.get("detail", ""))
        self.retryable: bool = problem.get("retryable") is True
        self.request_id: str | None = problem.get("request_id")
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or [])
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {self.detail or self.title}")


class InvalidRequest(ApiError):
    """The request itself must change."""


class IdempotencyError(InvalidRequest):
    """The idempotency key belongs to another request, or two keys were given."""


class AuthenticationError(ApiError):
    """The key is missing, unknown, expired or revoked."""


class PermissionDenied(ApiError):
    """The key may not do this, or the request names another workspace."""


class NotFound(ApiError):
    """There is no such thing in this workspace."""


class Conflict(ApiError):
    """The state of the thing does not allow it."""


class IdempotencyInFlight(Conflict):
    """The first request with this key is still running."""


class PacketPending(Conflict):
    """The packet is not sealed yet."""


class RateLimited(ApiError):
    """Too many requests; ``retry_after`` says when to send again, in seconds."""


class ServerError(ApiError):
    """The server failed. Sending the same request again, with its key, is safe."""


_BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    "idempotency_key_reused": IdempotencyError,
    "idempotency_key_conflict": IdempotencyError,
    "idempotency_in_flight": IdempotencyInFlight,
    "packet_pending": PacketPending,
    "closeout_packet_pending": PacketPending,
}
_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def error_class(*, status: int, code: object) -> type[ApiError]:
    """The branch of the tree that a problem belongs to: by its code, else by its status."""
    if isinstance(code, str) and code in _BY_CODE:
        return _BY_CODE[code]
    return _BY_STATUS.get(status, ServerError if status >= 500 else InvalidRequest)
