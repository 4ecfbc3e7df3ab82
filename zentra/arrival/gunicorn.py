"""The worker of gunicorn that API processes run with: ``--worker-class zentra.arrival.gunicorn.TimedWorker``.

Threads are few, and whoever is slow costs nothing but a socket: a connection is with the poller until its TLS handshake
is done and the head of its request is whole, and again while its end lingers (RFC 9112, 9.6). Until then threads take
only what is there. The body is read by Django, behind ``TimedInput``. HTTP/1 only.
"""

import errno
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from gunicorn import sock as sockets
from gunicorn.http import get_parser
from gunicorn.workers import gthread

from zentra.arrival.times import HEAD_SECONDS, Reaper

_REAPER: Final = Reaper()
# A record of TLS; whatever is left of it would be in no buffer that the poller sees.
_PIECE: Final = 16 * 1024
# Beyond our own limits of a head: gunicorn refuses what is longer.
_MOST_HEAD: Final = 512 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 64 * 1024
_NOT_YET: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TimedConnection(gthread.TConn):  # type: ignore[misc]  # gunicorn carries no types
    """A connection whose handshake and head are gathered without waiting, in ``HEAD_SECONDS`` altogether."""

    sock: Any

    def __init__(self, *said: Any, linger: Callable[["TimedConnection"], None]) -> None:
        super().__init__(*said)
        self._linger = linger
        self._head = bytearray()
        self.until: float | None = None
        self.left = _LINGER_BYTES

    def init(self) -> None:
        """``gather`` did everything else."""
        self.sock.setblocking(True)

    def gather(self) -> bool:
        """Take what is there; whether the head is whole. Raises OSError where the connection or its time is over."""
        now = monotonic()
        if self.until is None:
            self.until = now + HEAD_SECONDS
        elif now >= self.until:
            raise TimeoutError("The head took too long.")
        self.sock.setblocking(False)
        try:
            if not self.initialized:
                self._open()
            self._read_head()
        except _NOT_YET:
            return False
        self.parser.unreader.unread(bytes(self._head))
        self._head.clear()
        self.until = None
        return True

    def close(self, graceful: bool = False) -> None:
        """End it; gracefully, it lingers with the poller and not in whoever closes it."""
        if graceful:
            self._linger(self)
        else:
            super().close()

    def _open(self) -> None:
        if self.cfg.is_ssl:
            if not isinstance(self.sock, ssl.SSLSocket):
                if not self.wait_for_data(0):
                    raise BlockingIOError
                self.sock = sockets.ssl_context(self.cfg).wrap_socket(
                    self.sock, server_side=True, suppress_ragged_eofs=self.cfg.suppress_ragged_eofs,
                    do_handshake_on_connect=False,
                )  # fmt: skip
            self.sock.do_handshake()
        self.parser = get_parser(self.cfg, self.sock, self.client)
        self.initialized = True

    def _read_head(self) -> None:
        self._head += self.parser.unreader.take_buffered()  # of a request that came with the one before
        looked_at = 0
        while self._head.find(_HEAD_END, looked_at) < 0 and len(self._head) < _MOST_HEAD:
            looked_at = max(0, len(self._head) - len(_HEAD_END))
            piece = self.sock.recv(_PIECE)
            if not piece:
                raise ConnectionAbortedError("It ended before its head did.")
            self._head += piece


class TimedWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A threaded worker whose threads wait for nobody before a request's head is there."""

    def __init__(self, *said: Any, **more: Any) -> None:
        super().__init__(*said, **more)
        self._lingering: deque[TimedConnection] = deque()

    def accept(self, listener: Any) -> None:
        """Take a connection; as gunicorn's, with a connection of ours."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(TimedConnection(self.cfg, client, address, listener.getsockname(), linger=self._linger))

    def handle(self, conn: Any) -> Any:
        """Answer a request whose head is whole; the poller has the connection until then."""
        try:
            if not conn.gather():
                return gthread._DEFER  # what finish_request asks for
        except OSError as error:
            self.log.debug("Ended before a request was there: %s", error)
            return False
        # Of what looks like a head and is none, the parser may want more.
        _REAPER.watch(conn, seconds=HEAD_SECONDS, find=lambda: conn.sock)
        try:
            return super().handle(conn)
        finally:
            _REAPER.release(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request whose head arrived."""
        _REAPER.release(conn)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Give a connection back; one whose head is not whole waits no longer than that may take."""
        super().finish_request(conn, fs)
        if self.pending_conns and self.pending_conns[-1] is conn:
            conn.timeout = conn.until

    def murder_pending(self) -> None:
        """End what is late, and what has lingered."""
        now = monotonic()
        for late in [each for each in self.pending_conns if each.timeout <= now]:
            self.pending_conns.remove(late)
            self._end(late)
        while self._lingering and self._lingering[0].timeout <= now:
            self._end(self._lingering.popleft())

    def _linger(self, conn: TimedConnection) -> None:
        """Say that nothing more comes, and read away for two seconds what does, so that our answer is not lost."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError, KeyError):
            conn.close()
            return
        self.nr_conns += 1  # whoever closed it counted it off
        conn.timeout = monotonic() + _LINGER_SECONDS
        self._lingering.append(conn)

    def _drain(self, conn: TimedConnection, _socket: Any) -> None:
        try:
            piece = conn.sock.recv(_PIECE)
        except _NOT_YET:
            return
        except OSError:
            piece = b""
        conn.left -= len(piece)
        if not piece or conn.left <= 0:
            self._lingering.remove(conn)
            self._end(conn)

    def _end(self, conn: TimedConnection) -> None:
        with suppress(OSError, KeyError, ValueError):  # gone already
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()
