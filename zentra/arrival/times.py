"""The times, and the one thread that ends what is over them."""

import socket
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Final

HEAD_SECONDS: Final = 15.0
BODY_SECONDS: Final = 20.0
# Slower than this nobody sends a body: 64 MiB may take half an hour.
LEAST_BYTES_A_SECOND: Final = 36 * 1024
# The largest that any door takes: zentra/asgi.py says which.
MOST_BYTES: Final = 128 * 1024 * 1024
_LOOK_EVERY_SECONDS: Final = 0.5


def seconds_for_body(length: int | None) -> float:
    """How long a body of so many bytes may take; None is one that declares no length. Never longer than the most."""
    return BODY_SECONDS + min(length or 0, MOST_BYTES) / LEAST_BYTES_A_SECOND


class Reaper:
    """Ends the reading of sockets whose time is over: their reader then finds the end of what was sent.

    Shared by all threads of a process; one thread looks twice a second, and only while anything is waited for.
    """

    def __init__(self, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._watched: dict[Hashable, tuple[float, Callable[[], socket.socket]]] = {}
        self._is_needed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, name: Hashable, *, seconds: float, find: Callable[[], socket.socket]) -> None:
        """End what ``find`` gives unless it is released within so many seconds. A name is watched once."""
        self._watched[name] = (self._stopwatch() + seconds, find)
        self._is_needed.set()
        if self._thread is None:
            self._start()

    def release(self, name: Hashable) -> None:
        """It arrived."""
        self._watched.pop(name, None)

    def end_late(self) -> int:
        """End all whose time is over; how many there were."""
        now = self._stopwatch()
        late = [(name, find) for name, (until, find) in list(self._watched.items()) if until <= now]
        for name, find in late:
            if self._watched.pop(name, None) is not None:
                _end_reading(find)
        return len(late)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arrival", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._is_needed.wait()
            time.sleep(_LOOK_EVERY_SECONDS)
            self.end_late()
            self._is_needed.clear()
            if self._watched:
                self._is_needed.set()


def _end_reading(find: Callable[[], socket.socket]) -> None:
    with suppress(OSError):  # it may be gone already
        # The plain method also of a TLS socket: its own one would forget the encryption of what is still answered.
        socket.socket.shutdown(find(), socket.SHUT_RD)
