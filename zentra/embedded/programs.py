"""Zentra's own processes as programs to launch: one list for `make up` and for the end-to-end tests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zentra.embedded.configuration import OWNER_VARIABLE
from zentra.embedded.ports import LOOPBACK, free_port
from zentra.embedded.processes import Program

RAILS_FILE = "rails.sqlite3"  # what the simulated rails executed, in the state directory
DAY_VARIABLE, DAY_MS = "ZENTRA_SANDBOX_DAY_MS", "600000"  # of the simulated rails: tomorrow's money comes in minutes
WORKER_OPTIONS = ("--concurrency", "4", "--without-mingle", "--without-gossip")


@dataclass(frozen=True)
class Ports:
    """Where the processes of one Zentra listen on the loopback interface."""

    web: int
    rails: int
    consumer: int

    @classmethod
    def any_free(cls) -> Ports:
        """Three ports that nobody uses now."""
        return cls(free_port(), free_port(), free_port())

    def environment(self) -> dict[str, str]:
        """How the processes are told of each other."""
        return {
            "ZENTRA_PORT": str(self.web),
            "ZENTRA_BASE_URL": f"http://localhost:{self.web}",
            "ZENTRA_SANDBOX_URL": f"http://{LOOPBACK}:{self.rails}",
            "ZENTRA_CONSUMER_URL": f"http://{LOOPBACK}:{self.consumer}",
        }


def manage(clone: Path, *words: str) -> tuple[str, ...]:
    """The command line of one management command."""
    return (sys.executable, str(clone / "manage.py"), *words)


def zentra_stages(
    *, clone: Path, state: Path, ports: Ports, environment: Mapping[str, str]
) -> tuple[tuple[Program, ...], ...]:
    """Everything but the demo traffic, stage by stage in the order of starting; stopping goes the other way.

    `state` holds what the processes keep beside the database; `environment` is complete but for the ports.
    """
    owner_env = dict(environment) | ports.environment()
    # Who owns a table can rewrite it, so what serves and works never has the owner's address.
    env = {name: value for name, value in owner_env.items() if name != OWNER_VARIABLE}

    def program(name: str, *argv: str, stop_seconds: float = 10.0) -> Program:
        return Program(name, (sys.executable, *argv), clone, env, stop_seconds=stop_seconds)

    rails = program(
        "rails", "-m", "zentra.routing.sandbox", "--port", str(ports.rails), "--state", str(state / RAILS_FILE),
        "--day-ms", environment.get(DAY_VARIABLE) or DAY_MS,
    )  # fmt: skip
    consumer = program("consumer", "-m", "zentra.demo.consumer", "--port", str(ports.consumer))
    sealer = program("sealer", "manage.py", "run_sealer")
    # What it is in the middle of at the stop is seen by nobody, and made anew by the next one.
    provisioner = Program("provisioner", (sys.executable, "manage.py", "run_provisioner"), clone, owner_env)
    # What it sends at the stop is finished, or sent again by the next one.
    watch = program("watch", "manage.py", "run_watch")
    # A warm stop lets the tasks at hand finish; what does not finish is claimed again from PostgreSQL.
    worker = program("worker", *_celery("worker", "--pool", "threads"), *WORKER_OPTIONS, stop_seconds=20.0)
    beat = program("beat", *_celery("beat"), "--pidfile=", "--schedule", str(state / "run" / "beat-schedule"))
    access_log = str(state / "log" / "access.log")
    web = program(
        "web", "-m", "daphne", "-b", LOOPBACK, "-p", str(ports.web), "-v", "0", "--access-log", access_log,
        "zentra.asgi:application",
    )  # fmt: skip
    return (rails, consumer), (sealer, worker, provisioner), (beat, watch, web)


def _celery(service: str, *options: str) -> tuple[str, ...]:
    # Celery warns of root because of pickled tasks; ours carry ids as JSON.
    quiet = ("-W", "ignore:You're running the worker with superuser")
    return (*quiet, "-m", "celery", "--app", "zentra.celery", "--quiet", service, "--loglevel", "WARNING", *options)


def traffic_program(*, clone: Path, environment: Mapping[str, str]) -> Program:
    """The demo's own traffic, sent through the SDK."""
    env = {name: value for name, value in environment.items() if name != OWNER_VARIABLE}
    return Program("traffic", (sys.executable, "-m", "zentra.demo.traffic"), clone, env)
