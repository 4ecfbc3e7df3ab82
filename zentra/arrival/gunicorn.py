"""The worker of gunicorn that API processes run with: ``--worker-class zentra.arrival.gunicorn.TimedWorker``.

The head of a request, and the TLS handshake before it, are read by a thread of the pool; the body is read by Django,
behind ``TimedInput``.
"""

from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from zentra.arrival.times import HEAD_SECONDS, Reaper

_REAPER: Final = Reaper()


class TimedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A threaded worker whose threads wait for a head no longer than it may take."""

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it."""
        _REAPER.watch(conn, seconds=HEAD_SECONDS, find=lambda: conn.sock)
        try:
            return super().handle(conn)
        finally:
            _REAPER.release(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request whose head arrived."""
        _REAPER.release(conn)
        return super().handle_request(req, conn)
