"""Deliveries per second with full history, as a ratio to a bare aiohttp loop; what a black hole costs the others.

Run ``python -m bench.webhooks``. The consumer, the bare loop and the worker's engine are processes of their own on one
machine; rates are taken at the consumer, from the first to the last message of a round. Both send the same bytes with
the same signed headers to the same twenty endpoints; the engine reads each from PostgreSQL, verifies and signs it, and
writes its attempt with headers and answer, its delivery, its event and the folded minute.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.clients import ROUNDS, SECONDS
from bench.workspace import bench_workspace, connect
from zentra.core.tenancy import TenantRef
from zentra.embedded.ports import free_port

ENDPOINTS: Final = 20
DELIVERIES: Final = int(1_000 * SECONDS) // ENDPOINTS * ENDPOINTS
"""Of one round: a few seconds' worth."""
PACED_PER_SECOND: Final = 200
PACED_SECONDS: Final = max(2.0, 2 * SECONDS)
_STEP: Final = 0.05
_PATIENCE_SECONDS: Final = 120.0


def measure(*, say: Callable[[str], None] = print) -> None:
    """Make a workspace with twenty endpoints, measure in turn, check that everything arrived."""
    os.environ["ZENTRA_ALLOW_LOCAL_WEBHOOKS"] = "true"
    with bench_workspace("bench_webhooks") as workspace, _consumer() as port:
        bench = Bench(workspace, port)
        say(f"{ENDPOINTS} endpoints, {DELIVERIES} deliveries a round, {ROUNDS} interleaved rounds, median (spread)")
        _measure_rates(bench, say)
        _measure_isolation(bench, say)
        bench.check_arrivals(say)


class Bench:
    """The workspace, its consumer, and everything that was published and received."""

    def __init__(self, workspace: TenantRef, port: int) -> None:
        from webhooks.operations import create_endpoint
        from zentra.core.actors import EVENTS
        from zentra.core.clock import now
        from zentra.core.tenancy import tenant_work

        self.workspace, self.port = workspace, port
        self.received: Counter[tuple[str, str]] = Counter()
        self.endpoints: list[str] = []
        with tenant_work(workspace):
            for number in range(ENDPOINTS):
                made = create_endpoint(
                    url=f"http://127.0.0.1:{port}/e/{number}",
                    event_filter=["account.*"],
                    schedule=[0] + [1] * 19,  # what a black hole swallowed is soon tried again
                    actor=EVENTS,
                    now=now(),
                )
                self.endpoints.append(made.endpoint.id)

    def publish(self, events: int) -> None:
        """Record events, give them their place in the log, and make their deliveries."""
        from evidence.operations import record_events
        from evidence.types import NewEvent
        from webhooks.operations import fan_out
        from zentra.core.actors import LEDGER
        from zentra.core.clock import now
        from zentra.core.tenancy import tenant_work

        fresh = [NewEvent(type="account.created", actor=LEDGER, data=_account(number)) for number in range(events)]
        with tenant_work(self.workspace):
            record_events(events=fresh, now=now())
        _sequence(self.workspace)
        more = True
        while more:
            with tenant_work(self.workspace):
                more = fan_out(now=now()).has_more

    def told(self) -> list[tuple[str, str, float]]:
        """What the consumer received since the last question."""
        return [(str(endpoint), str(message), float(at)) for endpoint, message, at in _ask(self.port)]

    def take(self, count: int) -> list[float]:
        """Wait until the consumer has so many more deliveries, and note them; the moments, in order."""
        moments: list[float] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(moments) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"Only {len(moments)} of {count} deliveries arrived in {_PATIENCE_SECONDS:g} s.")
            time.sleep(0.2)
            for endpoint, message, at in self.told():
                self.received[endpoint, message] += 1
                moments.append(at)
        return sorted(moments)

    def messages(self) -> list[dict[str, Any]]:
        """The bytes and headers of one round, as they went out."""
        with connect(self.workspace.schema) as connection:
            rows = connection.execute(
                "SELECT a.url, a.request_headers, e.body FROM webhooks_attempt a"
                " JOIN webhooks_delivery d ON d.id = a.delivery_id JOIN evidence_event e ON e.id = d.event_id"
                " WHERE a.error_class IS NULL ORDER BY a.recorded_at DESC LIMIT %s",
                [DELIVERIES],
            ).fetchall()
        return [
            {"endpoint": str(url).rpartition("/")[2], "headers": headers, "body": bytes(body).decode()}
            for url, headers, body in rows
        ]

    def p95(self, since: object) -> float:
        """Milliseconds from due to resolved, the 95th of a hundred, of what became due since a moment."""
        with connect(self.workspace.schema) as connection:
            row = connection.execute(
                "SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM resolved_at - first_due_at))"
                " FROM webhooks_delivery WHERE first_due_at > %s AND state = 'resolved'",
                [since],
            ).fetchone()
        assert row is not None
        return float(str(row[0])) * 1000

    def check_arrivals(self, say: Callable[[str], None]) -> None:
        """Two passes: what was published for each endpoint, and what each received. Fails on the first difference."""
        with connect(self.workspace.schema) as connection:
            rows = connection.execute(
                "SELECT e.url, d.event_id FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id"
                " WHERE e.url LIKE %s",
                ["%/e/%"],
            ).fetchall()
        from zentra.core import ids

        published = {(str(url).rpartition("/")[2], ids.to_public("evt", event)) for url, event in rows}
        missing = published - self.received.keys()
        twice = sum(count - 1 for count in self.received.values())
        if missing:
            raise SystemExit(f"{len(missing)} of {len(published)} deliveries never arrived.")
        say(f"every event published arrived: {len(published)} deliveries, {twice} of them more than once")


