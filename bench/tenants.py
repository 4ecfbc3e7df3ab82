"""Five hundred workspaces: whether requests stay as fast as with five, and what making and migrating them takes.

``ZENTRA_BENCH_TENANTS`` makes fewer. Run ``python -m bench.tenants``; most of it is making the workspaces.
"""

import http.client
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from bench.access import _ENOUGH, _plain_server
from bench.clients import ROUNDS, SECONDS, DurableGround, Step, measure_rate
from zentra.embedded.ports import free_port
from zentra.embedded.programs import Ports

CLIENTS: Final = 4
FEW: Final = 5
MANY: Final = max(FEW + 1, int(os.environ.get("ZENTRA_BENCH_TENANTS", "500")))
DATABASE: Final = "bench_tenants"


def measure(*, say: Callable[[str], None] = print) -> None:
    """Make the workspaces, ask a few and all of them in turn, migrate what needs no migration."""
    ground = DurableGround.create()
    try:
        os.environ.update(ground.environment(database=DATABASE, redis_database=0, ports=Ports.any_free()))
        ground.start()
        ground.create_database(DATABASE)
        tokens, seconds = _make(MANY)
        last = sorted(seconds[-20:])
        say(f"new workspace: {statistics.median(last):.2f} s ({last[0]:.2f} to {last[-1]:.2f}), the last 20 of {MANY}")
        say(f"migrate_tenants with nothing to do: {_migrate():.1f} s")
        say(f"{CLIENTS} clients, {ROUNDS} interleaved rounds of {SECONDS:g} s each, median (lowest to highest round)")
        port = free_port()
        with _plain_server(port):
            _rate(port, tokens)  # every schema is entered once before anything is counted
            rounds = [(_rate(port, tokens[:FEW]), _rate(port, tokens)) for _ in range(ROUNDS)]
        say(_line(rounds))
    finally:
        ground.stop()


def _line(rounds: list[tuple[float, float]]) -> str:
    ratios = sorted(many / few for few, many in rounds)
    few, many = (statistics.median(column) for column in zip(*rounds, strict=True))
    return (
        f"requests: to {FEW} workspaces {few:6.0f}/s   to {MANY} {many:6.0f}/s   ratio {statistics.median(ratios):.2f}"
        f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def _make(number: int) -> tuple[list[str], list[float]]:
    """So many workspaces, each with its key; the keys, and how long each took."""
    import django

    django.setup()
    from django.db import connections

    from zentra.core.clock import now
    from zentra.core.tenancy import tenant_work
    from zentra.tenants.models import Workspace
    from zentra.tenants.operations import create_workspace
    from zentra.tenants.services.operations.keys import issue_key

    tokens, seconds = [], []
    for place in range(number):
        began = time.perf_counter()
        workspace = create_workspace(slug=f"bench-{place}", name=f"Bench {place}", mode="sandbox", now=now())
        with tenant_work(workspace):
            tokens.append(issue_key(workspace=workspace, name="bench", now=now()).token)
        seconds.append(time.perf_counter() - began)
    Workspace.objects.filter(slug__startswith="bench-").update(settings={"rate_policies": {"read": _ENOUGH}})
    connections.close_all()
    return tokens, seconds


def _migrate() -> float:
    began = time.perf_counter()
    environment = dict(os.environ) | {"ZENTRA_DATABASE_ROLE": "owner"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate_tenants", "--skip-checks"], env=environment, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def _rate(port: int, tokens: list[str]) -> float:
    return measure_rate(partial(_step, port, tokens), clients=CLIENTS)


def _step(port: int, tokens: list[str], number: int) -> Step:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    # Each client begins elsewhere, so that no two are always in the same workspace.
    places = itertools.cycle(range(len(tokens)))
    for _ in range(number * len(tokens) // CLIENTS):
        next(places)

    def step() -> None:
        headers = {"Authorization": f"Bearer {tokens[next(places)]}"}
        connection.request("GET", "/v1/accounts/customer_balance", headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {content[:500]!r}")

    return step


if __name__ == "__main__":
    measure()
