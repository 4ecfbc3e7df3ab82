"""A throw-away PostgreSQL and Redis for a test session, shared by its worker processes.

The directory is made at once, so that the settings can be given their URLs. The servers start when the first test
needs them: a run of pure tests starts none. Whoever comes first starts them, under a lock; the session's controller
ends them. A session that was killed is cleaned up by the next. The migrated cluster is kept and copied by later
sessions for as long as nothing changes that it was made from.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from zentra.embedded.accounts import service_account
from zentra.embedded.configuration import (
    APP_ROLE,
    APP_VARIABLE,
    OWNER_ROLE,
    OWNER_VARIABLE,
    SEALER_ROLE,
    SEALER_VARIABLE,
)
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import make_directory
from zentra.embedded.fingerprints import SCHEMA_SOURCES, fingerprint
from zentra.embedded.layout import CLONE
from zentra.embedded.ports import free_port
from zentra.embedded.postgres import PostgresServer
from zentra.embedded.processes import Identity, Program, end, launch, record, recorded
from zentra.embedded.programs import Ports, manage
from zentra.embedded.redis import RedisServer

PREFIX = "zentra-test-session-"
TEMPLATE = "zentra_template"
# Known to all, as the cluster is copied from session to session; its socket lies in a directory that is its owner's.
PASSWORD = "throw-away: reached by a private socket only"  # noqa: S105  # guards nothing that is kept
KEPT_CLUSTERS = 3
# How each server is told to go at once: nothing of theirs is kept.
SERVER_RECORDS = {"postgres.json": signal.SIGQUIT, "redis.json": signal.SIGTERM}


@dataclass(frozen=True)
class ThrowAwayGround:
    """One PostgreSQL (fsync off) and one Redis in a temporary directory. Plain data: it travels to worker processes.

    A ground whose PostgreSQL is going to be killed is ``is_durable``: else a commit is answered before it is written.
    """

    directory: str
    redis_password: str
    redis_port: int
    major: int
    is_durable: bool = False

    @classmethod
    def create(cls, *, is_durable: bool = False) -> ThrowAwayGround:
        """A new ground of this process; starts nothing. ZENTRA_TEST_POSTGRES (18) picks the major version."""
        sweep_dead_sessions()
        major = os.environ.get("ZENTRA_TEST_POSTGRES", "18")
        if not major.isdigit():
            raise EmbeddedError(f"ZENTRA_TEST_POSTGRES={major} is not a major version of PostgreSQL: give 16 or 18.")
        directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        directory.chmod(0o711)  # the servers' unprivileged user passes through it
        record(directory / "controller.json", _myself())
        return cls(str(directory), secrets.token_urlsafe(32), free_port(), int(major), is_durable)

    def to_json(self) -> str:
        """For handing over to a worker process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ThrowAwayGround:
        """The ground that another process made."""
        return cls(**json.loads(text))

    @property
    def path(self) -> Path:
        """The session's directory; tests may keep files in it."""
        return Path(self.directory)

    @property
    def postgres(self) -> PostgresServer:
        """The session's PostgreSQL, on a Unix socket."""
        home = self.path / "postgres"
        account = service_account()
        return PostgresServer(home, PASSWORD, major=self.major, account=account, durable=self.is_durable)

    @property
    def redis(self) -> RedisServer:
        """The session's Redis."""
        return RedisServer(self.path / "redis", self.redis_password, self.redis_port, service_account())

    def environment(self, *, database: str, redis_database: int, ports: Ports) -> dict[str, str]:
        """The ZENTRA_* variables under which Django's settings are to be loaded.

        `ports` are where Zentra's processes will listen once a test starts them.
        """
        state = self.path / f"state-{database}"
        state.mkdir(mode=0o700, exist_ok=True)

        def url(user: str) -> str:
            return self.postgres.url(user=user, password=PASSWORD, database=database)

        return {
            "DJANGO_SETTINGS_MODULE": "zentra.settings",
            OWNER_VARIABLE: url(OWNER_ROLE),
            APP_VARIABLE: url(APP_ROLE),
            SEALER_VARIABLE: url(SEALER_ROLE),
            "ZENTRA_REDIS_URL": self.redis.url(database=redis_database),
            "ZENTRA_SECRET_KEYS": PASSWORD,
            "ZENTRA_STATE_DIR": str(state),
            "ZENTRA_DEBUG": "0",
            "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "1",
            # Tests guess from one address, all of them; those of the limit set it low.
            "ZENTRA_WRONG_CREDENTIALS": "1000000",
            **ports.environment(),
        }

    def start(self, *, migrate: bool = True) -> None:
        """Have both servers running and, unless told otherwise, the template database migrated. Idempotent."""
        with self._lock():
            kept = kept_cluster(major=self.major)
            if migrate and not self.postgres.data.exists() and kept.is_dir():
                self._copy_cluster(kept, self.postgres.home)
                (self.path / "template-ready").touch()
            self._start_postgres()
            self._start_redis()
            if migrate and not (self.path / "template-ready").exists():
                self._make_template()
                self._keep_cluster(kept)
                (self.path / "template-ready").touch()

    def create_database(self, name: str) -> None:
        """A database cloned from the migrated template."""
        with self._lock():  # cloning wants the template to itself
            self.postgres.ensure_database(name=name, owner=OWNER_ROLE, template=TEMPLATE)

    def stop(self) -> None:
        """End the servers and remove the directory."""
        _end_session(self.path)

    def _start_postgres(self) -> None:
        if recorded(self.path / "postgres.json") is not None:
            return
        server = self.postgres
        server.prepare()
        process = self._launch(server.program())
        server.wait_until_ready(is_alive=lambda: process.poll() is None, say=print, seconds=60.0)
        server.ensure_role(name=OWNER_ROLE, password=PASSWORD)

    def _start_redis(self) -> None:
        if recorded(self.path / "redis.json") is not None:
            return
        server = self.redis
        server.prepare()
        process = self._launch(server.program())
        server.wait_until_ready(is_alive=lambda: process.poll() is None)

    def _launch(self, program: Program) -> subprocess.Popen[bytes]:
        with (self.path / f"{program.name}.log").open("ab") as log:
            process = launch(program, output=log)
        identity = Identity.of(process.pid)
        if identity is None:
            raise EmbeddedError(f"{program.name} ended at once: see {self.path / program.name}.log")
        record(self.path / f"{program.name}.json", identity)
        return process

    def _make_template(self) -> None:
        self.postgres.ensure_database(name=TEMPLATE, owner=OWNER_ROLE)
        environment = self.environment(database=TEMPLATE, redis_database=0, ports=Ports.any_free())
        for command in ("setup_roles", "migrate_all"):
            run_command(manage(CLONE, command, "--skip-checks"), environment=environment)

    def _keep_cluster(self, kept: Path) -> None:
        """Copy the migrated cluster, stopped for that moment, to where later sessions find it."""
        identity = recorded(self.path / "postgres.json")
        if identity is not None:
            end(identity, first=signal.SIGINT, seconds=60.0)
        make_directory(kept.parent, mode=0o700)
        staging = Path(tempfile.mkdtemp(prefix=".new.", dir=kept.parent))
        self._copy_cluster(self.postgres.home, staging)
        with suppress(OSError):  # another session kept the same one in the meantime
            staging.rename(kept)
        shutil.rmtree(staging, ignore_errors=True)
        by_age = sorted(kept.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-KEPT_CLUSTERS]:
            shutil.rmtree(old, ignore_errors=True)
        self._start_postgres()

    def _copy_cluster(self, source: Path, target: Path) -> None:
        """Copy `data` with modes and owners, which PostgreSQL insists on."""
        make_directory(target, mode=0o700, account=self.postgres.account)
        subprocess.run(["cp", "-a", str(source / "data"), str(target / "data")], check=True)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def kept_cluster(*, major: int) -> Path:
    """Where the cluster made from the present sources is kept, if it is."""
    made_from = (*SCHEMA_SOURCES, "zentra/embedded/postgres.py", "zentra/embedded/testing.py")
    name = f"{fingerprint(CLONE, made_from)[:16]}-{major}"
    return Path(tempfile.gettempdir()) / f"zentra-test-clusters-{os.geteuid()}" / name


