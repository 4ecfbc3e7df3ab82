"""What limits cost: intents weighed per second, as ratios to the same call without a limit. ``python -m bench.limits``.

Each step is a transaction of its own on a durable server: the deciding call, which writes the movement, and its commit.
Before it ``ZENTRA_BENCH_PAST`` (1,000,000) intents of 10,000 customers moved in the last 30 days, so that windows are
full. Clients of one subject queue on its row until the one before has committed; a workspace-wide limit is one row for
all. All kinds take their turn in each round; a figure is the median of five rounds, with the lowest and the highest.
"""

import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from bench.clients import ROUNDS, SECONDS, Step, measure_rate
from bench.workspace import bench_workspace, connect, leave_connections

if TYPE_CHECKING:
    from policy.rules.types import AskedMeter
    from zentra.core.tenancy import TenantRef

CLIENTS: Final = 16
CUSTOMERS: Final = 10_000
PAST: Final = int(os.environ.get("ZENTRA_BENCH_PAST", "1000000"))
NEVER: Final = 10**15
"""A cap that nothing reaches: what is measured is the counting."""
BASE: Final = "no limit"
KINDS: Final = {
    BASE: "a call without a limit",
    "customer": "one limit by customer, 24 hours",
    "one customer": "the same, all intents of one customer",
    "workspace": "one limit of the whole workspace, 24 hours",
    "velocity": "20 velocity limits by customer, account and corridor, to 30 days",
    "velocity and workspace": "the same and two of the whole workspace, to 30 days",
}


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, fill it, measure, stop it; says each line as it is known."""
    with bench_workspace("bench_limits") as workspace:
        began = time.perf_counter()
        _move_in_the_past(workspace)
        say(f"{PAST} intents of the last 30 days: {time.perf_counter() - began:.0f} s to write")
        for kind in KINDS:
            began = time.perf_counter()
            _step(kind, workspace, 0)()
            say(f"first intent of {kind}: {(time.perf_counter() - began) * 1000:.0f} ms (it counts the past)")
        for clients in (1, CLIENTS):
            _measure(workspace, clients, say)


def _measure(workspace: "TenantRef", clients: int, say: Callable[[str], None]) -> None:
    rounds = [{kind: _rate(workspace, kind, clients) for kind in KINDS} for _ in range(ROUNDS)]
    say(f"{clients} clients, {ROUNDS} interleaved rounds of {SECONDS:g} s each: median (lowest to highest round)")
    for kind, words in KINDS.items():
        rate = statistics.median(each[kind] for each in rounds)
        ratios = sorted(each[kind] / each[BASE] for each in rounds)
        ratio = f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        say(f"  {words:<64} {rate:6.0f}/s   of {BASE} {ratio}")
    wide = sorted(each["workspace"] / each["customer"] for each in rounds)
    ratio = f"{statistics.median(wide):5.2f} ({wide[0]:.2f} to {wide[-1]:.2f})"
    say(f"  one row for the whole workspace, of a row per customer {ratio}")


def _rate(workspace: "TenantRef", kind: str, clients: int) -> float:
    leave_connections()
    return measure_rate(partial(_step, kind, workspace), clients=clients)


def _step(kind: str, workspace: "TenantRef", number: int) -> Step:
    from policy.limits.operations import weigh
    from policy.subjects import Subject
    from zentra.core import clock, ids
    from zentra.core.tenancy import tenant_work

    asked, turn = _asked(kind), number * 7_919

    def step() -> None:
        nonlocal turn
        turn += 1
        name = 0 if kind == "one customer" else turn * 104_729 % CUSTOMERS
        subject = Subject(
            ids.new_id("intent"), "payment", 100 + turn % 900, "USD", f"cust_{name}", account=f"acct_{name}",
            counterparty=f"payee_{turn % 50}", corridor_source="GB", corridor_destination=f"D{name % 100}",
            corridor_method="wire",
        )  # fmt: skip
        with tenant_work(workspace):
            found = weigh(
                version=1, subject=subject, meters=asked, listed=(), references=(), is_reserving=True,
                expires_at=None, now=clock.now(),
            )  # fmt: skip
        assert found.is_reserved, found

    return step


def _asked(kind: str) -> "list[AskedMeter]":
    from policy.rules.types import AskedMeter, Dimension, Measure, Meter, Window

    day = Window(rolling_seconds=86_400)
    windows = (Window(rolling_seconds=3_600), day, Window(rolling_seconds=30 * 86_400), Window(calendar="month"))
    measures: tuple[Measure, ...] = ("sum", "count")
    dimensions: tuple[Dimension, ...] = ("customer", "account")
    spread = [Meter(by, measure, window) for by in dimensions for measure in measures for window in windows]
    spread += [Meter("customer", "distinct_counterparties", day), Meter("customer", "count", day, from_minor=900)]
    spread += [Meter("corridor", "count", window) for window in windows[:2]]
    wide = [Meter("workspace", "sum", day), Meter("workspace", "count", windows[2])]
    meters = {
        BASE: [],
        "customer": [Meter("customer", "sum", day)],
        "one customer": [Meter("customer", "sum", day)],
        "workspace": wide[:1],
        "velocity": spread,
        "velocity and workspace": spread + wide,
    }[kind]
    return [AskedMeter(meter, NEVER) for meter in meters]


def _move_in_the_past(workspace: "TenantRef") -> None:
    with connect(workspace.schema, as_owner=True) as owner:
        owner.execute(
            "INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor,"
            " counterparty, state, changed_at)"
            " SELECT 'past_' || n, m.at, 'payment', 100 + n %% 900, 'USD', 'acct_' || n %% %(customers)s,"
            " 'cust_' || n %% %(customers)s, 'GB>D' || n %% %(customers)s %% 100 || '/wire', 'payee_' || n %% 50,"
            " 'confirmed', m.at FROM generate_series(1, %(past)s) n,"
            " LATERAL (SELECT now() - interval '30 days' * (n::float8 / %(past)s) AS at) m",
            {"customers": CUSTOMERS, "past": PAST},
        )
        owner.execute("ANALYZE policy_movement")


if __name__ == "__main__":
    measure()
