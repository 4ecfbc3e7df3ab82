"""TCP ports on the loopback interface."""

from __future__ import annotations

import socket

import psutil

from zentra.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on now. Another program may take it before we do: the caller's start then fails."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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
