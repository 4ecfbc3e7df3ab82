"""Bodies under WSGI: read within their time, or ended."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from zentra.arrival.times import Reaper, seconds_for_body

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
_REAPER: Final = Reaper()
_LENGTH: Final = re.compile(r"[0-9]{1,15}")


class TimedInput:
    """A request's body whose time runs until it is read. Not shared by threads."""

    def __init__(self, body: Any, *, connection: Any, length: int | None) -> None:
        self._body, self._left = body, length
        _REAPER.watch(self, seconds=seconds_for_body(length), find=lambda: connection)

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        return self._taken(self._body.read(size if size >= 0 else None), size)

    def readline(self, size: int = -1) -> bytes:
        """As a file's."""
        return self._taken(self._body.readline(size if size >= 0 else None), size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def release(self) -> None:
        """Nobody waits for it any more."""
        _REAPER.release(self)

    def _taken(self, piece: bytes, size: int) -> bytes:
        if self._left is not None:
            self._left -= len(piece)
        if self._left == 0 or (not piece and size != 0):
            self.release()
        return piece


def timed(application: Application) -> Application:
    """The application, whose bodies arrive in time; under other servers than gunicorn it is left as it is."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        declared = str(environ.get("CONTENT_LENGTH") or "")
        if connection is None or (declared in {"", "0"} and "HTTP_TRANSFER_ENCODING" not in environ):
            return application(environ, start_response)
        length = int(declared) if _LENGTH.fullmatch(declared) else None
        body = TimedInput(environ["wsgi.input"], connection=connection, length=length)
        environ["wsgi.input"] = body
        try:
            return application(environ, start_response)
        finally:
            body.release()  # what was not read by now, nobody reads

    return serve
