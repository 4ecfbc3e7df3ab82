"""PostgreSQL and Redis of one clone: embedded, or the ones that the person brings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from zentra.embedded.accounts import Account
from zentra.embedded.configuration import (
    APP_ROLE,
    APP_VARIABLE,
    OWNER_ROLE,
    OWNER_VARIABLE,
    SEALER_ROLE,
    SEALER_VARIABLE,
    Configuration,
    Secrets,
)
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json, write_private_json
from zentra.embedded.layout import Layout
from zentra.embedded.ports import free_port, is_free
from zentra.embedded.postgres import PostgresServer
from zentra.embedded.redis import RedisServer
from zentra.embedded.supervisor import Child, Supervisor

DATABASE = "zentra"
OLDEST_POSTGRES = 16


@dataclass(frozen=True)
class Servers:
    """The servers under one Zentra. `postgres` or `redis` is None when the person brings that one."""

    postgres: PostgresServer | None
    redis: RedisServer | None
    environment: dict[str, str]

    @classmethod
    def plan(
        cls, *, layout: Layout, configuration: Configuration, account: Account | None, say: Callable[[str], None]
    ) -> Servers:
        """Decide what runs where; starts nothing. Makes the secrets and picks the ports at the first call."""
        home = layout.service_home(account)
        if home != layout.state:
            say(f"the user {account.name if account else '?'} cannot reach {layout.state}; the data is in {home}")
        aside = set_aside_orphaned_data(home, layout)
        if aside is not None:
            say(f"the data there belongs to secrets that are gone; it was moved to {aside}")
        secrets = Secrets.load_or_make(layout.secrets_file)
        ports = Choice(layout.state / "ports.json")
        postgres = redis = None
        environment = {"ZENTRA_SECRET_KEYS": configuration.secret_keys or secrets.secret_keys}
        if configuration.database_urls:
            environment |= configuration.complete_database_urls(secrets)
        else:
            port = ports.pick("postgres", given=configuration.postgres_port, variable="ZENTRA_POSTGRES_PORT")
            postgres = PostgresServer(home / "postgres", secrets.postgres_superuser, port, account=account)
            environment |= {
                OWNER_VARIABLE: postgres.url(user=OWNER_ROLE, password=secrets.postgres_owner, database=DATABASE),
                APP_VARIABLE: postgres.url(user=APP_ROLE, password=secrets.postgres_app, database=DATABASE),
                SEALER_VARIABLE: postgres.url(user=SEALER_ROLE, password=secrets.postgres_sealer, database=DATABASE),
            }
        if configuration.redis_url:
            environment["ZENTRA_REDIS_URL"] = configuration.redis_url
        else:
            port = ports.pick("redis", given=configuration.redis_port, variable="ZENTRA_REDIS_PORT")
            redis = RedisServer(home / "redis", secrets.redis, port, account)
            environment["ZENTRA_REDIS_URL"] = redis.url()
        return cls(postgres, redis, environment)

    def start(self, supervisor: Supervisor, *, owner_password: str) -> None:
        """Start what is ours and return once both answer and the database is there.

        Raises EmbeddedError when one cannot start or does not answer, StopRequested when a stop was asked for.
        """
        if self.postgres is None:
            check_database(self.environment[OWNER_VARIABLE])
        if self.redis is None:
            check_redis(self.environment["ZENTRA_REDIS_URL"])
        say = supervisor.console.say
        children = []
        if self.postgres is not None:
            say(f"PostgreSQL {self.postgres.major} in {self.postgres.home}, port {self.postgres.port}")
            children.append(Child(self.postgres.program(), prepare=self.postgres.prepare))
        if self.redis is not None:
            say(f"Redis {self.redis.origin}, port {self.redis.port}")
            children.append(Child(self.redis.program(), prepare=self.redis.prepare))
        supervisor.start_stage(children)
        if self.redis is not None:
            self.redis.wait_until_ready(is_alive=lambda: supervisor.check_alive("redis"))
        if self.postgres is not None:
            self.postgres.wait_until_ready(is_alive=lambda: supervisor.check_alive("postgres"), say=say)
            self.postgres.ensure_role(name=OWNER_ROLE, password=owner_password)
            self.postgres.ensure_database(name=DATABASE, owner=OWNER_ROLE)

    def identity(self) -> str:
        """What tells this database from any other; empty when it is the person's own, of which we know nothing."""
        if self.postgres is None:
            return ""
        with self.postgres.connect(DATABASE) as connection:
            query = "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = %s"
            return str(connection.execute(query, [DATABASE]).fetchone())


class Choice:
    """Ports that were picked once and stay the same while nobody else takes them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pick(self, name: str, *, given: int | None = None, variable: str = "") -> int:
        """The port for `name`. Raises EmbeddedError when the one that the person gave is in use."""
        if given is not None:
            if not is_free(given):
                raise EmbeddedError(f"{variable}={given}: another program listens on port {given}. Give a free one.")
            return given
        kept = read_json(self._path)
        port = kept.get(name)
        if not isinstance(port, int) or not is_free(port):
            port = free_port()
            write_private_json(self._path, kept | {name: port})
        return port


def check_database(url: str) -> None:
    """Raise EmbeddedError unless the person's PostgreSQL can be used: said now, as a pool would only time out later."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise EmbeddedError(f"{OWNER_VARIABLE}: the database does not let us in: {error}") from error
    if version < OLDEST_POSTGRES * 10000:
        found = version // 10000
        raise EmbeddedError(
            f"{OWNER_VARIABLE}: that is PostgreSQL {found}, and {OLDEST_POSTGRES} is the oldest we use."
        )


def check_redis(url: str) -> None:
    """Raise EmbeddedError unless the person's Redis answers."""
    import redis  # slow to load, and only those who bring a Redis need it

    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        client.ping()
        client.close()
    except (redis.RedisError, ValueError) as error:
        raise EmbeddedError(f"ZENTRA_REDIS_URL: Redis does not answer: {error}") from error


def set_aside_orphaned_data(home: Path, layout: Layout) -> Path | None:
    """Data whose secrets are gone cannot be read by anyone: move it out of the way, never delete it.

    Happens when somebody removed `.zentra/` while the data lies under /var/lib/zentra. Returns the new place.
    """
    data = home / "postgres"
    if layout.secrets_file.exists() or not data.exists():
        return None
    aside = home / f"postgres.without-secrets.{int(time.time())}"
    data.rename(aside)
    return aside
