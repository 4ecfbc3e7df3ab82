"""Children: started, watched, started again when they die, stopped in order."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from zentra.embedded.console import Console, LogFile, follow
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json
from zentra.embedded.processes import Identity, Program, end, kill_group, launch, record, recorded

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a child that lived this long has forgotten its earlier deaths
TICK_SECONDS = 0.1


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or SIGHUP came; raised at the next safe point, never in the middle of a start."""


@dataclass
class Child:
    """One program and its present process. `prepare` runs before each start."""

    program: Program
    prepare: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    deaths_in_a_row: int = 0
    starts_at: float | None = None

    @property
    def name(self) -> str:
        """The program's name: prefix of its log lines, name of its log file."""
        return self.program.name

    @property
    def is_alive(self) -> bool:
        """Whether its process runs now."""
        return self.process is not None and self.process.poll() is None

    def delay_seconds(self) -> float:
        """How long to wait before the next start: doubling with each death in a row."""
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** (self.deaths_in_a_row - 1))


@dataclass
class Supervisor:
    """Children in stages: started stage by stage, stopped in the reverse order, each stage at once.

    All methods are for the main thread, but for `request_stop` and `request_restart`.
    """

    console: Console
    log_dir: Path
    run_dir: Path
    _stages: list[list[Child]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _signals: int = 0
    _restarts: set[str] = field(default_factory=set)

    def handle_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal stop everything cleanly; a second one stops waiting."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.request_stop())

    def request_stop(self) -> None:
        """Ask for the clean stop; asked again, stop being patient."""
        self._signals += 1
        self._stop.set()

    def request_restart(self, name: str) -> None:
        """Ask for one child to be killed and started again; called by whoever watches its health."""
        self._restarts.add(name)

    def raise_if_stopping(self) -> None:
        """A safe point: raises StopRequested once a stop was asked for."""
        if self._stop.is_set():
            raise StopRequested

    def wait(self, seconds: float) -> None:
        """Sleep unless a stop comes; raises StopRequested then."""
        if self._stop.wait(seconds):
            raise StopRequested

    def start_stage(self, children: Iterable[Child]) -> None:
        """Start children that may run once all earlier stages do."""
        stage: list[Child] = []
        self._stages.append(stage)
        for child in children:
            self.raise_if_stopping()
            stage.append(child)
            self._start(child)

    def child(self, name: str) -> Child:
        """The child of a name."""
        return next(child for child in self._all() if child.name == name)

    def check_alive(self, name: str) -> bool:
        """Whether a child runs; raises StopRequested when a stop was asked for. For those who wait for it."""
        self.raise_if_stopping()
        return self.child(name).is_alive

    def run(self, program: Program) -> None:
        """Run a program to its end, its output in the log. Raises EmbeddedError when it fails, or StopRequested."""
        child = Child(program)
        process = self._launch(child, shown_as="zentra")
        while process.poll() is None:
            if self._stop.is_set():
                self._end([child])
                raise StopRequested
            self.tick()
            time.sleep(0.02)
        self._forget(child)
        if process.returncode != 0:
            raise EmbeddedError(
                f"`{program.name}` failed ({describe_exit(process.returncode)}). "
                f"What it said stands above and in {self.log_dir / program.name}.log"
            )

    def supervise(self) -> None:
        """Keep all children running until a stop is asked for."""
        with suppress(StopRequested):
            while True:
                self.tick()
                self.wait(TICK_SECONDS)

    def tick(self) -> None:
        """Notice the dead, start those whose time has come."""
        now = time.monotonic()
        for child in self._all():
            if child.name in self._restarts:
                self._restarts.discard(child.name)
                self._kill(child)
            if child.starts_at is None and child.process is not None and child.process.poll() is not None:
                self._notice_death(child, code=child.process.returncode, now=now)
            elif child.starts_at is not None and child.starts_at <= now:
                self._restart(child)

    def stop(self) -> None:
        """End all children, the last started first. Signals that come now only make it faster."""
        for stage in reversed(self._stages):
            self._end(stage)
        self._stages.clear()

    def _all(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _start(self, child: Child) -> None:
        child.starts_at = None
        if child.prepare is not None:
            child.prepare()
        self._launch(child)

    def _launch(self, child: Child, *, shown_as: str | None = None) -> subprocess.Popen[bytes]:
        child.process = process = launch(child.program, output=subprocess.PIPE)
        child.started_at = time.monotonic()
        identity = Identity.of(process.pid)
        if identity is not None:
            record(self._record_of(child), identity, stop_signal=int(child.program.stop_signal))
        log = LogFile(self.log_dir / f"{child.name}.log")

        def each_line(text: str) -> None:
            log.write(text)
            self.console.line(shown_as or child.name, text)

        child.reader = follow(process, each_line=each_line, at_end=log.close)
        return process

    def _notice_death(self, child: Child, *, code: int, now: float) -> None:
        lived = now - child.started_at
        child.deaths_in_a_row = 1 if lived > STEADY_SECONDS else child.deaths_in_a_row + 1
        delay = child.delay_seconds()
        child.starts_at = now + delay
        self.console.say(f"{child.name} ended ({describe_exit(code)}); starting it again in {delay:g} s")

    def _restart(self, child: Child) -> None:
        try:
            self._start(child)
        except EmbeddedError as error:
            child.deaths_in_a_row += 1
            child.starts_at = time.monotonic() + child.delay_seconds()
            self.console.say(f"{child.name} cannot start: {error}")

    def _kill(self, child: Child) -> None:
        """End a child that no longer does its work. It gets no chance to finish: it has shown that it will not."""
        if child.process is not None and child.process.poll() is None:
            kill_group(child.process.pid)
            child.process.wait()

    def _end(self, stage: list[Child]) -> None:
        living = [(child, child.process) for child in stage if child.process is not None and child.is_alive]
        for child, process in living:
            process.send_signal(child.program.stop_signal)
        for child, process in living:
            self._wait_for_end(child, process)
        for child in stage:
            self._forget(child)

    def _wait_for_end(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + child.program.stop_seconds
        patience = max(self._signals, 1)
        while process.poll() is None:
            if time.monotonic() > deadline or self._signals > patience:
                self.console.say(f"{child.name} does not end; killing it")
                self._kill(child)
            time.sleep(0.02)

    def _forget(self, child: Child) -> None:
        self._record_of(child).unlink(missing_ok=True)
        if child.process is not None:
            child.process.wait()
        if child.reader is not None:
            child.reader.join(timeout=1.0)  # a grandchild may hold the pipe open

    def _record_of(self, child: Child) -> Path:
        return self.run_dir / f"{child.name}.child.json"


def end_orphans(run_dir: Path, *, say: Callable[[str], None]) -> int:
    """End what an earlier supervisor started and left behind when it was killed. Returns how many lived.

    Only a process whose pid *and* start mark stand in a record of ours is touched.
    """
    ended = 0
    for path in sorted(run_dir.glob("*.child.json"), key=_servers_last):
        identity = recorded(path)
        if identity is not None:
            name = path.name.removesuffix(".child.json")
            say(f"{name} (pid {identity.pid}) was left by a run that was killed; ending it")
            number = read_json(path).get("stop_signal")
            end(identity, first=signal.Signals(number or signal.SIGTERM), seconds=60.0 if name == "postgres" else 10.0)
            ended += 1
        path.unlink(missing_ok=True)
    return ended


def _servers_last(path: Path) -> tuple[bool, str]:
    return path.name.startswith(("postgres.", "redis.")), path.name


def describe_exit(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def hold_lock(path: Path) -> int | None:
    """Take the lock of `path` for the life of this process; None when another process holds it.

    The kernel gives it back however we end, and our children do not inherit it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
