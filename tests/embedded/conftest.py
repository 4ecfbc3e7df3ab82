"""A stand-in clone: the real supervisor and the real servers, over processes that only pretend to be Zentra's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from zentra.embedded.accounts import service_account
from zentra.embedded.layout import CLONE
from zentra.embedded.ports import free_port
from zentra.embedded.postgres import PostgresServer
from zentra.embedded.processes import Identity, launch
from zentra.embedded.redis import RedisServer

DRIVER = """
import sys
from pathlib import Path
from zentra.embedded import __main__ as command
from zentra.embedded import layout
layout.CLONE = Path(sys.argv[1])
command.run(sys.argv[2:])
"""

PRETENDER = """
import signal, sys, threading
print("alive", flush=True)
done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: done.set())
done.wait()
print("gone", flush=True)
"""

# Answers /readyz as the web process does, once the stand-in worker is there.
WEB = """
import sys, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"checks": {}}')
    def log_message(self, *_):
        print("asked", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])), Handler).serve_forever()
"""

MANAGE = """
import json, os, pathlib, sys
print("did", sys.argv[1], flush=True)
state = pathlib.Path(os.environ["ZENTRA_STATE_DIR"])
with (state / "did.txt").open("a") as file:
    file.write(sys.argv[1] + "\\n")
if sys.argv[1] in ("run_sealer", "run_watch", "run_provisioner"):
    exec(open("pretender.py").read())
if sys.argv[1] == "seed_demo":
    users = [{"email": "op@example.test", "password": "a password", "role": "operator", "totp_secret": None}]
    workspace = {"id": "1", "slug": "meridian", "mode": "sandbox", "api_key": "zk_test_1_2", "users": users}
    (state / "demo.json").write_text(json.dumps({"workspaces": [workspace]}))
"""


@dataclass
class StandIn:
    """A clone whose processes pretend, with the state of its own; runs the real command line in child processes."""

    clone: Path
    state: Path
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the test session's own ZENTRA_* variables."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("ZENTRA_")}
        env |= {"ZENTRA_STATE_DIR": str(self.state), "ZENTRA_PORT": str(self.port), "ZENTRA_DEMO_RATE": "0"}
        path = os.pathsep.join([str(CLONE), *filter(None, [os.environ.get("PYTHONPATH")])])
        return env | {"PYTHONPATH": path} | dict(extra)

    def start(self, *words: str, **extra: str) -> subprocess.Popen[str]:
        """Start one command of `python -m zentra.embedded`."""
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.clone), *words],
            cwd="/",
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str, **extra: str) -> tuple[int, str]:
        """Run one command to its end: exit status and output."""
        process = self.start(*words, **extra)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def up(self, **extra: str) -> tuple[subprocess.Popen[str], str]:
        """`up`, until it says that it is ready; the process and what it said so far."""
        process = self.start("up", **extra)
        return process, read_until(process, "ready after")

    def pid_of(self, name: str) -> int:
        """The present pid of a supervised process."""
        pid = json.loads((self.state / "run" / f"{name}.child.json").read_text())["pid"]
        assert isinstance(pid, int)
        return pid

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self.state / "log" / f"{name}.log").read_text()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read a process's output up to the line with `words`; fails with all of it when the process ends first."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(f"it ended without saying {words!r}:\n{said}")


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process with this pid runs."""
    return Identity.of(pid) is not None


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path that the servers' user can reach, for data that is removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="zentra-embedded-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stand_in(directory: Path) -> Iterator[StandIn]:
    """A stand-in clone; whatever it started is ended afterwards."""
    clone = directory / "clone"
    files = {
        "pretender.py": PRETENDER,
        "manage.py": MANAGE,
        "celery.py": PRETENDER,
        "daphne.py": WEB,
        "zentra/routing/sandbox.py": "import sys\nopen(sys.argv[sys.argv.index('--state') + 1], 'a')\n" + PRETENDER,
        "zentra/demo/consumer.py": PRETENDER,
        "zentra/demo/traffic.py": PRETENDER,
    }
    for name, text in files.items():
        path = clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made = StandIn(clone, directory / "state")
    yield made
    for process in made.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    status, output = made.run("down")
    assert status == 0, output


@pytest.fixture
def own_servers(directory: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL and a Redis that somebody brings, as the settings that name them."""
    account = service_account()
    postgres = PostgresServer(directory / "own", "secret", free_port(), account=account, durable=False)
    redis = RedisServer(directory / "own-redis", "secret", free_port(), account)
    processes = []
    for server in (postgres, redis):
        server.prepare()
        processes.append(launch(server.program(), output=subprocess.DEVNULL))
    postgres.wait_until_ready(is_alive=lambda: True, say=print, seconds=30.0)
    redis.wait_until_ready(is_alive=lambda: True)
    yield {
        "ZENTRA_OWNER_DATABASE_URL": postgres.url(user="postgres", password="secret", database="postgres"),
        "ZENTRA_REDIS_URL": redis.url(),
    }
    for process, number in zip(processes, (signal.SIGQUIT, signal.SIGTERM), strict=True):
        process.send_signal(number)
        process.wait(timeout=10)
