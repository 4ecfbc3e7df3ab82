"""Intents per second through HTTP, as a ratio to a bare endpoint that does one ``SELECT 1``.

The same processes answer both: Daphne as in ``make up``, and the WSGI API process (gunicorn) that ``docs`` recommend
for load. Nothing else runs, so that routing and sealing do not share the two figures unequally; each intent is real
and posts. Run ``python -m bench.intents``. A figure is the median of interleaved rounds, with its spread.
"""

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from bench.clients import ROUNDS, SECONDS, DurableGround, Step, measure_rate
from zentra.embedded.programs import Ports

CLIENTS: Final = 4
DATABASE: Final = "bench_intents"
SERVERS: Final = {
    "daphne": ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", "{port}", "zentra.asgi:application"],
    "gunicorn": [
        "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--workers", "1", "--log-level", "error",
        "--keep-alive", "30", "-b", "127.0.0.1:{port}", "zentra.wsgi:application",
    ],
}  # fmt: skip


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server of each kind, measure both endpoints in turn, stop it."""
    ground = DurableGround.create()
    ports = Ports.any_free()
    try:
        os.environ.update(ground.environment(database=DATABASE, redis_database=0, ports=ports))
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        ground.start()
        ground.create_database(DATABASE)
        token = _prepare()
        say(f"{CLIENTS} clients, {ROUNDS} interleaved rounds of {SECONDS:g} s each, median (lowest to highest round)")
        for name, words in SERVERS.items():
            with _server(words, ports.web):
                _measure_server(name, ports.web, token, say)
    finally:
        ground.stop()


def _prepare() -> str:
    import django

    django.setup()
    from django.db import connections

    from zentra.core.clock import now
    from zentra.tenants.operations import create_workspace, issue_key

    workspace = create_workspace(slug="bench", name="Bench", mode="sandbox", now=now())
    token = issue_key(workspace=workspace, name="bench", now=now()).token
    connections.close_all()
    return token


@contextmanager
def _server(words: list[str], port: int) -> Iterator[None]:
    argv = [sys.executable, *(word.format(port=port) for word in words)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
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
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start.")


def _measure_server(name: str, port: int, token: str, say: Callable[[str], None]) -> None:
    rounds: list[tuple[float, float]] = [
        (_rate("bare", port, token), _rate("intent", port, token)) for _ in range(ROUNDS)
    ]
    ratios = sorted(intent / bare for bare, intent in rounds)
    bare, intent = (statistics.median(column) for column in zip(*rounds, strict=True))
    say(
        f"{name:>9}: SELECT 1 {bare:7.0f}/s   intents {intent:6.0f}/s   ratio {statistics.median(ratios):.2f}"
        f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def _rate(kind: str, port: int, token: str) -> float:
    make_step = _bare if kind == "bare" else _intent
    return measure_rate(partial(make_step, port, token), clients=CLIENTS)


def _bare(port: int, _token: str, _number: int) -> Step:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def step() -> None:
        connection.request("GET", "/v1/bench/select1")
        _expect(connection, 200)

    return step


def _intent(port: int, token: str, number: int) -> Step:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    marker, sent = f"b_{os.urandom(4).hex()}_{number}", itertools.count()

    def step() -> None:
        connection.request("POST", "/v1/runtime/intents", _body(f"{marker}_{next(sent)}"), headers)
        _expect(connection, 201)

    return step


def _expect(connection: http.client.HTTPConnection, status: int) -> None:
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != status:
        raise SystemExit(f"{answer.status}: {content[:500]!r}")


def _body(intent_id: str) -> bytes:
    return json.dumps(
        {"intent_id": intent_id, "kind": "payment", "amount_minor": 1250, "currency": "USD", "metadata": {"order": "7"}}
    ).encode()


if __name__ == "__main__":
    measure()
