"""What authentication, rate limit and tenant switch cost a request, as a ratio to one that does without them.

Both endpoints read the same account with the same statement behind the same server and middleware (``bench/urls.py``).
By API key, by access token, and by a token that is bound to the certificate of its TLS connection, where the bare
endpoint is asked over the same connection. The aim is 1.5 at most. Run ``python -m bench.access``.
"""

import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.clients import ROUNDS, SECONDS, DurableGround, Step, measure_rate
from tests.api.certificates import Issued, make, make_ca
from zentra.embedded.ports import free_port
from zentra.embedded.programs import Ports

CLIENTS: Final = 4
DATABASE: Final = "bench_access"
_WORKER: Final = (
    "-m gunicorn --worker-class zentra.arrival.gunicorn.TimedWorker --threads 4 --workers 1 --log-level error"
    " --keep-alive 30"
)
_ENOUGH: Final = {"key": [100_000, 100_000], "tenant": [100_000, 100_000]}


@dataclass(frozen=True)
class Way:
    """One way to be known: where it is asked, and with what."""

    name: str
    port: int
    token: str
    tls: ssl.SSLContext | None = None

    def connect(self) -> http.client.HTTPConnection:
        """A connection of a client."""
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        return http.client.HTTPSConnection("localhost", self.port, timeout=120, context=self.tls)


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start both servers, and measure the three ways in turn."""
    ground = DurableGround.create()
    try:
        os.environ.update(ground.environment(database=DATABASE, redis_database=0, ports=Ports.any_free()))
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        ground.start()
        ground.create_database(DATABASE)
        say(f"{CLIENTS} clients, {ROUNDS} interleaved rounds of {SECONDS:g} s each, median (lowest to highest round)")
        with TemporaryDirectory() as folder:
            _measure_all(Path(folder), say)
    finally:
        ground.stop()


def _measure_all(folder: Path, say: Callable[[str], None]) -> None:
    ca = make_ca(folder, "ca")
    server = make(folder, "server", ca, dns=("localhost",))
    client = make(folder, "client", ca, dns=("bench.example.com",))
    key, plain, bound = _prepare(client)
    tls = ssl.create_default_context(cafile=str(ca.pem))
    tls.load_cert_chain(*client.files)
    port, tls_port = free_port(), free_port()
    with _plain_server(port), _tls_server(tls_port, ca, server):
        ways = [
            Way("key", port, key),
            Way("token", port, _token(Way("", port, ""), plain)),
            Way("token over mTLS", tls_port, _token(Way("", tls_port, "", tls), bound), tls),
        ]
        rounds: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                rounds[way.name].append((_rate(way, "bare"), _rate(way, "guarded")))
    for name, figures in rounds.items():
        say(_line(name, figures))


def _line(name: str, rounds: list[tuple[float, float]]) -> str:
    ratios = sorted(bare / guarded for bare, guarded in rounds)
    bare, guarded = (statistics.median(column) for column in zip(*rounds, strict=True))
    return (
        f"{name:>16}: bare {bare:6.0f}/s   guarded {guarded:6.0f}/s   a guarded request costs"
        f" {statistics.median(ratios):.2f} bare ones ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def _prepare(certificate: Issued) -> tuple[str, dict[str, str], dict[str, str]]:
    """A workspace without limits worth the name: its key, and what two clients say for a token."""
    import django

    django.setup()
    from django.db import connections

    from zentra.core.clock import now
    from zentra.core.tenancy import tenant_work
    from zentra.tenants.models import Workspace
    from zentra.tenants.operations import add_member, create_user, create_workspace
    from zentra.tenants.queries import find_member
    from zentra.tenants.services.operations.clients import add_client_certificate, create_client
    from zentra.tenants.services.operations.keys import issue_key

    workspace = create_workspace(slug="bench", name="Bench", mode="sandbox", now=now())
    Workspace.objects.filter(id=workspace.id).update(settings={"rate_policies": {"read": _ENOUGH}})
    person = create_user(email="dev@example.com", password="nobody signs in as this")
    add_member(workspace_id=workspace.id, user=person, role="developer")
    issuer = find_member(email="dev@example.com", slug="bench")
    assert issuer is not None
    scopes = {"accounts.read"}
    with tenant_work(workspace):
        key = issue_key(workspace=workspace, name="bench", scopes=scopes, now=now()).token
        one = create_client(workspace=workspace, name="one", scopes=scopes, issuer=issuer, now=now(), token_seconds=900)
        two = create_client(
            workspace=workspace, name="two", scopes=scopes, issuer=issuer, now=now(), token_seconds=900,
            requires_certificate=True, with_secret=False,
        )  # fmt: skip
        add_client_certificate(
            workspace=workspace, client_id=two.client_id, text=certificate.pem.read_text(), issuer=issuer, now=now()
        )
    connections.close_all()
    return key, {"client_id": one.client_id, "client_secret": one.secret}, {"client_id": two.client_id}


def _token(way: Way, said: dict[str, str]) -> str:
    connection = way.connect()
    form = "&".join(f"{name}={value}" for name, value in {"grant_type": "client_credentials", **said}.items())
    connection.request("POST", "/v1/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {content[:500]!r}")
    return str(json.loads(content)["access_token"])


@contextmanager
def _plain_server(port: int) -> Iterator[None]:
    yield from _run([*_WORKER.split(), "-b", f"127.0.0.1:{port}", "zentra.wsgi:application"], {}, port)


@contextmanager
def _tls_server(port: int, ca: Issued, server: Issued) -> Iterator[None]:
    environment = {
        "ZENTRA_TLS_BIND": f"127.0.0.1:{port}",
        "ZENTRA_TLS_CERTIFICATE": str(server.pem),
        "ZENTRA_TLS_KEY": str(server.key_pem),
        "ZENTRA_TLS_CLIENT_CA": str(ca.pem),
        "ZENTRA_TLS_WORKERS": "1",
    }
    words = ["-m", "gunicorn", "--config", "deploy/gunicorn_tls.py", "--threads", "4", "--log-level", "error"]
    yield from _run([*words, "zentra.wsgi:application"], environment, port)


def _run(words: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *words], env=dict(os.environ) | environment)
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.connect()
            connection.close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start.")


def _rate(way: Way, what: str) -> float:
    return measure_rate(partial(_step, way, what), clients=CLIENTS)


def _step(way: Way, what: str, _number: int) -> Step:
    connection: Any = way.connect()
    headers = {"Authorization": f"Bearer {way.token}"} if what == "guarded" else {}

    def step() -> None:
        connection.request("GET", f"/v1/bench/{what}", headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {content[:500]!r}")

    return step


if __name__ == "__main__":
    measure()
