"""TCP ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket

import psutil

from zentra.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"


# Below the ports from which Linux and others take the near ends of outgoing connections: one of those would hold a port
# that was free when we looked, and only now and then.
CHOICES = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on now. Another program may take it before we do: the caller's start then fails."""
    for _ in range(200):
        port = secrets.choice(CHOICES)
        if is_free(port):
            return port
    raise EmbeddedError(f"No port from {CHOICES.start} to {CHOICES.stop} of {LOOPBACK} is free.")


def is_free(port: int) -> bool:
    """Whether we could listen on `port` of the loopback interface now. Connections in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def parse_port(text: str, *, variable: str) -> int:
    """`text` as a port number; raises EmbeddedError naming `variable` otherwise."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise EmbeddedError(f"{variable}={text} is not a port: give a number from 1 to 65535.")


def holder_of(port: int) -> str:
    """Who listens on `port`, in words; as much as the system tells us."""
    try:
        listeners = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        pid = next((one.pid for one in listeners if one.laddr.port == port and one.pid), None)
        return f"{psutil.Process(pid).name()}, pid {pid}" if pid else "another program"
    except (psutil.Error, OSError):
        return "another program"
