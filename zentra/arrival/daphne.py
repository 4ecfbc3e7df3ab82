"""Requests under Daphne: its channel keeps an idle time only; ours has a time for the whole of a request.

Daphne has no option for it and gives no place to say it, so its factory is told of another channel. Twisted itself
refuses a head of more than 16 KiB or 500 fields with 400.
"""

# mypy: disable-error-code="no-untyped-call"
# Twisted types only half of what is called here.

from typing import Any

from daphne.http_protocol import HTTPFactory
from twisted.web.http import HTTPChannel

from zentra.arrival.times import HEAD_SECONDS, MOST_BYTES, seconds_for_body

_LAST = b"Connection: close\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n"
_LATE = b"HTTP/1.1 408 Request Timeout\r\n" + _LAST
_TOO_LONG = b"HTTP/1.1 413 Content Too Large\r\n" + _LAST


class TimedChannel(HTTPChannel):
    """A connection whose requests arrive in time: their heads, and their bodies by their length."""

    _late: Any = None
    _is_refused = False

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's names
        """Something came; the first byte of a request starts its time."""
        if self._late is None and not self._handlingRequest:
            self._late = self.callLater(HEAD_SECONDS, self._end)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        """The head is there: from now on the body's time runs, unless it is longer than any that is taken."""
        if (self.length or 0) > MOST_BYTES:
            self._is_refused = True
            self._arrived()
            self._answer(_TOO_LONG)
            return
        super().allHeadersReceived()
        if self._late is not None and self._late.active():
            self._late.reset(seconds_for_body(self.length))

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        """A piece of the body; of one that is not taken, nothing is kept."""
        if not self._is_refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:  # noqa: N802
        """The request is there. Twisted would read a form into memory and take it apart, on the one thread that serves
        everybody, and answer one without boundary itself: Django reads it, piece by piece.
        """
        self._arrived()
        self.requests[-1]._parsePOSTFormSubmission = False
        super().allContentReceived()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802
        """Nobody waits any more."""
        self._arrived()
        super().connectionLost(reason)

    def _arrived(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()
        self._late = None

    def _end(self) -> None:
        self._late = None
        self._answer(_LATE)

    def _answer(self, last: bytes) -> None:
        if self.transport is not None:
            self.transport.write(last)  # type: ignore[call-arg, misc]  # interfaces have no self
            self.loseConnection()


def time_requests() -> None:
    """Have Daphne's connections timed, in this process."""
    HTTPFactory.protocol = TimedChannel
