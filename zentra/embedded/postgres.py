"""One PostgreSQL cluster in a directory of ours, run from the wheel's binaries."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from zentra.embedded.accounts import Account, popen_identity
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import make_directory, write_private
from zentra.embedded.ports import LOOPBACK
from zentra.embedded.processes import Program, end, processes_in
from zentra.embedded.wheels import postgres_binaries

SUPERUSER = "postgres"
# Order by code point on every machine, while upper() and lower() still know all of Unicode.
LOCALE_OPTIONS = {
    16: ("--locale=C", "--lc-ctype=C.UTF-8"),
    18: ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
}
SUPPORTED_MAJORS = tuple(LOCALE_OPTIONS)

# Tuned for many schemas and short queries on one machine; everything else is PostgreSQL's own default.
SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "256",  # cloning or dropping a schema locks each of its tables and indexes
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than the short queries of a ledger
    "log_line_prefix": "%q%a ",  # the supervisor's log adds time and name
    "cluster_name": "zentra",
}
# For data that is thrown away: a test session never survives the machine.
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresServer:
    """A cluster under `home` (`home/data`, and `home/socket` when it has no port), of one superuser.

    `port` is a loopback port; without one the server listens on a Unix socket only.
    """

    home: Path
    superuser_password: str
    port: int | None = None
    major: int = 18
    account: Account | None = None
    durable: bool = True

    def __post_init__(self) -> None:
        if self.major not in SUPPORTED_MAJORS:
            raise EmbeddedError(f"PostgreSQL {self.major} is not in the wheel: it has {SUPPORTED_MAJORS}.")

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def binaries(self) -> Path:
        """Where initdb and postgres are, reachable by the account that runs them."""
        return postgres_binaries(major=self.major, account=self.account)

    def url(self, *, user: str, password: str, database: str) -> str:
        """The connection URL of one role and database."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        if self.port is None:
            return f"postgresql://{login}@/{database}?{urlencode({'host': str(self.home / 'socket')})}"
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{database}"

    def program(self) -> Program:
        """The server as something to launch. `prepare` comes first."""
        settings = dict(SETTINGS) | ({} if self.durable else dict(NOT_DURABLE))
        if self.port is None:
            settings |= {"listen_addresses": "", "unix_socket_directories": str(self.home / "socket")}
        else:
            settings |= {"listen_addresses": LOOPBACK, "port": str(self.port), "unix_socket_directories": ""}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(self.binaries / "postgres"), "-D", str(self.data), *options),
            cwd=self.home,
            env=_plain_environment(),
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            stop_seconds=60.0,
        )

    def prepare(self) -> None:
        """Create the cluster if it is not there, and clear what a crashed predecessor left behind.

        Raises EmbeddedError when the directory holds data of another major version, or initdb fails.
        """
        make_directory(self.home, mode=0o700, account=self.account)
        if self.port is None:
            make_directory(self.home / "socket", mode=0o700, account=self.account)
        if not self.data.exists():
            self._initialise()
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(self.major):
            raise EmbeddedError(
                f"The data in {self.data} was made by PostgreSQL {found}, and this is {self.major}. "
                "`make reset` starts anew."
            )
        self.clear_remains()

    def clear_remains(self) -> None:
        """End what still runs on our data directory without us, and remove the lock files that nobody holds.

        PostgreSQL judges a lock file by pid alone and refuses to start once that pid belongs to someone else,
        which after a restart of a container it usually does. We look at what runs in the directory instead.
        """
        remains = processes_in(self.data)
        postmaster = self._locked_by()
        for identity in sorted(remains, key=lambda one: one.pid != postmaster):  # the postmaster takes its own along
            if identity.pid == postmaster:
                end(identity, first=signal.SIGINT, seconds=60.0)
            else:
                end(identity, first=signal.SIGQUIT, seconds=5.0)
        if not processes_in(self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for lock in (self.home / "socket").glob(".s.PGSQL.*.lock"):
                lock.unlink(missing_ok=True)

    def _locked_by(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def wait_until_ready(
        self, *, is_alive: Callable[[], bool], say: Callable[[str], None], seconds: float | None = None
    ) -> None:
        """Return once the server takes connections. Crash recovery may take long: waited for while it lives.

        Raises EmbeddedError when the server ends, refuses our password, or `seconds` pass.
        """
        started = time.monotonic()
        told = 0.0
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                waited = time.monotonic() - started
                self._raise_if_hopeless(error, alive=is_alive(), too_late=seconds is not None and waited > seconds)
                if waited - told > 5.0:
                    told = waited
                    say(f"PostgreSQL is recovering from a crash or a hard stop ({waited:.0f} s so far)")
            time.sleep(0.05)

    def _raise_if_hopeless(self, error: psycopg.OperationalError, *, alive: bool, too_late: bool) -> None:
        if not alive:
            raise EmbeddedError("PostgreSQL ended while it was starting: its log says why.") from error
        if "password authentication failed" in str(error):
            raise EmbeddedError(
                f"The database in {self.data} has other passwords than those in our state directory. "
                "`make reset` starts anew."
            ) from error
        if too_late:
            raise EmbeddedError(f"PostgreSQL did not take connections in time: {error}") from error

    def connect(self, database: str) -> psycopg.Connection:
        """An autocommit connection as superuser. The caller closes it."""
        url = self.url(user=SUPERUSER, password=self.superuser_password, database=database)
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def ensure_role(self, *, name: str, password: str) -> None:
        """Have a role `name` that may create databases and roles, and is not a superuser."""
        with self.connect("postgres") as connection:
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            verb = sql.SQL("ALTER" if exists else "CREATE")
            statement = sql.SQL("{} ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}")
            connection.execute(statement.format(verb, sql.Identifier(name), sql.Literal(password)))

    def ensure_database(self, *, name: str, owner: str, template: str = "template0") -> bool:
        """Have a database `name` of `owner`. True when it was created now."""
        with self.connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template)))
            return True

    def _initialise(self) -> None:
        """Run initdb beside the final place and move it there, so that a crash leaves no half-made cluster."""
        for leftover in self.home.glob("data.new.*"):
            shutil.rmtree(leftover)
        staging = Path(tempfile.mkdtemp(prefix="data.new.", dir=self.home))
        password_file = staging / "superuser"
        if self.account is not None:
            os.chown(staging, self.account.uid, self.account.gid)
        write_private(password_file, self.superuser_password + "\n", account=self.account)
        command = [
            str(self.binaries / "initdb"),
            f"--pgdata={staging / 'data'}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *LOCALE_OPTIONS[self.major],
            "--no-instructions",
            *(() if self.durable else ("--no-sync",)),
        ]
        result = subprocess.run(
            command,
            cwd=staging,
            env=_plain_environment(),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            **popen_identity(self.account),
        )
        if result.returncode != 0:
            shutil.rmtree(staging, ignore_errors=True)
            raise EmbeddedError(f"initdb could not make a database in {self.home}:\n{result.stderr.strip()}")
        (staging / "data").rename(self.data)
        with suppress(OSError):
            shutil.rmtree(staging)


def _plain_environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables or locale reaches the server; messages are English for the log."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
