"""`up`: from an empty directory to a running Zentra, which it then watches until it is told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from zentra.embedded.accounts import Account, service_account
from zentra.embedded.configuration import Configuration, Secrets
from zentra.embedded.console import Console
from zentra.embedded.demo import complete_demo_file, describe_demo, has_workspaces
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json, write_private_json
from zentra.embedded.fingerprints import DEMO_SOURCES, SCHEMA_SOURCES, STATIC_SOURCES, Stamp, fingerprint
from zentra.embedded.health import HealthWatch, ask_health
from zentra.embedded.layout import Layout
from zentra.embedded.ports import holder_of, is_free
from zentra.embedded.processes import Identity, Program, record
from zentra.embedded.programs import RAILS_FILE, Ports, manage, traffic_program, zentra_stages
from zentra.embedded.servers import Choice, Servers
from zentra.embedded.supervisor import Child, StopRequested, Supervisor, end_orphans, hold_lock


@dataclass
class Up:
    """One run of `up`: what was asked for, what is there, and how far it got."""

    layout: Layout
    configuration: Configuration
    account: Account | None
    console: Console = field(default_factory=Console)
    started_at: float = field(default_factory=time.monotonic)

    @classmethod
    def from_environment(cls) -> Up:
        """A run as the ZENTRA_* variables ask for; raises EmbeddedError naming a wrong one."""
        return cls(Layout.of_this_clone(), Configuration.from_environment(), service_account())

    @cached_property
    def supervisor(self) -> Supervisor:
        """Keeps the children of this run."""
        return Supervisor(self.console, self.layout.log_dir, self.layout.run_dir)

    def run(self, *, servers_only: bool = False) -> int:
        """Bring everything up, stay until a stop is asked for, take everything down. Returns the exit status."""
        self.layout.make(self.account)
        lock = hold_lock(self.layout.run_dir / "lock")
        if lock is None:
            self.console.say(describe_running(self.layout))
            return 0
        try:
            end_orphans(self.layout.run_dir, say=self.console.say)
            self._refuse_busy_port()
            return self._run_alone(servers_only=servers_only)
        finally:
            os.close(lock)

    def _run_alone(self, *, servers_only: bool) -> int:
        self.supervisor.handle_signals()
        record(self.layout.supervisor_record, _myself(), base_url=self._base_url, log_dir=str(self.layout.log_dir))
        try:
            self._bring_up(servers_only=servers_only)
            self.supervisor.supervise()
        except StopRequested:
            pass
        finally:
            self.console.say("stopping")
            self.supervisor.stop()
            self.layout.supervisor_record.unlink(missing_ok=True)
        self.console.say("everything is stopped; the data is kept")
        return 0

    def _bring_up(self, *, servers_only: bool) -> None:
        servers = Servers.plan(
            layout=self.layout, configuration=self.configuration, account=self.account, say=self.console.say
        )
        secrets = Secrets.load_or_make(self.layout.secrets_file)
        servers.start(self.supervisor, owner_password=secrets.postgres_owner)
        ports = self._ports()
        environment = self._environment(servers.environment, ports)
        self._write_environment_file(environment)
        identity = servers.identity()
        self._prepare_database(identity, servers.environment, environment)
        if servers_only:
            self.console.say("the servers run; `python -m zentra.embedded run COMMAND` gives a command their addresses")
            return
        self._collect_static(environment)
        self._start_seeded(identity, ports, environment)
        self._wait_until_ready()
        HealthWatch(self.configuration.port, self.supervisor.request_restart, self.console.say).start()
        demo = complete_demo_file(self.layout, port=self.configuration.port)
        if self.configuration.demo_rate > 0:
            traffic = traffic_program(clone=self.layout.clone, environment=environment)
            self.supervisor.start_stage([Child(traffic)])
        self.console.plain(describe_demo(demo, demo_file=self.layout.demo_file, log_dir=self.layout.log_dir))
        self._say_where_mail_goes(environment)
        self.console.say(f"ready after {self._elapsed():.1f} s")

    def _say_where_mail_goes(self, environment: Mapping[str, str]) -> None:
        if environment["ZENTRA_EMAIL_URL"].startswith("file:"):
            self.console.say(f"mails are written to {self.layout.state / 'mail'}; ZENTRA_EMAIL_URL names a mail server")

    def _start_seeded(self, identity: str, ports: Ports, environment: Mapping[str, str]) -> None:
        """Start Zentra over the demo's data, seeded anew only when sources, database or ports changed."""
        stamp, rails = Stamp(self.layout.state / "demo.stamp"), self.layout.state / RAILS_FILE
        value = fingerprint(self.layout.clone, DEMO_SOURCES, identity, *sorted(ports.environment().values()))
        is_seeded = bool(identity) and stamp.is_current(value) and has_workspaces(self.layout) and rails.exists()
        if not is_seeded:
            self._manage("seed_demo", environment)
        for stage in zentra_stages(
            clone=self.layout.clone, state=self.layout.state, ports=ports, environment=environment
        ):
            self.supervisor.start_stage(Child(program) for program in stage)
            if not is_seeded and any(program.name == "rails" for program in stage):
                # The simulated rails must know where each connection's callbacks go, and what they did last month.
                self._manage("connect_sandbox", environment, "--with-month")
        stamp.set(value)

    def _wait_until_ready(self) -> None:
        """Wait for /readyz, telling every five seconds what it still wants. Without limit: what dies is restarted."""
        self.console.say("waiting until every part answers")
        told = time.monotonic()
        while not (health := ask_health(self.configuration.port)).is_ready:
            self.supervisor.tick()
            self.supervisor.wait(0.1)
            if time.monotonic() - told > 5.0:
                told = time.monotonic()
                self.console.say(health.in_words())

    def _prepare_database(self, identity: str, urls: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """Roles and migrations; skipped while database and sources are the ones that it was last done with."""
        stamp = Stamp(self.layout.state / "schema.stamp")
        value = fingerprint(self.layout.clone, SCHEMA_SOURCES, identity, *sorted(urls.values()))
        if identity and stamp.is_current(value):
            self.console.say("the schemas are as the sources want them")
            return
        # Neither serves a request, so neither has to load and check the whole of the web's URLs first.
        self._manage("setup_roles", environment, "--skip-checks")
        self._manage("migrate_all", environment, "--skip-checks")
        stamp.set(value)

    def _collect_static(self, environment: Mapping[str, str]) -> None:
        stamp = Stamp(self.layout.state / "static.stamp")
        value = fingerprint(self.layout.clone, STATIC_SOURCES)
        if not stamp.is_current(value):
            self._manage("collectstatic", environment, "--noinput", "--verbosity", "0")
            stamp.set(value)

    def _manage(self, command: str, environment: Mapping[str, str], *words: str) -> None:
        started = time.monotonic()
        self.console.say(f"{command} …")
        argv = manage(self.layout.clone, command, *words)
        self.supervisor.run(Program(command, argv, self.layout.clone, environment))
        self.console.say(f"{command} done in {time.monotonic() - started:.1f} s")

    def _environment(self, server_urls: Mapping[str, str], ports: Ports) -> dict[str, str]:
        """What every process of Zentra gets: the caller's own environment, and above it what we decided."""
        return (
            {
                "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "1",
                "ZENTRA_EMAIL_URL": (self.layout.state / "mail").as_uri(),
                "PYTHONUNBUFFERED": "1",
            }
            | dict(os.environ)
            | dict(server_urls)
            | ports.environment()
            | {
                "ZENTRA_STATE_DIR": str(self.layout.state),
                "ZENTRA_DEMO_RATE": f"{self.configuration.demo_rate:g}",
                "DJANGO_SETTINGS_MODULE": "zentra.settings",
            }
        )

    def _write_environment_file(self, environment: Mapping[str, str]) -> None:
        names = [name for name in environment if name.startswith("ZENTRA_") or name == "DJANGO_SETTINGS_MODULE"]
        write_private_json(self.layout.environment_file, {name: environment[name] for name in sorted(names)})

    def _ports(self) -> Ports:
        choice = Choice(self.layout.state / "ports.json")
        return Ports(web=self.configuration.port, rails=choice.pick("rails"), consumer=choice.pick("consumer"))

    def _refuse_busy_port(self) -> None:
        port = self.configuration.port
        if not is_free(port):
            raise EmbeddedError(
                f"Port {port} is in use by {holder_of(port)}. Stop that, or choose another port: "
                f"ZENTRA_PORT={port + 1} make up"
            )

    @property
    def _base_url(self) -> str:
        return f"http://localhost:{self.configuration.port}"

    def _elapsed(self) -> float:
        return time.monotonic() - self.started_at


def describe_running(layout: Layout) -> str:
    """Who holds the lock of this clone, in a sentence."""
    running = read_json(layout.supervisor_record)
    if not running:
        return "Zentra is just starting or stopping here; try again in a moment."
    return (
        f"Zentra already runs at {running.get('base_url')} (pid {running.get('pid')}); its logs are in "
        f"{running.get('log_dir')}. `make down` stops it."
    )


def _myself() -> Identity:
    identity = Identity.of(os.getpid())
    if identity is None:
        raise EmbeddedError("This process cannot see itself in the process list.")
    return identity
