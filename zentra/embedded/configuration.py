"""Secrets and settings of `make up`: made once, taken from the environment where given, refused loudly where wrong."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json, write_private_json
from zentra.embedded.ports import parse_port

DEFAULT_PORT = "8000"
DEFAULT_DEMO_RATE = "0.5"
OWNER_VARIABLE, APP_VARIABLE, SEALER_VARIABLE = DATABASE_VARIABLES = (
    "ZENTRA_OWNER_DATABASE_URL",
    "ZENTRA_DATABASE_URL",
    "ZENTRA_SEALER_DATABASE_URL",
)
OWNER_ROLE, APP_ROLE, SEALER_ROLE = "zentra_owner", "zentra_app", "zentra_sealer"


@dataclass(frozen=True)
class Secrets:
    """Passwords of the embedded servers, and the keys under which secrets are encrypted at rest (newest first)."""

    postgres_superuser: str
    postgres_owner: str
    postgres_app: str
    postgres_sealer: str
    redis: str
    secret_keys: str

    @classmethod
    def load_or_make(cls, path: Path) -> Secrets:
        """The secrets of this clone; made at the first call. Raises EmbeddedError when the file was cut or edited."""
        kept = read_json(path)
        if not kept and not path.exists():
            made = cls(**{field.name: secrets.token_urlsafe(32) for field in fields(cls)})
            write_private_json(path, asdict(made))
            return made
        names = {field.name for field in fields(cls)}
        if set(kept) != names or not all(isinstance(value, str) and value for value in kept.values()):
            raise EmbeddedError(
                f"{path} does not hold the secrets {', '.join(sorted(names))} (and nothing else). Put it back from a "
                "copy, or start anew with `make reset`: without it the stored data cannot be read."
            )
        return cls(**kept)


@dataclass(frozen=True)
class Configuration:
    """What the person asked for by ZENTRA_* variables."""

    port: int
    demo_rate: float
    postgres_port: int | None
    redis_port: int | None
    database_urls: Mapping[str, str]
    redis_url: str | None
    secret_keys: str | None

    def complete_database_urls(self, kept: Secrets) -> dict[str, str]:
        """The URLs that were given, and the other two made from the owner's, under our own names and passwords."""
        owner = urlsplit(self.database_urls[OWNER_VARIABLE])
        host = owner.netloc.rpartition("@")[2]

        def beside_owner(role: str, password: str) -> str:
            return owner._replace(netloc=f"{role}:{password}@{host}").geturl()

        derived = {
            APP_VARIABLE: beside_owner(APP_ROLE, kept.postgres_app),
            SEALER_VARIABLE: beside_owner(SEALER_ROLE, kept.postgres_sealer),
        }
        return derived | dict(self.database_urls)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Configuration:
        """Read and check every variable that `up` looks at. Raises EmbeddedError naming the wrong or missing one."""

        def port(variable: str) -> int | None:
            text = environment.get(variable)
            return parse_port(text, variable=variable) if text else None

        return cls(
            port=parse_port(environment.get("ZENTRA_PORT") or DEFAULT_PORT, variable="ZENTRA_PORT"),
            demo_rate=_rate(environment.get("ZENTRA_DEMO_RATE") or DEFAULT_DEMO_RATE),
            postgres_port=port("ZENTRA_POSTGRES_PORT"),
            redis_port=port("ZENTRA_REDIS_PORT"),
            database_urls=_database_urls(environment),
            redis_url=_redis_url(environment.get("ZENTRA_REDIS_URL")),
            secret_keys=environment.get("ZENTRA_SECRET_KEYS") or None,
        )


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1000:
        raise EmbeddedError(f"ZENTRA_DEMO_RATE={text} is not a rate: give intents per second, 0 (off) to 1000.")
    return rate


def _database_urls(environment: Mapping[str, str]) -> dict[str, str]:
    """The URLs that were given, each of the right form; the owner's among them when there is any."""
    given = {name: environment[name] for name in DATABASE_VARIABLES if environment.get(name)}
    for name, url in given.items():
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres") or not parts.username or not parts.path.strip("/"):
            raise EmbeddedError(f"{name} is not of the form postgresql://user:password@host:port/database.")
    if given and OWNER_VARIABLE not in given:
        raise EmbeddedError(
            f"{OWNER_VARIABLE} is missing. With a PostgreSQL of your own, `make up` needs the URL of the role that "
            f"owns the database: it migrates, and makes the roles of {' and '.join(DATABASE_VARIABLES[1:])}."
        )
    users = {urlsplit(url).username for url in given.values()}
    if len(users) != len(given):
        raise EmbeddedError(
            f"{', '.join(given)} must name different roles: who owns a table can rewrite it, so the others may not."
        )
    return given


def _redis_url(url: str | None) -> str | None:
    if not url:
        return None
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise EmbeddedError("ZENTRA_REDIS_URL is not of the form redis://:password@host:port/0.")
    return url
