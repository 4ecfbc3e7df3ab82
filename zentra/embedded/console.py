"""What the supervisor shows: one line per thing that happens, with the name of who says it, and a log file each."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

LARGEST_LOG_BYTES = 20 * 1024 * 1024
NAME_WIDTH = 11
COLOURS = {
    "zentra": "1",
    "postgres": "34",
    "redis": "31",
    "rails": "33",
    "consumer": "35",
    "sealer": "36",
    "worker": "32",
    "beat": "92",
    "watch": "93",
    "provisioner": "96",
    "web": "94",
    "traffic": "95",
}


class Console:
    """Lines on the terminal (or wherever stdout goes), whole and in the order of arrival."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream: TextIO | None = stream or sys.stdout
        self._lock = threading.Lock()
        self._is_coloured = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """What the supervisor itself has to tell."""
        for line in text.splitlines() or [""]:
            self.line("zentra", line)

    def line(self, name: str, text: str) -> None:
        """One line of the process `name`."""
        prefix = f"{name:<{NAME_WIDTH}}|"
        if self._is_coloured:
            prefix = f"\033[{COLOURS.get(name, '37')}m{prefix}\033[0m"
        self._write(f"{prefix} {text}\n")

    def plain(self, text: str) -> None:
        """Text as it is, for what people copy."""
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None  # whoever read it is gone; the log files go on, and so do the processes


class LogFile:
    """`<name>.log`: time-stamped lines; at 20 MB it becomes `<name>.log.1` and begins anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, text: str) -> None:
        """Append one line, stamped with UTC."""
        if self._file.tell() > LARGEST_LOG_BYTES:
            self._file.close()
            self.path.replace(self.path.with_suffix(".log.1"))
            self._file = self.path.open("a", encoding="utf-8", buffering=1)
        self._file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")

    def close(self) -> None:
        """Close the file; the reading thread is the only writer and calls this last."""
        self._file.close()


def follow(
    process: subprocess.Popen[bytes], *, each_line: Callable[[str], None], at_end: Callable[[], None]
) -> threading.Thread:
    """Hand each line of a child's output to `each_line`, in a thread that ends with the output."""

    def read() -> None:
        for raw in process.stdout or ():
            each_line(raw.decode("utf-8", errors="replace").rstrip())
        at_end()

    thread = threading.Thread(target=read, name="log", daemon=True)
    thread.start()
    return thread
