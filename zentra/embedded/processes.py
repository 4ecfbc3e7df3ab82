"""Processes: how one is started, recognised after a crash of its parent, and ended.

A pid alone says nothing once its process is gone, since the kernel gives it to another. A process is therefore known
by pid *and* start mark, both written down when it starts. Only a process whose mark still agrees is ever signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

from zentra.embedded.accounts import Account, popen_identity
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json, write_private_json

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Program:
    """Something to run: what, where, as whom, and how it likes to be stopped."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stdin: bytes = b""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0


@dataclass(frozen=True)
class Identity:
    """One process of this machine, for ever: no later process has the same pid and start mark."""

    pid: int
    start_mark: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The identity of the process that has `pid` now; None when there is none, or it is a zombie."""
        mark = start_mark(pid)
        return None if mark is None else cls(pid, mark)

    @property
    def is_alive(self) -> bool:
        return start_mark(self.pid) == self.start_mark


def start_mark(pid: int) -> str | None:
    """When the process with `pid` started, as a text to compare; None when it is gone or only waits to be reaped.

    On Linux: the kernel's boot id and the start time in clock ticks after boot, which no clock adjustment moves.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _portable_start_mark(pid)
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot_id}:{ticks}"


def _portable_start_mark(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def launch(program: Program, *, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own, so that a Ctrl-C at our terminal reaches only us.

    Raises EmbeddedError when it cannot be started at all.
    """
    try:
        process = subprocess.Popen(
            program.argv,
            cwd=program.cwd,
            env=dict(program.env),
            stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **popen_identity(program.account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"{program.name} could not be started ({program.argv[0]}): {error}") from error
    if program.stdin and process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(program.stdin)
            process.stdin.close()
    return process


def end(identity: Identity, *, first: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> bool:
    """End one process and what is left of its group: `first`, then SIGKILL after `seconds`. True when it lived."""
    if not identity.is_alive:
        return False
    with suppress(ProcessLookupError):
        os.kill(identity.pid, first)
    if not wait_until_gone(identity, seconds=seconds):
        kill_group(identity.pid)
        wait_until_gone(identity, seconds=5.0)
    return True


def kill_group(pid: int) -> None:
    """SIGKILL to the process group that `launch` made for `pid`. Call only while the leader is known to be ours."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_until_gone(identity: Identity, *, seconds: float) -> bool:
    """Whether the process ended within `seconds`. It need not be our child."""
    deadline = time.monotonic() + seconds
    while identity.is_alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def processes_in(directory: Path) -> list[Identity]:
    """Every process that has `directory` as its working directory: all of a PostgreSQL's, even after its postmaster."""
    found = []
    for process in psutil.process_iter():
        try:
            inside = Path(process.cwd()) == directory
        except (psutil.Error, OSError):
            continue
        identity = Identity.of(process.pid) if inside else None
        if identity is not None:
            found.append(identity)
    return found


def record(path: Path, identity: Identity, **more: object) -> None:
    """Write down a process that we started, so that it can be found again after our own sudden death."""
    write_private_json(path, asdict(identity) | more)


def recorded(path: Path) -> Identity | None:
    """The process written down in `path`, if it still lives."""
    value = read_json(path)
    pid, mark = value.get("pid"), value.get("start_mark")
    if not isinstance(pid, int) or not isinstance(mark, str):
        return None
    identity = Identity(pid, mark)
    return identity if identity.is_alive else None