def _measure_rates(bench: Bench, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        _engine_rate(bench)  # warm, and the messages of the bare loop
        path.write_text("\n".join(json.dumps(message) for message in bench.messages()))
        rates: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            rates["bare"].append(_bare_rate(bench, path))
            rates["engine"].append(_engine_rate(bench))
    say(f"  bare aiohttp loop                 {_figure(rates['bare'], '/s')}")
    say(f"  deliveries of one worker process  {_figure(rates['engine'], '/s')}")
    ratios = [engine / bare for engine, bare in zip(rates["engine"], rates["bare"], strict=True)]
    say(f"  … of the bare loop                {_figure(ratios, '')}   (aim 0.4)")


def _bare_rate(bench: Bench, path: Path) -> float:
    subprocess.run([sys.executable, "-m", "bench.consumer", "post", str(bench.port), str(path)], check=True)
    moments = sorted(at for _, _, at in bench.told())
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _engine_rate(bench: Bench) -> float:
    bench.publish(DELIVERIES // ENDPOINTS)
    with _engine():
        moments = bench.take(DELIVERIES)
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _measure_isolation(bench: Bench, say: Callable[[str], None]) -> None:
    """The same steady load with twenty answering endpoints, and with one of them swallowing everything."""
    hole = f"http://127.0.0.1:{bench.port}/hole"
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, url in (("all answer", f"http://127.0.0.1:{bench.port}/e/0"), ("one is a black hole", hole)):
            _move_first(bench, url)
            times[name].append(_paced_p95(bench, answering=ENDPOINTS - (url == hole)))
    for name, found in times.items():
        say(f"  p95 from due to delivered, {name:<21}{_figure(found, ' ms')}")
    growth = [hole / fine for fine, hole in zip(*times.values(), strict=True)]
    say(f"  … grows to                        {_figure(growth, '')}   (aim below 1.10)")
    _move_first(bench, f"http://127.0.0.1:{bench.port}/e/0")
    with connect(bench.workspace.schema) as connection:
        row = connection.execute(
            "SELECT count(*) FROM webhooks_delivery WHERE state IN ('queued', 'retrying')"
        ).fetchone()
    waiting = int(str(row[0])) if row else 0
    with _engine():
        bench.take(waiting)  # what the hole swallowed is delivered once it answers


def _paced_p95(bench: Bench, *, answering: int) -> float:
    from zentra.core.clock import now

    batch = max(1, int(PACED_PER_SECOND * _STEP / ENDPOINTS))
    with _engine():
        bench.publish(batch)
        bench.take(batch * answering)
        since, published = now(), 0
        end = time.monotonic() + PACED_SECONDS
        while time.monotonic() < end:
            began = time.monotonic()
            bench.publish(batch)
            published += batch
            time.sleep(max(0.0, _STEP - (time.monotonic() - began)))
        bench.take(published * answering)
        time.sleep(0.5)  # the last answers are being written
    return bench.p95(since)


def _move_first(bench: Bench, url: str) -> None:
    from webhooks.operations import change_endpoint
    from zentra.core.actors import EVENTS
    from zentra.core.clock import now
    from zentra.core.tenancy import tenant_work

    with tenant_work(bench.workspace):
        change_endpoint(endpoint_id=bench.endpoints[0], version=None, url=url, actor=EVENTS, now=now())


def _account(number: int) -> dict[str, object]:
    name = f"acct_{number:026}"
    return {"account_id": name, "code": f"bench_{number}", "currency": "USD", "account_type": "customer"}


def _sequence(workspace: TenantRef) -> None:
    """As the sealer does, with its own database role."""
    from tests.evidence.sealing import sequence

    while sequence(workspace):
        pass


@contextmanager
def _engine() -> Iterator[None]:
    """A worker's engine in a process of its own."""
    environment = {**os.environ, "ZENTRA_ALLOW_LOCAL_WEBHOOKS": "true"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.consumer", "deliver"], stdin=subprocess.PIPE, env=environment
    )
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(timeout=60)


@contextmanager
def _consumer() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.consumer", "serve", str(port)])
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                _ask(port)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _ask(port: int) -> list[list[Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/told")
        found: list[list[Any]] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def _figure(values: Sequence[float], unit: str) -> str:
    digits = 0 if statistics.median(values) >= 20 else 2
    middle, least, most = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle}{unit} ({least} to {most})"


if __name__ == "__main__":
    measure()
