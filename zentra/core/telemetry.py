"""Correlation: the request id and W3C trace id of the work at hand, on every answer, event and log line."""

import logging
import os
import re
import sys
import threading
from contextvars import ContextVar
from typing import Any, Final

import structlog

from zentra.core import ids

_TRACEPARENT: Final = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_CLIENT_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_request_id: ContextVar[str | None] = ContextVar("zentra_request_id", default=None)
_trace_id: ContextVar[str | None] = ContextVar("zentra_trace_id", default=None)


class Counter:
    """Something that is counted in this process since it started, under its Prometheus name. Shared by threads."""

    def __init__(self, name: str, description: str) -> None:
        self.name, self.description = name, description
        self._value = 0
        self._lock = threading.Lock()
        _counters[name] = self

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self._value += 1

    @property
    def value(self) -> int:
        """How many there were."""
        return self._value


_counters: dict[str, Counter] = {}


def counters() -> dict[str, int]:
    """What this process has counted since it started, by Prometheus name; ``/readyz`` shows them."""
    return {name: counter.value for name, counter in sorted(_counters.items())}


def request_id() -> str | None:
    """The id of this request, ``req_…``, or None outside one."""
    return _request_id.get()


def correlation_id() -> str:
    """The id under which everything that a request does is found: the request's own, or a fresh one outside of any."""
    return request_id() or ids.new_id("req")


def trace_id() -> str | None:
    """The W3C trace id, 32 hex digits, or None when nothing was bound."""
    return _trace_id.get()


def new_trace_id() -> str:
    """A random W3C trace id."""
    return os.urandom(16).hex()


def parse_traceparent(header: str | None) -> str | None:
    """The trace id of a ``traceparent`` header (W3C Trace Context level 1), or None when it is not one."""
    match = _TRACEPARENT.match((header or "").strip())
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return None
    return match[1]


def format_traceparent(trace: str) -> str:
    """A ``traceparent`` header for a call that we make within this trace."""
    return f"00-{trace}-{os.urandom(8).hex()}-01"


def bind_request(
    *, traceparent: str | None = None, trace: str | None = None, client_request_id: str | None = None
) -> tuple[str, str]:
    """Start a unit of work: a fresh request id, and the caller's trace id or a new one.

    The caller's own id of the request is no id of ours; where it is well-formed the log has it beside.
    """
    request = ids.new_id("req")
    bound = trace or parse_traceparent(traceparent) or new_trace_id()
    _request_id.set(request)
    _trace_id.set(bound)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request, trace_id=bound)
    if client_request_id and _CLIENT_REQUEST_ID.fullmatch(client_request_id):
        structlog.contextvars.bind_contextvars(client_request_id=client_request_id)
    return request, bound


class Correlated(logging.Filter):
    """Puts the ids of the work at hand on the records of the standard library, which know nothing of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark a record; none is left out."""
        record.request_id, record.trace_id = request_id() or "-", trace_id() or "-"
        return True


def configure_logging(*, debug: bool) -> None:
    """structlog over the standard library: one line an event, key=value, to standard error."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