def run_command(argv: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Run one command to its end; raises EmbeddedError with its output when it fails."""
    env = dict(os.environ) | dict(environment)
    result = subprocess.run(argv, cwd=CLONE, env=env, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise EmbeddedError(f"`{' '.join(argv[1:])}` failed:\n{result.stdout}{result.stderr}")


def sweep_dead_sessions() -> None:
    """End servers and remove directories of test sessions whose controller is gone (it was killed)."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            is_ours = directory.stat().st_uid == os.geteuid() and not directory.is_symlink()
            is_complete = (directory / "controller.json").exists()
            if is_ours and is_complete and recorded(directory / "controller.json") is None:
                _end_session(directory)


def _end_session(directory: Path) -> None:
    for name, stop_signal in SERVER_RECORDS.items():
        identity = recorded(directory / name)
        if identity is not None:
            end(identity, first=stop_signal)
    shutil.rmtree(directory, ignore_errors=True)


def _myself() -> Identity:
    identity = Identity.of(os.getpid())
    if identity is None:
        raise EmbeddedError("This process cannot see itself in the process list.")
    return identity


def run_on_throw_away(words: Sequence[str]) -> int:
    """Run a command on a throw-away ground, not migrated; its exit status."""
    if not words:
        raise EmbeddedError("Which command? For example: python -m zentra.embedded ephemeral python manage.py check")
    ground = ThrowAwayGround.create()
    try:
        ground.start(migrate=False)
        ground.postgres.ensure_database(name="zentra", owner=OWNER_ROLE)
        environment = dict(os.environ) | ground.environment(database="zentra", redis_database=0, ports=Ports.any_free())
        return subprocess.run(words, env=environment, check=False).returncode
    finally:
        ground.stop()
