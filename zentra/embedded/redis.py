"""One Redis (or Valkey) on the loopback interface that keeps nothing on disk: truth is in PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zentra.embedded.accounts import Account
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import make_directory
from zentra.embedded.ports import LOOPBACK
from zentra.embedded.processes import Program
from zentra.embedded.wheels import redis_binary

DATABASES = 64


@dataclass(frozen=True)
class RedisServer:
    """A server on `port`, with a password; `home` is only its working directory."""

    home: Path
    password: str
    port: int
    account: Account | None = None

    @cached_property
    def _found(self) -> tuple[Path, str]:
        return redis_binary(account=self.account)

    @property
    def origin(self) -> str:
        """Which server binary is used and why, in a few words."""
        return self._found[1]

    def url(self, *, database: int = 0) -> str:
        """The connection URL of one numbered database."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the working directory."""
        make_directory(self.home, mode=0o700, account=self.account)

    def program(self) -> Program:
        """The server as something to launch. Its settings go in by stdin: a command line shows passwords to all."""
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "databases": str(DATABASES),
            "save": '""',
            "appendonly": "no",
            "dir": str(self.home),
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return Program(
            name="redis",
            argv=(str(self._found[0]), "-"),
            cwd=self.home,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            account=self.account,
            stdin="".join(f"{name} {value}\n" for name, value in settings.items()).encode(),
            stop_signal=signal.SIGTERM,
            stop_seconds=5.0,
        )

    def wait_until_ready(self, *, is_alive: Callable[[], bool], seconds: float = 10.0) -> None:
        """Return once it answers PING under our password. Raises EmbeddedError when it ends or stays silent."""
        deadline = time.monotonic() + seconds
        while not self._answers():
            if not is_alive():
                raise EmbeddedError(f"Redis ({self.origin}) ended while it was starting: its log says why.")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Redis ({self.origin}) did not answer on port {self.port}.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while b"PONG" not in answer and not answer.startswith(b"-"):
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
                return b"PONG" in answer
        except OSError:
            return False
