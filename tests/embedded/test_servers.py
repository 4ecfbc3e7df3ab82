"""PostgreSQL and Redis as they are run from the wheels."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from zentra.embedded.accounts import service_account
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.ports import free_port
from zentra.embedded.postgres import SUPERUSER, PostgresServer
from zentra.embedded.processes import Program, launch, processes_in
from zentra.embedded.redis import RedisServer

PASSWORD = "p@ss/word: with everything"


class Running:
    """A PostgreSQL of one test, in fsync mode as `make up` runs it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.server.prepare()
        process = launch(self.server.program(), output=subprocess.DEVNULL)
        self.server.wait_until_ready(is_alive=lambda: process.poll() is None, say=print, seconds=60.0)
        return process


@pytest.fixture
def postgres(directory: Path) -> Iterator[Running]:
    server = PostgresServer(directory / "postgres", PASSWORD, free_port(), account=service_account())
    running = Running(server)
    yield running
    server.clear_remains()
    running.process.wait()


def test_every_connection_needs_the_password(postgres: Running) -> None:
    wrong = postgres.server.url(user=SUPERUSER, password="wrong", database="postgres")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)

    rules = (postgres.server.data / "pg_hba.conf").read_text()
    methods = {line.split()[-1] for line in rules.splitlines() if line and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


def test_data_is_durable_and_private(postgres: Running) -> None:
    with postgres.server.connect("postgres") as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.info.server_version >= 180000
    assert stat.S_IMODE(postgres.server.data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who its children are")
def test_root_runs_it_as_somebody_else(postgres: Running) -> None:
    assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0
    assert postgres.server.data.stat().st_uid != 0


def test_what_was_committed_survives_kill_9(postgres: Running) -> None:
    with postgres.server.connect("postgres") as connection:
        connection.execute("CREATE TABLE kept (amount_minor bigint)")
        connection.execute("INSERT INTO kept VALUES (125000)")

    postgres.process.kill()
    postgres.process.wait()
    postgres.process = postgres.start()

    with postgres.server.connect("postgres") as connection:
        assert connection.execute("SELECT amount_minor FROM kept").fetchone() == (125000,)


def test_lock_file_with_the_pid_of_a_stranger_does_not_stop_it(postgres: Running) -> None:
    """After a restart of a container the old pid usually belongs to somebody else, who is left alone."""
    postgres.process.kill()
    postgres.process.wait()
    stranger = launch_stranger(postgres.server)
    lock = postgres.server.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

    postgres.process = postgres.start()

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_servers_left_on_the_directory_are_ended_before_a_start(postgres: Running) -> None:
    left = postgres.process

    postgres.process = postgres.start()

    assert left.wait(timeout=10) == 0
    assert postgres.process.pid in {identity.pid for identity in processes_in(postgres.server.data)}


def test_other_major_version_is_refused(directory: Path) -> None:
    newer = PostgresServer(directory / "postgres", PASSWORD, account=service_account(), durable=False)
    newer.prepare()
    older = PostgresServer(directory / "postgres", PASSWORD, major=16, account=service_account(), durable=False)

    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 18, and this is 16"):
        older.prepare()


def test_half_made_cluster_is_made_again(directory: Path) -> None:
    server = PostgresServer(directory / "postgres", PASSWORD, account=service_account(), durable=False)
    (directory / "postgres" / "data.new.crashed").mkdir(parents=True)
    if server.account is not None:
        os.chown(directory / "postgres", server.account.uid, server.account.gid)

    server.prepare()

    assert [path.name for path in server.home.glob("data*")] == ["data"]


def test_redis_wants_its_password_and_writes_nothing(directory: Path) -> None:
    server = RedisServer(directory / "redis", "secret", free_port(), service_account())
    server.prepare()
    process = launch(server.program(), output=subprocess.DEVNULL)
    server.wait_until_ready(is_alive=lambda: process.poll() is None)

    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(64).startswith(b"-NOAUTH")
    assert b"secret" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0
    assert list(server.home.iterdir()) == []


def launch_stranger(server: PostgresServer) -> subprocess.Popen[bytes]:
    """A process of the servers' own user that has nothing to do with them."""
    sleep = Program("stranger", ("/bin/sleep", "60"), cwd=Path("/"), account=server.account)
    return launch(sleep, output=subprocess.DEVNULL)
